"""phift in an environment with nothing but phift: `make package`, which names its folder in PHIFT_CLEAN_ROOM."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from phift import __version__
from phift.editor import schema_text

pytestmark = pytest.mark.package

ROOT = Path(__file__).parents[2]
WITHOUT_EXTRAS = """
import importlib, pkgutil, sys, phift
sys.argv = ["phift"]
for module in pkgutil.walk_packages(phift.__path__, "phift."):
    if not module.name.startswith("phift.emulator") and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(phift.__file__)
"""
"""Imports every module, except those of the emulator."""


@pytest.fixture(scope="module")
def room() -> Path:
    folder = os.environ.get("PHIFT_CLEAN_ROOM")
    assert folder, "run: make package"
    return Path(folder).resolve()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "configs" / "quickstart.yaml", tmp_path / "phift.yaml")
    (tmp_path / "data").mkdir()
    for name in ("train", "test"):
        shutil.copy(ROOT / "configs" / "data" / f"{name}.jsonl", tmp_path / "data")
    return tmp_path


def packages(room: Path) -> Path:
    (found,) = (room / "lib").glob("python*/site-packages")
    return found


def run(room: Path, folder: Path, *words: str, program: str = "phift") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.defpath, "HOME": str(folder), "PHIFT_HOME": str(folder / "home")}
    return subprocess.run(
        [room / "bin" / program, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def shown(room: Path, folder: Path, *words: str, program: str = "phift") -> str:
    done = run(room, folder, *words, program=program)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_nothing_is_missing(room: Path, tmp_path: Path) -> None:
    check = [sys.executable, "-m", "pip", "--python", room / "bin" / "python", "check"]
    done = subprocess.run(check, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "No broken requirements found."
    assert shown(room, tmp_path, "-c", WITHOUT_EXTRAS, program="python").startswith(str(room))


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["plan", "--help"], ["explain", "unknown-key"]])
def test_commands_without_a_spec(room: Path, tmp_path: Path, words: list[str]) -> None:
    assert __version__ in shown(room, tmp_path, *words) or words != ["--version"]


def test_the_schema(room: Path, tmp_path: Path) -> None:
    assert shown(room, tmp_path, "schema") == schema_text()
    assert (packages(room) / "phift" / "editor" / "phift.schema.json").read_text(encoding="utf-8") == schema_text()


def test_a_spec_and_its_data(room: Path, project: Path) -> None:
    assert "phift.yaml: valid" in shown(room, project, "validate", "phift.yaml")
    assert "learning_rate" in shown(room, project, "render", "phift.yaml")
    assert "assistant:" in shown(room, project, "data", "preview", "phift.yaml")


def test_the_emulator_names_its_extra(room: Path, project: Path) -> None:
    done = run(room, project, "plan", "phift.yaml")
    assert done.returncode == 1
    assert done.stderr.startswith("error: the emulator is not installed\n  = Missing: ")
    assert "pip install 'phift[local]'" in done.stderr


def test_type_checkers_see_its_types(room: Path) -> None:
    assert (packages(room) / "phift" / "py.typed").is_file()
