"""Files of others: regular ones, of a bounded size, in the places where they may lie; globs that end."""

from __future__ import annotations

import glob
import os
from pathlib import Path

import pytest

from phift import globs
from phift.data.sources import identify
from phift.errors import InvalidSpecError, UsageError
from phift.files import UnfitFileError, is_within, read_regular, real, repository_of
from phift.globs import TooManyFilesError, matches
from phift.spec import expand


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("a")
    assert read_regular(tmp_path / "link", 5) == b"12345"
    with pytest.raises(UnfitFileError, match="larger than 0 MB"):
        read_regular(tmp_path / "a", 4)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to-pipe").symlink_to("pipe")
    for name in ("pipe", "to-pipe", "/dev/null"):
        with pytest.raises(UnfitFileError, match="not a regular file") as refused:
            read_regular(tmp_path / name, 5)
        assert refused.value.code == "file-not-regular"
    with pytest.raises(IsADirectoryError):
        read_regular(tmp_path, 5)
    for name in ("a\0b", "\ud800", "x" * 5000, "missing"):
        with pytest.raises(OSError):  # noqa: PT011  (which one depends on the system)
            read_regular(tmp_path / name, 5)


def test_a_repository_is_what_git_marks(tmp_path: Path) -> None:
    inside = tmp_path / "work" / "stacks" / "a"
    inside.mkdir(parents=True)
    assert repository_of(inside) == inside.parent, "without Git: the folder above"
    (tmp_path / "work" / ".git").mkdir()
    assert repository_of(inside) == tmp_path / "work"
    (inside.parent / ".git").write_text("gitdir: elsewhere\n")
    assert repository_of(inside) == inside.parent, "a submodule, or another work tree"
    assert repository_of(Path("/nowhere")) == Path("/nowhere"), "never the whole disk"
    (tmp_path / "out").symlink_to(tmp_path)
    assert not is_within(inside / ".." / ".." / ".." / "x", tmp_path / "work")
    assert is_within(tmp_path / "out" / "work" / "x", tmp_path / "work")
    with pytest.raises(OSError, match="NUL"):
        real("a\0b")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.jsonl", "b.json", "d/c.jsonl", "d/e/f.jsonl", "d/e/[x].jsonl", ".h/g.jsonl", "d/.i.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    (tmp_path / "l").symlink_to("d")
    return tmp_path


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "*",
            "*.jsonl",
            "**/*.jsonl",
            "d/**",
            "d/**/*.jsonl",
            "**",
            "*/*.jsonl",
            "**/e/*",
            "[ab].*",
            "d/e/[[]x].jsonl",
        ),
        *(
            "../*/a.jsonl",
            ".h/*",
            ".*",
            "d/.*",
            "**/.*",
            "nothing/*",
            "./d/*.jsonl",
            "*/../a.jsonl",
            "d//*.jsonl",
            "a*/",
        ),
    ],
)
def test_it_finds_what_pythons_glob_finds(tree: Path, pattern: str) -> None:
    def files(found: list[str]) -> list[str]:
        return sorted({os.path.normpath(name) for name in found if (tree / name).is_file()})

    assert files(matches(pattern, str(tree))) == files(glob.glob(pattern, root_dir=tree, recursive=True))
    whole = f"{glob.escape(str(tree))}/{pattern}"
    assert files(matches(whole)) == files(glob.glob(whole, recursive=True))


def test_a_link_to_a_folder_above_is_not_followed_for_ever(tree: Path) -> None:
    (tree / "d" / "loop").symlink_to("..")
    (tree / "d" / "again").symlink_to(".")
    found = matches("**/*.jsonl", str(tree))
    assert "d/e/f.jsonl" in found
    assert len(found) < 20


def test_a_glob_and_a_folder_have_bounds(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(globs, "MOST_ENTRIES", 5)
    with pytest.raises(TooManyFilesError, match="more than 5 files and folders"):
        matches("**/*.jsonl", str(tree))
    with pytest.raises(UsageError, match="searching more than 5"):
        expand([tree])
    with pytest.raises(UsageError, match="more than 5"):
        expand([f"{tree}/**/*.yaml"])
    with pytest.raises(InvalidSpecError, match="more than 5"):
        identify({"path": "**/*.jsonl"}, tree)


def test_a_run_has_a_bound_of_specs(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.yaml").write_text("version: 1\nname: a\n")
    os.mkfifo(tmp_path / "pipe.yaml")
    assert len(expand([tmp_path], 4)) == 4
    with pytest.raises(UsageError, match="more than 3 specs"):
        expand([tmp_path], 3)
