"""What the emulator may import, since it has to be there within a second and a half."""

from __future__ import annotations

import subprocess
import sys

import pytest

_SERVER = """
import phift.emulator.host.server
"""


@pytest.mark.parametrize(
    ("script", "unwanted"),
    [
        (_SERVER, {"torch", "transformers", "mlflow", "datasets", "numpy", "pandas", "azure", "pydantic", "typer"}),
        (
            "import phift.emulator.host.lifecycle",
            {"starlette", "uvicorn", "cryptography", "sqlite3", "yaml", "asyncio"},
        ),
    ],
    ids=["server", "lifecycle"],
)
def test_only_light_modules(script: str, unwanted: set[str]) -> None:
    check = f"\nimport sys\nprint(sorted({unwanted!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script + check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
