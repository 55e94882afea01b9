"""What the wheel and the source distribution contain."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from phift import __version__
from phift.editor import schema_text

ROOT = Path(__file__).parents[2]
INFO = f"phift-{__version__}.dist-info"
NOT_SHIPPED = ("__pycache__", "tests", ".phift", ".venv", ".git", ".ruff_cache", ".mypy_cache")
SCHEMA = "phift/editor/phift.schema.json"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=ROOT, check=True, capture_output=True
    )
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(built / f"phift-{__version__}-py3-none-any.whl") as file:
        yield file


@pytest.fixture(scope="module")
def source(built: Path) -> Iterator[tarfile.TarFile]:
    with tarfile.open(built / f"phift-{__version__}.tar.gz") as file:
        yield file


def of_the_package() -> set[str]:
    """The files of the package in the repository."""
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "phift").rglob("*") if path.is_file()}
    return {name for name in files if not set(Path(name).parts) & set(NOT_SHIPPED) and not name.endswith(".pyc")}


def test_the_wheel_has_the_package_and_the_schema_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    about = {f"{INFO}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    assert set(wheel.namelist()) == of_the_package() | {SCHEMA} | about
    assert wheel.read(SCHEMA).decode() == schema_text()


@pytest.mark.parametrize(
    "name",
    [
        "phift/py.typed",
        "phift/editor/parameters.yaml",
        "phift/catalog/data/components/chat_completion_pipeline.yaml",
        "phift/catalog/data/prices.csv",
        "phift/explain/spec.yaml",
        "phift/kinds/deployment/rules.yaml",
        "phift/emulator/runtime/foundation/weights/model.safetensors",
    ],
)
def test_data_that_phift_reads_is_in_the_wheel(wheel: zipfile.ZipFile, name: str) -> None:
    assert name in wheel.namelist()


def test_metadata(wheel: zipfile.ZipFile) -> None:
    found: Message = message_from_bytes(wheel.read(f"{INFO}/METADATA"))
    assert (found["Name"], found["Version"], found["License-Expression"]) == ("phift", __version__, "MIT")
    assert found["Requires-Python"] == ">=3.11"
    assert {"local", "policy"} <= set(found.get_all("Provides-Extra") or ())
    assert b"phift = phift.cli.main:main" in wheel.read(f"{INFO}/entry_points.txt")
    assert wheel.read(f"{INFO}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()


def test_the_source_builds_the_same_wheel(source: tarfile.TarFile) -> None:
    inside = {name.partition("/")[2] for name in source.getnames()}
    about = {"pyproject.toml", "README.md", "LICENSE", "PKG-INFO", ".gitignore"}
    assert inside == of_the_package() | {"schemas/phift.schema.json"} | about


def test_they_are_small(built: Path) -> None:
    """Most of it is the stand-in of the emulator, 2 MB."""
    assert {path.suffix: path.stat().st_size < 4_500_000 for path in built.iterdir()} == {".whl": True, ".gz": True}
