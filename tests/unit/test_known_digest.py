"""The digest of a large file is remembered until the file changes, and never that of one that may still change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from phift import digest, home
from phift.digest import file_digest, known_digest


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files whose content was read."""
    found: list[Path] = []

    def reading(path: Path) -> str:
        found.append(path)
        return file_digest(path)

    monkeypatch.setenv("PHIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(digest, "file_digest", reading)
    monkeypatch.setattr(digest, "_LARGE", 4)
    monkeypatch.setattr(digest, "_SETTLED", -1)
    return found


def test_it_is_read_once(tmp_path: Path, read: list[Path]) -> None:
    path = tmp_path / "weights"
    path.write_text("large enough")
    link = tmp_path / "link"
    link.symlink_to(path)
    assert known_digest(path) == known_digest(path) == known_digest(link) == file_digest(path)
    assert read == [path]


def test_a_small_file_is_not_remembered(tmp_path: Path, read: list[Path]) -> None:
    path = tmp_path / "config"
    path.write_text("abc")
    known_digest(path)
    known_digest(path)
    assert read == [path, path]
    assert not (tmp_path / "home").exists()


def test_a_change_is_seen_although_size_and_time_of_modification_are_the_same(tmp_path: Path, read: list[Path]) -> None:
    path = tmp_path / "weights"
    path.write_text("first")
    before, status = known_digest(path), path.stat()
    path.write_text("other")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert known_digest(path) == file_digest(path) != before


def test_another_file_under_the_name_is_seen(tmp_path: Path, read: list[Path]) -> None:
    path, other = tmp_path / "weights", tmp_path / "new"
    path.write_text("first")
    known_digest(path)
    other.write_text("other")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    assert known_digest(path) == file_digest(path)


def test_a_file_that_was_just_written_may_still_change(
    tmp_path: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "_SETTLED", 3600 * 10**9)
    path = tmp_path / "weights"
    path.write_text("large enough")
    known_digest(path)
    known_digest(path)
    assert read == [path, path]


@pytest.mark.parametrize("noted", ["not JSON", "[]", '{"file": [], "sha256": "0"}', '{"sha256": "0"}', '{"file": 1}'])
def test_a_damaged_note_is_ignored(tmp_path: Path, read: list[Path], noted: str) -> None:
    path = tmp_path / "weights"
    path.write_text("large enough")
    known_digest(path)
    (note,) = (home.locate() / "cache" / "digests").glob("*.json")
    note.write_text(noted)
    assert known_digest(path) == file_digest(path)


def test_a_home_that_is_not_writable_is_not_an_error(
    tmp_path: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("PHIFT_HOME", str(blocked / "home"))
    path = tmp_path / "weights"
    path.write_text("large enough")
    assert known_digest(path) == file_digest(path)
