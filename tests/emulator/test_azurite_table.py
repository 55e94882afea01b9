"""The table of differences from Azurite in docs/emulator-reference.md: as generated, and of tests that exist.

UPDATE_GOLDEN=1 pytest tests/emulator/test_azurite_table.py    writes the table
"""

from __future__ import annotations

from tests.emulator import test_blob_refused as refused
from tests.emulator import test_blob_wire as wire
from tests.emulator.blobtargets import EXPECTED
from tests.emulator.page import page_with, require_table

BEGIN, END = "<!-- azurite: generated, see tests/emulator/azurite.yaml -->", "<!-- end of azurite -->"


def test_the_page_has_the_table() -> None:
    lines = ["| Azurite | embedded | because |", "|---|---|---|"]
    lines += [f"| {row['azurite']} | {row['embedded']} | {row['because']} |" for row in EXPECTED["differences"]]
    require_table(BEGIN, END, lines)
    assert f"Azurite {EXPECTED['version']}" in page_with(BEGIN).read_text(encoding="utf-8")


def test_every_difference_has_its_tests() -> None:
    names = [name for row in EXPECTED["differences"] for name in row["tests"]]
    assert len(names) == len(set(names))
    assert set(names) <= set(refused.REFUSED) | set(vars(refused)) | set(vars(wire))
