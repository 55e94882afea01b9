"""What phift.api imports, at once and later: light at first, and nothing anywhere that prints, asks or exits."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "phift"
HEAVY = {"azure", "datasets", "pyarrow", "torch", "transformers", "requests", "huggingface_hub", "pydantic", "jinja2"}
LIBRARIES = ("typer", "click", "rich", "phift.cli", "phift.views")
CALLS = {"print", "input", "breakpoint", "exit", "quit"}
ATTRIBUTES = {
    *("sys.exit", "sys.stdin", "sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"),
    *("os._exit", "os.abort", "os.system", "getpass.getpass", "signal.signal", "signal.setitimer", "signal.alarm"),
    *("faulthandler.enable", "logging.basicConfig", "atexit.register"),
}


def path_of(module: str) -> Path | None:
    path = PACKAGE.parent.joinpath(*module.split("."))
    found = (path.with_suffix(".py"), path / "__init__.py")
    return next((one for one in found if one.is_file()), None)


def imports_of(path: Path) -> Iterator[str]:
    """Modules and their parents, at any depth; of `from a import b` both a and a.b."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reached() -> dict[str, Path]:
    """Every module of phift that a call of the API may load in the caller's process."""
    found: dict[str, Path] = {}
    waiting = ["phift.api"]
    while waiting:
        name = waiting.pop()
        path = path_of(name)
        if path is None or name in found or not name.startswith("phift"):
            continue
        found[name] = path
        waiting += [name.rpartition(".")[0], *imports_of(path)]
    return {name: path for name, path in found.items() if name}


def offences(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            yield f"line {node.lineno}: {node.func.id}()"
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in ATTRIBUTES:
            yield f"line {node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [str(node.module)]
            for name in names:
                if any(name == library or name.startswith(f"{library}.") for library in LIBRARIES):
                    yield f"line {node.lineno}: imports {name}"


REACHED = reached()
STARTUP = "phift.startup"
"""Holds what ends the process of a command, too; the API may use its other functions."""


@pytest.mark.parametrize("name", sorted(REACHED.keys() - {STARTUP}))
def test_nothing_the_api_loads_prints_asks_or_exits(name: str) -> None:
    assert list(offences(REACHED[name].read_text(encoding="utf-8"))) == []


def test_of_startup_it_uses_only_what_neither_prints_nor_exits() -> None:
    used = {i.rpartition(".")[2] for path in REACHED.values() for i in imports_of(path) if i.startswith(f"{STARTUP}.")}
    source = ast.parse(REACHED[STARTUP].read_text(encoding="utf-8"))
    functions = {node.name: node for node in source.body if isinstance(node, ast.FunctionDef)}
    assert used
    assert used <= set(functions)
    assert [list(offences(ast.unparse(functions[name]))) for name in used] == [[]] * len(used)


def test_all_phases_are_looked_at_and_what_is_wrong_is_seen() -> None:
    phases = {f"phift.phases.{path.stem}" for path in (PACKAGE / "phases").glob("[a-z]*.py")}
    assert phases - set(REACHED) == set()
    wrong = "import sys, typer\nfrom phift.views import json\nprint(1)\nsys.exit(2)\nsys.stderr.write('x')\n"
    assert len(list(offences(wrong))) == 5


def test_importing_it_is_light() -> None:
    script = "import sys\nfrom phift import api\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded & HEAVY == set()
    assert [name for name in loaded if name.startswith(("phift.phases", "phift.azure", "phift.emulator"))] == []


def test_it_is_typed() -> None:
    assert files("phift").joinpath("py.typed").is_file()
