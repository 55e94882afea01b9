"""The notebooks of examples/ run from the first cell to the last, and are committed without their outputs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support import REPOSITORY, Embedded

NOTEBOOKS = sorted((REPOSITORY / "examples").glob("*.ipynb"))
PATIENCE = 240


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_there_are_notebooks_and_the_page_lists_them() -> None:
    page = (REPOSITORY / "examples" / "README.md").read_text(encoding="utf-8")
    assert len(NOTEBOOKS) >= 2
    assert [path.name for path in NOTEBOOKS if f"({path.name})" not in page] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_without_outputs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    document = json.loads(text)
    assert text == json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    assert set(document["metadata"]) <= {"kernelspec", "language_info"}
    assert document["metadata"]["language_info"] == {"name": "python"}
    for cell in document["cells"]:
        assert (cell.get("outputs", []), cell.get("execution_count")) == ([], None), cell["id"]
        assert cell["metadata"] == {}
    assert len({cell["id"] for cell in document["cells"]}) == len(document["cells"])


def executed(path: Path, folder: Path, embedded: Embedded, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the cells of a notebook that was run in a copy of its folder, on the shared emulator."""
    pytest.importorskip("ipykernel", reason="needs ipykernel to run notebooks")
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient to run notebooks")
    nbformat = pytest.importorskip("nbformat")
    shutil.copytree(REPOSITORY / "configs" / "data", folder / "configs" / "data")
    (folder / "examples").mkdir()
    monkeypatch.setenv("PHIFT_HOME", str(embedded.home))
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    resources = {"metadata": {"path": str(folder / "examples")}}
    nbclient.NotebookClient(notebook, timeout=PATIENCE, kernel_name="python3", resources=resources).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cells: list[dict[str, Any]], kind: str) -> list[str]:
    """Return the results of the cells in a format."""
    return ["".join(out["data"][kind]) for cell in cells for out in cell["outputs"] if kind in out.get("data", {})]


@pytest.mark.parametrize(
    ("name", "in_html"),
    [
        (
            "01-from-the-notebook-to-a-spec",
            ["Plan: 8 to add, 1 to change, 0 to destroy.", "Complete: 8 added", "instance_count", "2 destroyed"],
        ),
        ("02-compare-runs", ["eval_loss", "1 of 38 parameters", "200 added", "destroyed"]),
    ],
)
def test_it_runs(
    name: str, in_html: list[str], tmp_path: Path, embedded: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = executed(REPOSITORY / "examples" / f"{name}.ipynb", tmp_path, embedded, monkeypatch)
    page = "\n".join(shown(cells, "text/html"))
    assert [text for text in in_html if text not in page] == []
    assert "<script" not in page
    streams = [out for cell in cells for out in cell["outputs"] if out["output_type"] == "stream"]
    assert [out for out in streams if out["name"] == "stderr"] == []
    plain = "\n".join(shown(cells, "text/plain"))
    assert "destroyed." in plain
    assert "Plan(" not in plain
