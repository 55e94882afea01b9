"""`phift init`: the questions on a terminal, and the files around a spec."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from phift.cli.commands.init import init as command
from phift.editor import SCHEMA_FILE
from phift.errors import ApprovalError, InvalidSpecError, UsageError
from phift.phases.init_options import InitOptions, Template, data_files, name_from
from phift.phases.init_project import init
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


def test_a_wrong_answer_is_asked_for_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "table.csv").write_text("question;answer\na;b\n")
    answers = ["My Model", "facts", "gone.jsonl", "table.csv", "rows.jsonl", "200%", "", "Phi-5", "Phi-4"]
    said = answering(monkeypatch, *answers).getvalue
    assert command() == 0
    assert load(folder / "phift.yaml", environ={}).spec.name == "facts"
    reasons = [line.partition("error")[2] for line in said().splitlines() if re.search(r"error[:\[]", line)]
    assert reasons == [
        ": --name My Model: not a valid name",
        "[data-missing-file]: no such file: gone.jsonl",
        "[data-delimiter]: columns are separated by semicolons",
        ": --test-data 200%: not between 0% and 100%",
        ": --base-model Phi-5: not in phift's catalogue of the azureml registry",
    ]
    assert said().count("Name of the stack") == 2


def test_a_wrong_option_fails_before_the_next_question(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = answering(monkeypatch)
    with pytest.raises(InvalidSpecError, match="no such file"):
        command(name="facts", data="gone.jsonl")
    assert said.getvalue() == ""


def test_rows_are_held_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "rows.jsonl").write_text(
        "".join(json.dumps({"question": f"{n}?", "answer": "a"}) + "\n" for n in range(1500))
    )
    (folder / "few.jsonl").write_text(ROW * 40)
    for path, train, test in (("rows.jsonl", {"except": "10%"}, "10%"), ("few.jsonl", {"except": 4}, 4)):
        done = init(InitOptions(Template.CHAT, "facts", Path(f"{path}.yaml"), data=path, test_data="10%"))
        data = load(done.spec, environ={}).spec.data
        assert data is not None
        assert (data.splits["train"].take, data.splits["test"].take) == (train, test)
        assert "sample" not in data.splits
        assert done.found["train"][1] + done.found["test"][1] == len((folder / path).read_text().splitlines())
        assert done.notes == ()


def test_data_in_folders_and_validation_data_are_found(folder: Path) -> None:
    (folder / "rows.jsonl").rename(folder / "kept.txt")
    assert data_files(folder) == []
    for name in ("train", "val", "test"):
        (folder / "data").mkdir(exist_ok=True)
        (folder / "data" / f"{name}.jsonl").write_text(ROW * 9)
    (folder / "src").mkdir()
    (folder / "src" / "train.json").write_text("[]")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "more.jsonl").write_text(ROW)
    assert command(name="facts") == 0
    data = load(folder / "phift.yaml", environ={}).spec.data
    assert data is not None
    paths = {name: split.path for name, split in data.splits.items()}
    assert paths == {"train": "data/train.jsonl", "validation": "data/val.jsonl", "test": "data/test.jsonl"}


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"data": "row.jsonl"}, "Did you mean rows.jsonl?"),
        ({"data": "below"}, "Name its files: --data 'below/*.csv'"),
        ({"data": "hf://owner/name"}, "Pass a file with a few of its rows, and then change `data` in the spec"),
        ({"data": "https://example.com/rows.jsonl"}, "Pass a file with a few of its rows"),
        ({"base_model": "phi-3-mini"}, "Did you mean Phi-3-mini-128k-instruct or Phi-3-mini-4k-instruct?"),
        ({"base_model": "gpt-4o"}, "Use one of Phi-4, "),
        ({"test_data": "rows.txt"}, "Did you mean rows.jsonl?"),
        ({"messages": "alpacca"}, "Presets: "),
        ({"data": "below/table.csv"}, "Pass --columns QUESTION,ANSWER, or --messages PRESET (ultrachat, openai"),
    ],
)
def test_remedies_are_those_of_init(folder: Path, options: dict[str, str], remedy: str) -> None:
    (folder / "below").mkdir()
    (folder / "below" / "table.csv").write_text("a,b\n1,2\n")
    with pytest.raises((InvalidSpecError, UsageError)) as caught:
        command(**({"name": "facts"} | options))
    (error,) = caught.value.diagnostics if isinstance(caught.value, InvalidSpecError) else (caught.value,)
    assert error.remedy.startswith(remedy)


def test_a_finding_names_the_file(folder: Path) -> None:
    (folder / "test.jsonl").write_text('{"q": "Two?", "a": "Four."}\n')
    with pytest.raises(InvalidSpecError) as caught:
        command(name="facts", data="rows.jsonl")
    (finding,) = caught.value.diagnostics
    assert str(finding.mark) == "test.jsonl"


def test_a_folder_of_foreign_files_says_how_to_convert_them(folder: Path) -> None:
    (folder / "rows.jsonl").rename(folder / "rows.xlsx")
    with pytest.raises(UsageError, match="no data file in this folder") as caught:
        command(name="facts")
    assert caught.value.detail == "rows.xlsx: Save the sheet as CSV (UTF-8, commas)."


def test_a_large_file_is_announced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = answering(monkeypatch)
    monkeypatch.setattr("phift.cli.commands.init._SLOW_BYTES", 100)
    assert command(name="facts", yes=True) == 0
    assert said.getvalue().startswith("Reading all rows (")


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
