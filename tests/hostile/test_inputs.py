"""Hostile and careless input: a clear answer, the exit code of an error, soon, and in little memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hostile import Hostile
from hostile_files import FILES
from hostile_specs import SPECS

INPUTS = (*SPECS, *FILES)
TESTS = Path(__file__).parent
TIMEOUT = 60.0
"""Seconds by the clock: only to end what hangs."""
CPU_SECONDS = 2.0
MEGABYTES = 300


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, dict[str, Any]]:
    """Every input, run once, in one process that forks for each."""
    base = tmp_path_factory.mktemp("hostile")
    cases = []
    for number, hostile in enumerate(INPUTS):
        folder = base / f"case{number}"
        hostile.write(folder)
        cases.append({"name": hostile.name, "words": hostile.words, "folder": str(folder), "timeout": TIMEOUT})
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PHIFT_", "AZURE_"))}
    done = subprocess.run(
        [sys.executable, str(TESTS / "measuring.py")],
        input=json.dumps(cases),
        text=True,
        capture_output=True,
        env={**environment, "PYTHONPATH": str(TESTS.parents[1])},
        cwd=base,
        check=True,
    )
    return {found["name"]: found for found in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("hostile", INPUTS, ids=lambda hostile: hostile.name)
def test_it_is_answered(hostile: Hostile, measured: Mapping[str, dict[str, Any]]) -> None:
    found = measured[hostile.name]
    output = found["output"]
    assert found["code"] == hostile.exit, output[-2000:]
    assert "Traceback" not in output
    assert "defect of phift" not in output
    assert hostile.says in output, output[-2000:]
    if hostile.codes:
        (spec,) = json.loads(output)["specs"]
        codes = {diagnostic["code"] for diagnostic in spec["diagnostics"]}
        assert codes & set(hostile.codes), codes
        assert all(diagnostic["mark"] for diagnostic in spec["diagnostics"])
        assert len(spec["diagnostics"]) <= 102
    assert len(output) < 100_000
    assert found["seconds"] < CPU_SECONDS
    assert found["mb"] < MEGABYTES
