"""Validating a spec stays light: what it must never import."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = (
    "azure",
    "torch",
    "datasets",
    "transformers",
    "pyarrow",
    "numpy",
    "phift.spec.jsonschema",
)


def modules_after(code: str) -> set[str]:
    script = f"import sys\nfrom pathlib import Path\nfrom phift.spec import load\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(("name", "templates"), [("quickstart", False), ("train-parquet", True)])
def test_loading_imports_little(name: str, templates: bool) -> None:
    modules = modules_after(f"load(Path('configs/{name}.yaml'), target='local', environ={{}})")
    assert modules & set(HEAVY) == set()
    assert ("jinja2" in modules) is templates
