"""phift data diff: two specs, a spec at a commit, and versions whose rows are kept."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from dataspecs import isolated, refused, rows, spec

from phift.errors import UsageError
from phift.phases.compare_data import data_diff
from phift.phases.inspect_data import SpecData, prepare_data
from phift.workbench.request import Request

environment = pytest.fixture(autouse=True)(isolated)


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
