"""`phift init`: the questions on a terminal, and the files around a spec."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from phift.cli.commands.init import init as command
from phift.editor import SCHEMA_FILE
from phift.errors import ApprovalError, UsageError
from phift.phases.init_project import InitOptions, Template, init, name_from
from phift.phases.project_files import EditorFiles, ignore_file
from phift.spec import load
from phift.views.base import Streams

ROW = '{"question": "Two and two?", "answer": "Four."}\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").write_text(ROW * 9)
    return tmp_path


def answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> io.StringIO:
    """Give the command a terminal with these answers; return what it prints."""
    said = io.StringIO()
    streams = Streams(out=said, err=said, terminal=True)
    monkeypatch.setattr(Streams, "standard", classmethod(lambda cls, **options: streams))
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{answer}\n" for answer in answers)))
    return said


def test_four_questions_at_most(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = answering(monkeypatch, "facts", "", "", "Phi-3-mini-4k-instruct")
    assert command() == 0
    assert said.getvalue().startswith("Name of the stack [")
    assert "Rows to train on (jsonl, json, csv, tsv or parquet) [rows.jsonl]: " in said.getvalue()
    assert "Model to fine-tune [Phi-4]: " in said.getvalue()
    loaded = load(folder / "phift.yaml", environ={})
    assert loaded.spec.name == "facts"
    assert "Phi-3-mini-4k-instruct" in str(loaded.spec.base_model)


def test_an_option_answers_a_question(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = answering(monkeypatch)
    assert command(name="facts", data="rows.jsonl", test_data="", base_model="Phi-4") == 0
    assert said.getvalue().startswith("data.train")


def test_the_end_of_input_cancels(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "facts")
    with pytest.raises(ApprovalError, match="init cancelled") as caught:
        command()
    assert caught.value.remedy == "Answer with --data."
    assert not (folder / "phift.yaml").exists()


def test_a_taken_name_is_refused_before_a_question(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = answering(monkeypatch)
    (folder / "phift.yaml").write_text("mine\n")
    with pytest.raises(UsageError, match=r"phift\.yaml exists already"):
        command()
    assert (folder / "phift.yaml").read_text() == "mine\n"
    assert said.getvalue() == ""


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("My Model 2", "my-model-2"), ("2026-facts", "facts"), ("_", "my-model"), ("x" * 40, "x" * 24), ("é", "my-model")],
)
def test_names_of_folders(name: str, wanted: str) -> None:
    assert name_from(Path("/tmp") / name) == wanted


@pytest.mark.parametrize("template", list(Template))
def test_paths_are_relative_to_the_spec(folder: Path, template: Template) -> None:
    (folder / "specs").mkdir()
    (folder / "table.csv").write_text("text,label\n" + "".join(f"text {n},{'ab'[n % 2]}\n" for n in range(20)))
    data = "table.csv" if template is Template.TEXT_CLASSIFICATION else "rows.jsonl"
    out = Path("specs/a.yaml")
    init(InitOptions(template, "facts", out, data=data, test_data=data))
    splits = load(out, environ={}).spec.data
    assert splits is not None
    assert splits.test is not None
    assert splits.test.path == f"../{data}"
    assert (folder / "specs" / SCHEMA_FILE).exists()


def test_ignored_once(tmp_path: Path) -> None:
    ((path, text),) = ignore_file(tmp_path)
    path.write_text(text)
    assert ignore_file(tmp_path) == []
    path.write_text("a\n\n.phift")
    assert ignore_file(tmp_path) == [
        (path, "a\n\n.phift\n\n# phift: its cache and emulator, and saved plans\nplan.json\n")
    ]


@pytest.mark.parametrize("before", ["[]", '{"yaml.schemas": 3}', "{,}"])
def test_settings_of_an_unknown_form_stay(tmp_path: Path, before: str) -> None:
    (tmp_path / ".vscode").mkdir()
    (tmp_path / ".vscode/settings.json").write_text(before)
    found = EditorFiles.of(tmp_path)
    assert [path.name for path, _ in found.files] == ["phift.schema.json"]
    assert len(found.notes) == 1


def test_settings_keep_their_lines(tmp_path: Path) -> None:
    (tmp_path / ".vscode").mkdir()
    (tmp_path / ".vscode/settings.json").write_text('{\n\t"a": [1, 2]\n}\n')
    _, (path, text) = EditorFiles.of(tmp_path).files
    assert text.startswith('{\n\t"a": [1, 2],\n\t"yaml.schemas": {\n')
    assert set(json.loads(text)) == {"a", "yaml.schemas"}
    path.write_text(text)
    assert [p.name for p, _ in EditorFiles.of(tmp_path).files] == ["phift.schema.json"]


def test_a_linked_folder_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "project").mkdir()
    (tmp_path / "project/.vscode").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="symbolic link"):
        EditorFiles.of(tmp_path / "project")
