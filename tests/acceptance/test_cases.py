"""Every folder in cases/ has the output it must have."""

import importlib.util
import os
from pathlib import Path

import pytest
from harness import Case, check, discover

EMULATOR_NEEDS = ("cryptography", "starlette", "uvicorn", "mlflow", "torch", "transformers", "peft")


def _marked(case: Case) -> object:
    marks = [pytest.mark.slow] if case.slow else []
    return pytest.param(case, id=case.folder.name, marks=marks)


@pytest.mark.parametrize("case", [_marked(case) for case in discover()])
def test_output_is_the_golden_one(case: Case, tmp_path: Path, server: Path, request: pytest.FixtureRequest) -> None:
    if case.emulator:
        missing = [name for name in EMULATOR_NEEDS if importlib.util.find_spec(name) is None]
        if missing:
            pytest.skip(f"needs the extra [local]: {', '.join(missing)} not installed")
    shared = request.getfixturevalue("embedded").home if case.emulator == "shared" else None
    check(case, tmp_path, update=bool(os.environ.get("UPDATE_GOLDEN")), shared=shared, server=server)
