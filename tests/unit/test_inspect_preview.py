"""phift data preview: the rows that are shown, and what is read of a hub for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from dataspecs import isolated, refused, rows, spec
from hub import Hub
from hubcase import LENGTH, expected
from hubdata import CHAT, ultrachat

from phift.cli.run import run
from phift.errors import InvalidSpecError, UsageError
from phift.phases.inspect_data import data_stats, preview

environment = pytest.fixture(autouse=True)(isolated)


ROWS, GROUP = 600, 20


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    with Hub(folder / "blobs") as hub:
        ultrachat(hub, folder / "chat", rows={"train_sft": ROWS}, group=GROUP, length=LENGTH)
        yield hub


@pytest.fixture
def hub(shared: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setenv("HF_ENDPOINT", shared.url)
    shared.clear()
    return shared


ACTIVE = "\x1b]0;owned\x07\x1b[31mred\x1b[0m \u202eevil\u202c \x9b2J\r"


TRAIN = f"train: {{hub: {CHAT}, split: train_sft}}"


def test_the_first_rows_of_a_file(tmp_path: Path) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"), ("b", "2"), ("c", "3"))
    found = preview(spec(tmp_path, "train: {path: train.jsonl, take: 1}"), refused, count=2)
    assert [(one.number, one.row["prompt"]) for one in found.rows] == [(1, "a"), (2, "b")]
    assert found.split == "train"


def test_random_rows_depend_on_the_seed(tmp_path: Path) -> None:
    rows(tmp_path / "train.jsonl", *((f"question {n}", "yes") for n in range(200)))
    request = spec(tmp_path, "train: {path: train.jsonl}")
    once, again, other = (preview(request, refused, random=True, seed=seed).rows for seed in (1, 1, 2))
    assert once == again
    assert len(once) == len(other) == 5
    assert [one.number for one in once] != [one.number for one in other]
    assert [one.number for one in once] == sorted(one.number for one in once)


def test_an_unfit_row_is_shown_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"messages": []}\nnot json\n{"messages": [{"role": "user"}]}\n')
    found = preview(spec(tmp_path, "train: {path: train.jsonl}"), refused)
    assert found.rows[0].problems[0].code == "no-messages"
    assert found.rows[0].row == {"messages": []}
    assert all(one.problems for one in found.rows)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("page.jsonl", b"<!DOCTYPE html>", "HTML"),
        ("pointer.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS pointer"),
        ("cut.jsonl.gz", b"\x1f\x8b\x08", "gzip file is cut off"),
        ("semicolons.csv", b"question;answer\na;b\n", "separated by semicolons"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_and_no_row(
    tmp_path: Path, name: str, content: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    request = spec(tmp_path, f"train: {{path: {name}}}\nunfit: {{skip: 99%}}")
    for command in (["preview"], ["preview", "--raw"], ["stats"]):
        assert run(["data", command[0], str(request.path), *command[1:]]) == 4
        told = capsys.readouterr()
        assert told.out == ""
        assert said in told.err
        assert name in told.err


def test_reasons_are_wrapped_to_the_width(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.jsonl").write_text('{"messages": [{"role": "user", "content": "x"}]}\n')
    assert run(["data", "preview", str(spec(tmp_path, "train: {path: train.jsonl}").path)]) == 0
    out = capsys.readouterr().out
    assert "alternating user and\n      assistant, ending with assistant." in out


@pytest.mark.parametrize("messages", ["auto", "nosuch", '{user: "{{ q"}', "{turns: [1]}", '{user: "{{ zz }}"}'])
def test_raw_needs_no_mapping_that_fits(tmp_path: Path, messages: str) -> None:
    (tmp_path / "train.jsonl").write_text('{"q": "why", "a": 7}\n')
    request = spec(tmp_path, f"train: {{path: train.jsonl}}\nmessages: {messages}")
    found = preview(request, refused, raw=True)
    assert found.rows[0].row == {"q": "why", "a": 7}
    assert list(found.columns) == ["q", "a"]
    if messages == "auto":
        with pytest.raises(InvalidSpecError):
            preview(request, refused)


def test_another_split_is_named(tmp_path: Path) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"))
    request = spec(tmp_path, "train: {path: train.jsonl}\ntest: {path: nosuch.jsonl}")
    assert preview(request, refused).rows  # the other split need not be there
    with pytest.raises(UsageError, match="the spec does not define rows for split 'tset'"):
        preview(request, refused, "tset")


@pytest.mark.parametrize("options", [[], ["--raw"], ["--format", "json"], ["--raw", "--format", "json"]])
def test_nothing_of_a_row_acts_on_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    said = [{"role": "user", "content": f"a {ACTIVE}"}, {"role": "assistant", "content": "b\nc"}]
    row = {"messages": said, "prompt_id": ACTIVE, "note": ACTIVE, ACTIVE: 1}
    (tmp_path / "train.jsonl").write_text(json.dumps(row) + "\n")
    request = spec(tmp_path, "train: {path: train.jsonl}")
    assert run(["data", "preview", str(request.path), *options]) == 0
    out, err = capsys.readouterr()
    assert not err
    assert out.replace("\n", "").isprintable()
    if "json" in options:
        assert json.loads(out)["rows"][0]["row"]["messages"] == said


def test_rows_are_on_stdout_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows(tmp_path / "train.jsonl", ("the question", "the answer"))
    request = spec(tmp_path, "train: {path: train.jsonl}\nchecks: {}")
    for command in (["preview"], ["stats"]):
        assert run(["data", *command, str(request.path)]) == 0
    out, err = capsys.readouterr()
    assert "the question" in out
    assert "the" not in err
    kept = "".join(path.read_text() for path in (tmp_path / "phift.lock",))
    assert "question" not in kept


def test_a_preview_of_the_hub_reads_one_row_group(hub: Hub, tmp_path: Path) -> None:
    request = spec(tmp_path, f"{TRAIN}\n")
    data_stats(spec(tmp_path / "x", f"{TRAIN}\nchecks: {{}}"), refused)  # pins
    (tmp_path / "phift.lock").write_bytes((tmp_path / "x" / "phift.lock").read_bytes())
    hub.clear()
    found = preview(request, refused)
    assert [one.row for one in found.rows] == expected(5)
    asked = hub.requests()
    assert len(asked) <= 6, [one.path for one in asked]  # footer, footer again where it is long, the row group; by two
    assert not any("/api/" in one.path for one in asked)


def test_a_preview_of_the_hub_without_a_pin_writes_nothing(hub: Hub, tmp_path: Path) -> None:
    found = preview(spec(tmp_path, TRAIN), refused, raw=True)
    assert [one.row for one in found.rows] == expected(5)
    assert dict(found.columns)["prompt"] == "string"
    assert len(hub.requests()) <= 20
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["spec.yaml"]


def test_random_rows_of_the_hub_are_of_one_row_group(hub: Hub, tmp_path: Path) -> None:
    found = preview(spec(tmp_path, TRAIN), refused, random=True, seed=4)
    numbers = [one.number for one in found.rows]
    assert len(set(numbers)) == 5
    assert len({(number - 1) // GROUP for number in numbers}) == 1
    whole = expected(ROWS)
    assert [one.row for one in found.rows] == [whole[number - 1] for number in numbers]
    assert preview(spec(tmp_path, TRAIN), refused, random=True, seed=4).rows == found.rows


def test_rows_of_several_files_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        rows(tmp_path / f"{name}.jsonl", ("a?", "b"))
    request = spec(tmp_path, "train: {path: '?.jsonl'}")
    assert run(["data", "preview", str(request.path)]) == 0
    shown = capsys.readouterr().out
    assert "# 1  a.jsonl  " in shown
    assert "# 1  b.jsonl  " in shown
