"""Azure's own end-to-end tests of azure-ai-ml: each passes, or azure_ai_ml.yaml says why it does not.

UPDATE_GOLDEN=1 pytest -m matrix tests/matrix/test_azure_ai_ml.py    writes the table, and docs/emulator-fidelity.md
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.emulator.page import require_table
from tests.matrix.azure_ai_ml import suite
from tests.matrix.azure_ai_ml.table import BEGIN, END, Table, summary


@pytest.mark.matrix
def test_azures_tests_of_its_sdk_end_as_the_table_says(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    try:
        root = suite.unpack(tmp_path)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"the tests of azure-ai-ml could not be downloaded: {error}")
    found = suite.run(root, tmp_path / "home")
    table = Table.load()
    if os.environ.get("UPDATE_GOLDEN"):
        table = table.updated(found)
        table.save()
    passing = sum(verdict.kind == "passes" for verdict in found.values())
    record_property("tried", f"azure-ai-ml {suite.VERSION}: {passing} of its {len(found)} end-to-end tests pass")
    assert not table.mismatches(found)


def test_every_test_that_fails_has_a_reason() -> None:
    unexplained = {name: about for name, about in Table.load().fails.items() if about.startswith("unexplained")}
    assert not unexplained


def test_the_page_has_the_counts() -> None:
    require_table(BEGIN, END, summary(Table.load()))
