"""CONTRIBUTING.md names files that exist, and every folder of the package; files and folders follow its rules."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_files_that_it_names_exist() -> None:
    named = re.findall(r"`((?:phift|tests|schemas|docs)/[\w./*]+)`", PAGE)
    paths = {path.replace("KIND", "deployment").replace("SERVICE", "compute") for path in named}
    assert len(paths) > 20
    assert [path for path in sorted(paths) if not any(ROOT.glob(path))] == []


def test_every_folder_of_the_package_has_a_line() -> None:
    folders = {path.name for path in (ROOT / "phift").iterdir() if (path / "__init__.py").is_file()}
    assert {name for name in folders if f"`phift/{name}`" not in PAGE} <= {"catalog", "explain", "graph"}


def test_a_module_has_at_most_400_lines() -> None:
    modules = [path for top in ("phift", "tests", "benchmarks", "docs") for path in (ROOT / top).rglob("*.py")]
    assert len(modules) > 1000
    long = {path.relative_to(ROOT).as_posix() for path in modules if len(path.read_bytes().splitlines()) > 400}
    assert long == set(), "split them by subject"


def test_the_folders_of_the_repository_are_fixed() -> None:
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a Git checkout")
    folders = {path.partition("/")[0] for path in listed.stdout.splitlines() if "/" in path}
    assert {name for name in folders if not name.startswith(".")} == {
        "benchmarks", "configs", "docs", "examples", "phift", "schemas", "tests",
    }  # fmt: skip
