"""phift.api from a program: everything twice in one process, without a word, a question or a signal handler."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

from support import Project

from phift import api

FUNCTIONS = {name for name in api.__all__ if inspect.isfunction(getattr(api, name))}


def test_every_function_can_be_called_twice_and_says_nothing(served: Project, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    _, keywords = served.command()
    program = Path(__file__).parent / "program.py"
    done = subprocess.run(
        [sys.executable, str(program), str(served.spec), str(out)],
        timeout=240,
        capture_output=True,
        text=True,
        check=False,
        **keywords,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text(encoding="utf-8"))
    assert set(found["written"]) == FUNCTIONS
    assert {name: text for name, text in found["written"].items() if text} == {}
    assert found["signals"] == []
    assert (found["started"], found["finished"]) == (4, 4)
