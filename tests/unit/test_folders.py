"""Local folders to upload: which files belong to them, and what identifies them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from phift.folders import FolderError, read_folder
from phift.ignoring import Ignored
from phift.kinds.code.script import script_problem


def written(folder: Path, **files: str) -> Path:
    """The folder with files; `__` in a name stands for a slash, a trailing underscore for `.py`."""
    for name, text in files.items():
        path = folder / (f"{name[:-1]}.py" if name.endswith("_") else name).replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def names(folder: Path) -> list[str]:
    return [file.name for file in read_folder(folder, bounds=folder).files]


def refused(path: Path, **options: Path | bool) -> str:
    with pytest.raises(FolderError) as caught:
        read_folder(path, **{"bounds": path, **options})  # type: ignore[arg-type]
    assert caught.value.finding.remedy
    return caught.value.finding.code


@pytest.mark.parametrize(
    ("lines", "covered", "free"),
    [
        (["*.log"], ["a.log", "b/a.log"], ["a.logs", "log"]),
        (["/a.txt"], ["a.txt"], ["b/a.txt"]),
        (["b/a.txt"], ["b/a.txt"], ["c/b/a.txt", "a.txt"]),
        (["**/a.txt"], ["a.txt", "b/c/a.txt"], ["ba.txt"]),
        (["b/**"], ["b/a", "b/c/d"], ["b", "cb/a"]),
        (["b/**/a"], ["b/a", "b/c/d/a"], ["b/ca"]),
        (["?.txt", "[ab].md", "[!x].rs"], ["a.txt", "a.md", "a.rs"], ["ab.txt", "c.md", "x.rs", "/.md"]),
        (["*.txt", "!keep.txt"], ["a.txt"], ["keep.txt", "b/keep.txt"]),
        (["# a", "", "  ", "!"], [], ["# a", "a"]),
        (["\\#a", "b\\ "], ["#a", "b "], ["a", "b"]),
        (["[", "a["], ["[", "a["], ["b"]),
        (["*" * 50 + "a"], ["a" * 50], ["b" * 50]),
    ],
)
def test_patterns(lines: list[str], covered: list[str], free: list[str]) -> None:
    ignored = Ignored(lines)
    assert [name for name in covered if not ignored.covers(name, folder=False)] == []
    assert [name for name in free if ignored.covers(name, folder=False)] == []


def test_a_pattern_with_a_slash_at_its_end_is_for_folders() -> None:
    ignored = Ignored(["build/"])
    assert ignored.covers("build", folder=True)
    assert ignored.covers("a/build", folder=True)
    assert not ignored.covers("build", folder=False)


def test_what_az_ml_leaves_out_is_left_out(tmp_path: Path) -> None:
    written(tmp_path, a_="1", data__x="2", **{".gitignore": "data/\n", ".git__HEAD": "x"})
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("3")
    assert names(tmp_path) == [".gitignore", "a.py"]
    written(tmp_path, **{".amlignore": "*.py\n"})
    assert names(tmp_path) == [".amlignore", ".gitignore", "data/x"], "only .amlignore counts where there is one"


def test_the_content_is_the_identity(tmp_path: Path) -> None:
    first = read_folder(written(tmp_path / "one", a_="1", b__c="2"), bounds=tmp_path)
    moved = read_folder(written(tmp_path / "two", a_="1", b__c="2"), bounds=tmp_path)
    assert first.digest == moved.digest
    assert (first.name, moved.name, first.size) == ("one", "two", 2)
    for other in ({"a_": "2", "b__c": "2"}, {"a_": "1", "b__d": "2"}, {"a_": "1"}):
        changed = read_folder(written(tmp_path / f"n{len(os.listdir(tmp_path))}", **other), bounds=tmp_path)
        assert changed.digest != first.digest


def test_one_file_is_a_folder_of_one(tmp_path: Path) -> None:
    found = read_folder(written(tmp_path, weights="x") / "weights", bounds=tmp_path)
    assert (found.single, [file.name for file in found.files]) == (True, ["weights"])
    assert refused(tmp_path / "weights", single=False) == "folder-invalid"


def test_what_cannot_be_uploaded(tmp_path: Path) -> None:
    assert refused(tmp_path / "none") == "folder-missing"
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty") == "folder-empty"
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == "folder-invalid"
    assert refused(tmp_path) == "folder-invalid"  # the pipe in it
    assert refused(written(tmp_path / "in", a_="1"), root=tmp_path / "empty") == "folder-outside"


def test_links_stay_within_the_repository(tmp_path: Path) -> None:
    inside, outside = written(tmp_path / "repo" / "code", a_="1"), written(tmp_path / "other", secret="x")
    shared = written(tmp_path / "repo" / "shared", b_="2")
    (inside / "shared").symlink_to(shared)
    (inside / "again").symlink_to(inside)
    found = read_folder(inside, bounds=tmp_path / "repo")
    assert {"a.py", "shared/b.py"} <= {file.name for file in found.files}
    (inside / "leak").symlink_to(outside / "secret")
    assert refused(inside, bounds=tmp_path / "repo") == "folder-outside"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("def init(): ...\ndef run(data): ...", ""),
        ("async def init(): ...\nrun = print", ""),
        ("from other import init, run", ""),
        ("from other import *", ""),
        ("try:\n  from a import run\nexcept ImportError:\n  run: object = None\nif True:\n  def init(): ...", ""),
        ("def init(): ...", "script-invalid"),
        ("class A:\n  def init(self): ...\n  def run(self, data): ...", "script-invalid"),
        ("def init(:", "script-invalid"),
        ("\0", "script-invalid"),
    ],
)
def test_a_scoring_script_has_two_functions(tmp_path: Path, script: str, code: str) -> None:
    folder = read_folder(written(tmp_path, score_=script), bounds=tmp_path)
    found = script_problem(folder, "./score.py")
    assert (found.code if found else "") == code


def test_a_scoring_script_that_is_not_there(tmp_path: Path) -> None:
    folder = read_folder(written(tmp_path, main_="def init(): ..."), bounds=tmp_path)
    found = script_problem(folder, "score.py")
    assert found is not None
    assert (found.code, found.remedy) == ("script-missing", "Its scripts: main.py.")
