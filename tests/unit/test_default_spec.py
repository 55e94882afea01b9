"""A command without a spec takes phift.yaml, or the only spec in the folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from phift.cli import app as commands
from phift.errors import UsageError
from phift.spec.default import default_spec, specs_here

SPEC = "version: 1\nname: one\nmodel: azureml:a:1\nendpoint: {}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_phift_yaml_comes_first(folder: Path) -> None:
    for name in ("phift.yaml", "a.yaml", "b.yaml"):
        (folder / name).write_text(SPEC)
    assert default_spec() == Path("phift.yaml")


def test_the_only_spec(folder: Path) -> None:
    (folder / "serving.yml").write_text(SPEC)
    (folder / "compose.yaml").write_text('name: web\nversion: "3"\nservices: {}\n')
    (folder / "model.yaml").write_text("$schema: https://azuremlschemas/model\nname: a\nversion: 1\npath: .\n")
    (folder / ".hidden.yaml").write_text(SPEC)
    (folder / "broken.yaml").write_bytes(b"\xff\xfe")
    (folder / "inner.yaml").mkdir()
    assert default_spec() == Path("serving.yml")


def test_a_spec_with_a_base_counts(folder: Path) -> None:
    (folder / "derived.yaml").write_text("extends: base.yaml\nname: two\n")
    (folder / "base.yaml").write_text("version: 1\nendpoint: {}\n")
    assert specs_here() == [Path("derived.yaml")]


@pytest.mark.parametrize(("names", "said"), [((), "does not contain a spec"), (("b", "a"), "several specs: a.yaml, b")])
def test_none_or_several(folder: Path, names: tuple[str, ...], said: str) -> None:
    for name in names:
        (folder / f"{name}.yaml").write_text(SPEC)
    with pytest.raises(UsageError, match=said):
        default_spec()


@pytest.mark.parametrize(
    ("line", "spec"),
    [
        ("plan", "phift.yaml"),
        ("plan --target prod", "phift.yaml"),
        ("plan -t prod other.yaml", "other.yaml"),
        ("plan missing", "missing"),
        ("invoke Hello", "phift.yaml"),
        ("invoke -- -1", "phift.yaml"),
        ("invoke other.yaml Hello", "other.yaml"),
        ("invoke missing Hello", "missing"),
        ("invoke --sample 2", "phift.yaml"),
        ("logs --deployment", "phift.yaml"),
        ("logs --deployment blue", "phift.yaml"),
        ("logs --deployment other.yaml", "other.yaml"),
        ("logs other.yaml --deployment blue", "other.yaml"),
        ("outputs endpoint.main.name", "phift.yaml"),
        ("data preview train --rows 2", "phift.yaml"),
        ("data preview train", "phift.yaml"),
    ],
)
def test_commands(folder: Path, line: str, spec: str) -> None:
    for name in ("phift.yaml", "other.yaml"):
        (folder / name).write_text(SPEC)
    command = typer.main.get_command(commands.app)
    words = line.split()
    while hasattr(command, "get_command"):
        command = command.get_command(None, words.pop(0))
    context = command.make_context("phift", words)
    assert context.params["spec"] == Path(spec)


def test_help_needs_no_spec(folder: Path) -> None:
    command = commands.app
    with pytest.raises(UsageError):
        typer.main.get_command(command).get_command(None, "plan").make_context("phift", [])
