"""Folders of downloads: held while in use, swept when they were left behind, private, and told when they are full."""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from phift.data import space
from phift.data.addresses import fetch_and_pin
from phift.data.downloads import sweep
from phift.data.hub.download import Slot
from phift.data.hub.pins import HubFile
from phift.data.remote import Folder, folder_named
from phift.data.space import DiskFullError, megabytes
from phift.data.web import Downloaded
from phift.errors import PhiftError

WEEKS = 14 * 24 * 3600


def left(folder: Path, name: str, *, age: float) -> Path:
    """A folder with a file, as a killed command leaves it."""
    path = folder / name
    path.mkdir(parents=True)
    (folder / f"{name}.lock").touch()
    (path / "rows.jsonl").write_text("{}\n")
    for each in (path / "rows.jsonl", path):
        os.utime(each, (time.time() - age,) * 2)
    return path


def test_what_killed_commands_left_is_swept_once_it_is_old(tmp_path: Path) -> None:
    files = tmp_path / "files"
    old, young = left(files, "a" * 24, age=WEEKS), left(files, "b" * 24, age=60)
    with folder_named("c" * 24, tmp_path):
        assert not old.exists()
        assert young.exists()
    assert sorted(path.name for path in files.iterdir()) == ["b" * 24, f"{'b' * 24}.lock"]


def test_a_folder_in_use_is_not_swept(tmp_path: Path) -> None:
    with folder_named("a" * 24, tmp_path) as folder:
        with folder.writing("rows.jsonl") as out:
            out.write(b"{}\n")
        sweep(tmp_path / "files", older=0.0)
        assert folder.place("rows.jsonl").exists()
    assert list((tmp_path / "files").iterdir()) == []


def test_a_full_disk_is_told_in_one_way_after_making_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waste = left(tmp_path / "files", "a" * 24, age=60)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=5_000_000))
    with folder_named("b" * 24, tmp_path) as folder, pytest.raises(DiskFullError) as caught:
        folder.need(70_000_000)
    assert caught.value.summary == f"not enough disk space in {folder.path}: 70 MB needed, 5.0 MB free"
    assert not waste.exists()


def test_a_disk_that_fills_up_meanwhile_is_told_too(tmp_path: Path) -> None:
    def fill() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFullError), Folder(tmp_path).writing("rows.jsonl"):
        fill()
    with pytest.raises(DiskFullError), space.full_disk_error(tmp_path):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_downloads_are_private_wherever_they_lie(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with Slot(tmp_path / "downloads", ()) as slot, folder_named("a" * 24, tmp_path / "downloads") as folder:
        for path in (slot.path, folder.path, tmp_path / "downloads"):
            assert path.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PhiftError, match="cannot use"):
        fetch_and_pin("https://example.org/rows.jsonl", tmp_path / "file")


def test_an_address_leaves_only_what_is_kept_for_its_rows(tmp_path: Path) -> None:
    def download(address: str, folder: Folder, name: str, **more: Any) -> Downloaded:
        with folder.writing(name) as out:
            out.write(b'{"a": 1}\n')
        return Downloaded(9, "d" * 64)

    made = fetch_and_pin("https://example.org/rows.jsonl", tmp_path, download)
    assert made.header == ("a",)
    (kept,) = [path for path in (tmp_path / "files").iterdir() if path.is_dir()]
    assert [path.name for path in kept.iterdir()] == [f"{'d' * 32}.jsonl"]


def test_names_of_the_hub_are_plain_on_this_machine(tmp_path: Path) -> None:
    with Slot(tmp_path, ()) as slot:
        place = slot.place(HubFile("data/a::file [1]\x1b.csv", 1, "a" * 64))
    assert place.name.endswith("-a__file__1__.csv")


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0.0 kB"), (12_345, "12.3 kB"), (1_250_000, "1.2 MB"), (829e6, "829 MB")]
)
def test_megabytes(size: int, text: str) -> None:
    assert megabytes(int(size)) == text
