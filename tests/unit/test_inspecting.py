"""phift data on local files and on the stand-in hub: what is shown, what is asked of the hub, what is pinned."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hub import Hub
from hubcase import LENGTH, clear, expected
from hubdata import CHAT, ultrachat

from phift.cli.run import run
from phift.data.prepare import prepare
from phift.errors import InvalidSpecError, RefusedError, UsageError
from phift.lock import read_lock
from phift.phases.compare_data import data_diff
from phift.phases.inspect_data import SpecData, data_stats, prepare_data, preview
from phift.spec import LoadedSpec
from phift.workbench.request import Request

ROWS, GROUP = 600, 20
SPEC = """\
version: 1
name: looked-at
base_model: azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest
data:
{data}
compute:
  finetune: {{name: gpu-cluster, size: Standard_NC24ads_A100_v4}}
finetune: {{component: azureml://registries/azureml/components/chat_completion_pipeline/labels/latest}}
model: {{name: looked-at}}
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clear(monkeypatch, tmp_path / "hf-home")
    monkeypatch.setenv("PHIFT_HOME", str(tmp_path / "phift-home"))


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


def spec(folder: Path, data: str, name: str = "spec.yaml") -> Request:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(SPEC.format(data=re.sub("^", "  ", data.strip(), flags=re.M)), encoding="utf-8")
    return Request(path)


def rows(path: Path, *pairs: tuple[str, str], **more: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as out:
        for number, (question, answer) in enumerate(pairs):
            said = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            out.write(json.dumps({"messages": said, "prompt_id": f"id{number}", **more}) + "\n")


def refused(loaded: LoadedSpec) -> Any:
    raise AssertionError("no workspace is needed")


# Preview


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


def test_statistics_refuse_a_take_that_apply_refuses(tmp_path: Path) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"), ("b", "2"))
    request = spec(tmp_path, "train: {path: train.jsonl, take: 3}")
    with pytest.raises(RefusedError, match="exceeds the number of rows"):
        data_stats(request, refused)
    assert data_stats(request, refused, rows=1).splits[0].measures.rows == 1


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


ACTIVE = "\x1b]0;owned\x07\x1b[31mred\x1b[0m \u202eevil\u202c \x9b2J\r"


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


# The hub

TRAIN = f"train: {{hub: {CHAT}, split: train_sft}}"


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


# Statistics and pins


def test_stats_say_which_rows_they_are_of(tmp_path: Path) -> None:
    rows(tmp_path / "train.jsonl", *((f"question {n}", "yes") for n in range(20)))
    request = spec(tmp_path, "train: {path: train.jsonl}")
    assert data_stats(request, refused).splits[0].basis == "all rows"
    first = data_stats(request, refused, rows=7).splits[0]
    assert (first.basis, first.measures.rows) == ("the first 7 rows of the source", 7)
    prepare_data(SpecData.of(request, refused), lambda name, made: None)
    assert data_stats(request, refused, rows=7).splits[0].basis == "the prepared file"
    assert data_stats(request, refused).splits[0].measures == data_stats(request, refused, rows=7).splits[0].measures


def test_stats_count_what_is_dropped(tmp_path: Path) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"), ("b", ""), ("c", "3"))
    request = spec(tmp_path, "train: {path: train.jsonl}\nunfit: {skip: 50%}")
    (found,) = data_stats(request, refused).splits
    assert (dict(found.dropped), found.refused, found.measures.rows) == ({"empty-content": 1}, 0, 2)
    (found,) = data_stats(spec(tmp_path, "train: {path: train.jsonl}"), refused).splits
    assert found.refused == 1


def test_stats_pin_what_the_checks_need(tmp_path: Path) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"), ("a", "1"))
    rows(tmp_path / "test.jsonl", ("a", "x"))
    splits = "train: {path: train.jsonl}\ntest: {path: test.jsonl}\n"
    assert not data_stats(spec(tmp_path, splits), refused).pinned
    assert not (tmp_path / "phift.lock").exists()
    request = spec(tmp_path, f"{splits}checks: {{overlap: refuse}}")
    assert not data_stats(request, refused, rows=1).pinned  # not of all rows
    found = data_stats(request, refused)
    assert found.pinned
    assert [d.code for d in found.findings] == ["data-check-duplicates", "data-check-overlap"]
    pins = read_lock(tmp_path / "phift.lock").stack("looked-at").data
    assert pins is not None
    assert pins.checks is not None
    assert pins.checks["test"]["overlap"]["rows"] == 1


def test_unfit_rows_pin_nothing(tmp_path: Path) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"), ("b", ""))
    assert not data_stats(spec(tmp_path, "train: {path: train.jsonl}\nchecks: {}"), refused).pinned


# Differences


def test_specs_are_compared_split_by_split(tmp_path: Path) -> None:
    rows(tmp_path / "a" / "train.jsonl", ("a", "1"), ("b", "2"))
    rows(tmp_path / "b" / "train.jsonl", ("a", "1"), ("b", "two"), ("c", "3"))
    rows(tmp_path / "b" / "test.jsonl", ("t", "1"))
    one = spec(tmp_path / "a", "train: {path: train.jsonl}")
    other = spec(tmp_path / "b", "train: {path: train.jsonl}\ntest: {path: test.jsonl}")
    found = data_diff(one, str(one.path), str(other.path), refused)
    assert [(s.split, bool(s.before), bool(s.after)) for s in found.splits] == [
        ("train", True, True),
        ("test", False, True),
    ]
    train = found.splits[0].difference
    assert train is not None
    assert (train.added, train.removed, train.changed) == (1, 0, 1)
    assert not found.equal
    assert data_diff(one, str(one.path), str(one.path), refused).equal


def git(folder: Path, *arguments: str) -> str:
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com"}
    identity |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}
    environment = {**os.environ, **identity}
    done = subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, env=environment)
    return done.stdout.decode().strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A spec and its data, committed, tagged `v1`, and then edited."""
    top = tmp_path / "repository"
    request = spec(top / "configs", "train: {path: ../rows/train.jsonl}")
    rows(top / "rows" / "train.jsonl", ("a", "1"), ("b", "2"))
    (top / "leads-out").symlink_to("/etc")
    git(top, "init", "-q")
    git(top, "add", ".")
    git(top, "commit", "-qm", "first")
    git(top, "tag", "v1")
    rows(top / "rows" / "train.jsonl", ("a", "1"), ("b", "2"), ("c", "3"))
    assert request.path.exists()
    return top


@pytest.mark.parametrize("text", ["v1:configs/spec.yaml", "configs/spec.yaml@v1", "HEAD:./configs/spec.yaml"])
def test_a_spec_at_a_ref_has_the_rows_of_that_commit(
    repository: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(repository)
    request = Request(Path("configs/spec.yaml"))
    found = data_diff(request, text, "configs/spec.yaml", refused)
    (train,) = found.splits
    assert train.difference is not None
    assert (train.difference.same, train.difference.added) == (2, 1)


@pytest.mark.parametrize(
    "text",
    [
        "nosuch.yaml",
        "nosuch:configs/spec.yaml",
        "v1:nosuch.yaml",
        "--output=/tmp/x:configs/spec.yaml",
        "configs/spec.yaml@--upload-pack=touch${IFS}x",
        "$(touch x):configs/spec.yaml",
        "v1:../../../etc/passwd",
        "v1:leads-out/passwd",
        "",
        "a\0b",
        "0123456789ab",
    ],
)
def test_what_is_neither_is_refused(repository: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.chdir(repository)
    with pytest.raises(UsageError):
        data_diff(Request(Path("configs/spec.yaml")), text, text, refused)
    assert not (repository / "x").exists()


def test_versions_are_taken_from_the_kept_rows(tmp_path: Path) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"))
    request = spec(tmp_path, "train: {path: train.jsonl}")
    ((_, before, _),) = prepare_data(SpecData.of(request, refused), lambda name, made: None)
    rows(tmp_path / "train.jsonl", ("a", "1"), ("b", "2"))
    found = data_diff(request, before, str(request.path), refused)
    assert [(s.split, s.before, s.difference and s.difference.added) for s in found.splits] == [("train", before, 1)]


# Prepared files


def test_prepared_files_are_those_that_are_uploaded(tmp_path: Path) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"), ("b", "2"))
    request = spec(tmp_path, "train: {path: train.jsonl}")
    assert run(["data", "prepare", str(request.path), "--out", str(tmp_path / "out")]) == 0
    made = prepare(SpecData.of(request, refused).recipe("train"), tmp_path / "other.jsonl")
    assert (tmp_path / "out" / "train.jsonl").read_bytes() == made.path.read_bytes()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["train.jsonl"]


def test_links_and_devices_are_not_written_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"))
    request = spec(tmp_path, "train: {path: train.jsonl}")
    (tmp_path / "precious").write_text("precious")
    for number, make in enumerate((lambda p: p.symlink_to(tmp_path / "precious"), lambda p: p.mkdir(), os.mkfifo)):
        out = tmp_path / f"out{number}"
        out.mkdir()
        make(out / "train.jsonl")
        assert run(["data", "prepare", str(request.path), "--out", str(out)]) == 1
        assert "not a regular file" in capsys.readouterr().err
    for place in ("/dev", "/proc/self", str(tmp_path / "precious")):
        assert run(["data", "prepare", str(request.path), "--out", place]) == 1
    assert (tmp_path / "precious").read_text() == "precious"


def test_unfit_rows_write_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"))
    rows(tmp_path / "test.jsonl", ("b", ""))
    request = spec(tmp_path, "train: {path: train.jsonl}\ntest: {path: test.jsonl}")
    assert run(["data", "prepare", str(request.path), "--out", str(tmp_path / "out")]) == 4
    assert "empty content" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())


def test_a_filter_of_the_repository_is_not_run(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / ".gitattributes").write_text("* filter=run\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "with a filter")
    git(repository, "config", "filter.run.smudge", "touch ran; cat")
    monkeypatch.chdir(repository)
    data_diff(Request(Path("configs/spec.yaml")), "HEAD:configs/spec.yaml", "configs/spec.yaml", refused)
    assert not list(repository.rglob("ran"))


def test_other_files_of_a_commit_are_left_alone(repository: Path, tmp_path: Path) -> None:
    from phift.git import export

    (repository / "large.bin").write_bytes(b"x" * 3_000_000)
    (repository / "empty.csv").write_bytes(b"")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "more")
    into = tmp_path / "copy"
    into.mkdir()
    assert export(repository, git(repository, "rev-parse", "HEAD"), into, lambda path: not path.endswith("jsonl"))
    found = {path.relative_to(into).as_posix(): path.read_bytes() for path in into.rglob("*") if path.is_file()}
    assert set(found) == {"configs/spec.yaml", "large.bin", "empty.csv"}
    assert found["large.bin"] == b"x" * 3_000_000
    assert found["configs/spec.yaml"] == (repository / "configs" / "spec.yaml").read_bytes()
    assert not export(repository, "0" * 40, tmp_path / "other", lambda path: True)


def test_prepared_rows_never_take_the_place_of_their_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows(tmp_path / "train.jsonl", ("a?", "b"))
    before = (tmp_path / "train.jsonl").read_bytes()
    request = spec(tmp_path, "train: {path: train.jsonl}")
    assert run(["data", "prepare", str(request.path), "--out", str(tmp_path)]) == 1
    assert "the spec reads its data from it" in capsys.readouterr().err
    assert (tmp_path / "train.jsonl").read_bytes() == before


def test_rows_of_several_files_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        rows(tmp_path / f"{name}.jsonl", ("a?", "b"))
    request = spec(tmp_path, "train: {path: '?.jsonl'}")
    assert run(["data", "preview", str(request.path)]) == 0
    shown = capsys.readouterr().out
    assert "# 1  a.jsonl  " in shown
    assert "# 1  b.jsonl  " in shown


def test_statistics_of_a_file_that_cannot_be_read_to_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows(tmp_path / "whole.jsonl", *[(f"{n}?", "b") for n in range(50)])
    packed = gzip.compress((tmp_path / "whole.jsonl").read_bytes())
    (tmp_path / "train.jsonl.gz").write_bytes(packed[:-4])
    request = spec(tmp_path, "train: {path: train.jsonl.gz}\nunfit: {skip: 50%}\nchecks: {}")
    with pytest.raises(RefusedError, match="is cut off"):
        data_stats(request, refused)
    assert not (tmp_path / "phift.lock").exists()  # what was not read was not checked
    for command in (["data", "stats"], ["data", "preview", "-n", "60"]):
        assert run([*command, str(request.path)]) == 4
        assert "train.jsonl.gz" in capsys.readouterr().err
