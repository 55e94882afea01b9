"""The benchmarks: they need no more than phift[local], and their results make one table."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "benchmarks").glob("*.py"))
NAMES = {"pytest-xdist": "xdist", "types-pyyaml": ""}
IMPORT = """
import importlib, sys
sys.path[:0] = [{root!r}, {tests!r}]
for name in {blocked}:
    sys.modules[name] = None
for name in {modules}:
    importlib.import_module(name)
"""


def dev_only() -> list[str]:
    """The modules of the extra [dev]."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = [text.split(">")[0].split("=")[0].strip() for text in extras["dev"]]
    return [module for name in named if (module := NAMES.get(name, name))]


def modules_of(path: Path) -> list[str]:
    """A benchmark, and what of the repository it imports at any depth of its code."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    found = [f"benchmarks.{path.stem}", *(n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module)]
    own = ("benchmarks.", "tests.", "phift.")
    return [name for name in found if name.startswith(own) or (ROOT / "tests" / f"{name}.py").is_file()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_benchmark_imports_without_what_only_tests_need(path: Path) -> None:
    blocked = dev_only()
    assert "pytest" in blocked
    script = IMPORT.format(root=str(ROOT), tests=str(ROOT / "tests"), blocked=blocked, modules=modules_of(path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_all_of_them_are_run() -> None:
    from benchmarks.__main__ import BENCHMARKS

    assert {path.stem for path in FILES} - {"__main__", "results"} == set(BENCHMARKS)


def test_one_table_at_the_end() -> None:
    words = [sys.executable, "-m", "benchmarks", "makespan"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    head, rule, *rows = done.stdout.splitlines()
    assert [cell.strip() for cell in head.split("|")[1:4]] == ["name", "value", "budget"]
    assert set(rule) == set("|-")
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]
    assert cells[0][0] == "makespan: one after another over the makespan"
    assert cells[1][0] == "makespan: makespan over the critical path"
    assert cells[1][2] == "at most 1.02"
    assert cells[1][3] in {"ok", "over"}


def test_a_benchmark_that_fails_is_a_row_and_an_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import __main__ as every

    monkeypatch.setitem(every.BENCHMARKS, "nowhere", ())
    monkeypatch.setattr(sys, "argv", ["benchmarks", "nowhere"])
    assert every.main() == 1
    monkeypatch.setattr(every, "busy", lambda: 0.0)
    (row,) = every.run("nowhere", tmp_path / "rows")
    assert (row.name, row.verdict) == ("nowhere: did not run to its end", "over")


def test_other_work_on_the_machine_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import __main__ as every

    assert 0 <= every.busy(0.05) <= 1
    stat = tmp_path / "stat"
    monkeypatch.setattr(every, "STAT", stat)
    assert every.busy(0) == 0
    stat.write_text("cpu  100 0 0 100 0 0 0 0 0 0\ncpu0 1 2 3\n")
    monkeypatch.setattr(every.time, "sleep", lambda seconds: stat.write_text("cpu  130 0 0 105 5 0 0 0 0 0\n"))
    assert every.busy(1) == pytest.approx(0.75)
    monkeypatch.setattr(every, "busy", lambda: 0.8)
    rows = every.run("makespan", tmp_path / "rows")
    assert (rows[-1].name, rows[-1].value, rows[-1].ok) == (
        "makespan: processors busy with other work, just before or after",
        "80%",
        None,
    )


def test_a_benchmark_that_takes_too_long_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import __main__ as every

    monkeypatch.setattr(every, "LONGEST", 0.05)
    monkeypatch.setattr(every, "busy", lambda: 0.0)
    row = every.run("makespan", tmp_path / "rows")[-1]
    assert row.name == "makespan: did not run to its end"
    assert row.value == "exit code -15"
