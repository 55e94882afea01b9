"""A killed read of the hub leaves what it has downloaded; the next one of the split uses it, and no other read does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hub import Hub
from hubcase import LENGTH, QUICK, TRAIN, clear, expected, left_in
from hubdata import CHAT, ultrachat

from phift.data.downloads import sweep
from phift.data.hub import HubClient, HubRequest, HubSplit, Selection, parquet, read, resolve
from phift.data.space import DiskFullError

ROOT = Path(__file__).resolve().parents[2]
ROWS, GROUP = 1500, 50
SOME = 450
"""Rows of nine row groups of the first file, each a request of its own."""
LONGEST = 1

KILLED = """
import os, signal
from pathlib import Path
from phift.data.hub import HubClient, HubSplit, Selection, parquet, read
parquet._LONGEST = {longest}
pin = HubSplit.from_plain({pin!r})
def progress(told):
    if told.current > {kill_at}:
        os.kill(os.getpid(), signal.SIGKILL)
with HubClient({url!r}) as client:
    for _ in read(pin, Selection.{selection}, client, Path({folder!r}), progress):
        pass
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    with Hub(folder / "blobs") as hub:
        ultrachat(hub, folder, rows={"train_sft": ROWS}, group=GROUP, length=LENGTH)
        yield hub


@pytest.fixture(scope="module")
def pins(shared: Hub) -> HubSplit:
    with HubClient(shared.url, patience=QUICK) as client:
        return resolve(TRAIN, client, count=True)


@pytest.fixture
def hub(shared: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    clear(monkeypatch, tmp_path / "hf-home")
    monkeypatch.setattr(parquet, "_LONGEST", LONGEST)
    shared.clear()
    return shared


@pytest.fixture
def client(hub: Hub) -> Iterator[HubClient]:
    with HubClient(hub.url, patience=QUICK) as made:
        yield made


def killed(hub: Hub, pins: HubSplit, folder: Path, kill_at: float, selection: str = "all()") -> None:
    """A read that was killed after so many bytes."""
    code = KILLED.format(
        longest=LONGEST, pin=pins.plain(), kill_at=round(kill_at), url=hub.url, folder=str(folder), selection=selection
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    hub.clear()


def test_files_before_the_one_that_was_cut_off_are_not_downloaded_again(
    hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path
) -> None:
    killed(hub, pins, tmp_path, pins.size * 0.9)
    have = sum(path.stat().st_size for path in tmp_path.rglob("*.parquet*"))
    assert have > pins.size * 0.8
    assert [row for _, _, row in read(pins, Selection.all(), client, tmp_path)] == expected(ROWS)
    assert hub.read() == pins.size - have
    assert left_in(tmp_path) == []


def test_ranges_that_are_complete_are_not_downloaded_again(
    hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path
) -> None:
    killed(hub, pins, tmp_path, 0.2 * pins.size, f"first({SOME})")
    journals = [path.read_text().splitlines() for path in tmp_path.rglob("*.ranges.txt")]
    have = [(int(line.split()[0]), int(line.split()[1])) for lines in journals for line in lines]
    assert len(have) >= 2
    assert [row for _, _, row in read(pins, Selection.first(SOME), client, tmp_path)] == expected(SOME)
    again = {seen.range for seen in hub.requests("cdn")}
    assert not again & {f"bytes={start}-{stop - 1}" for start, stop in have}
    assert left_in(tmp_path) == []


def test_a_range_that_was_damaged_on_the_disk_is_downloaded_again(
    hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path
) -> None:
    killed(hub, pins, tmp_path, 0.2 * pins.size, f"first({SOME})")
    partial, journal = (next(tmp_path.rglob(f"*{ending}")) for ending in (".ranges", ".ranges.txt"))
    start, stop, _ = journal.read_text().splitlines()[0].split()
    with partial.open("r+b") as stream:
        stream.seek((int(start) + int(stop)) // 2)
        stream.write(b"damage")
    with journal.open("a") as lines:
        lines.write("12 ")  # cut off
    assert [row for _, _, row in read(pins, Selection.first(SOME), client, tmp_path)] == expected(SOME)
    assert f"bytes={start}-{int(stop) - 1}" in {seen.range for seen in hub.requests("cdn")}


def test_a_read_of_another_split_leaves_them_alone(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    killed(hub, pins, tmp_path, pins.size * 0.5)
    left = left_in(tmp_path)
    other = resolve(HubRequest(CHAT, split="test_sft"), client)
    assert len(list(read(other, Selection.all(), client, tmp_path))) == 30
    assert left_in(tmp_path) == left


def test_what_nobody_takes_up_is_removed(
    hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(hub, pins, tmp_path, pins.size * 0.5)
    sweep(tmp_path)
    assert left_in(tmp_path)
    other = resolve(HubRequest(CHAT, split="test_sft"), client)
    reading = read(other, Selection.all(), client, tmp_path)
    next(reading)  # its own files stay
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + 8 * 24 * 3600)
    sweep(tmp_path)
    monkeypatch.undo()
    assert left_in(tmp_path) == left_in(tmp_path / "1")
    assert len(list(reading)) == 29


def test_where_the_disk_is_full_they_make_room(
    hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(hub, pins, tmp_path, pins.size * 0.5)
    other = resolve(HubRequest(CHAT, split="test_sft"), client)
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: SimpleNamespace(free=10**9 if not list(tmp_path.rglob("*.part")) else 10)
    )
    assert len(list(read(other, Selection.all(), client, tmp_path))) == 30
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10))
    with pytest.raises(DiskFullError, match=r"not enough disk space in .*: .* needed, 0\.0 kB free"):
        list(read(other, Selection.all(), client, tmp_path))
