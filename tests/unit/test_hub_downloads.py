"""Downloads: resumed, shared, kept, cached, within the disk and in flat memory."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hub import Hub
from hubcase import LENGTH, QUICK, TRAIN, clear, expected, left_in
from hubdata import CHAT, jsonl, rows_of, ultrachat

from phift.data.hub import (
    HubClient,
    HubError,
    HubRequest,
    HubSplit,
    Selection,
    read,
    resolve,
)
from phift.data.hub.errors import Subject
from phift.data.space import DiskFullError
from phift.errors import PhiftError

ROWS, GROUP = 600, 20
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clear(monkeypatch, tmp_path / "hf-home")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """ultrachat_200k in 3 files of 10 row groups of 20 rows, about 200 KB each."""
    folder = tmp_path_factory.mktemp("hub")
    with Hub(folder / "blobs") as hub:
        ultrachat(hub, folder / "chat", rows={"train_sft": ROWS}, group=GROUP, length=LENGTH)
        yield hub


@pytest.fixture(scope="module")
def pins(shared: Hub) -> HubSplit:
    """train_sft, counted."""
    with HubClient(shared.url) as client:
        return resolve(TRAIN, client, count=True)


@pytest.fixture
def hub(shared: Hub) -> Hub:
    shared.clear()
    return shared


@pytest.fixture
def client(hub: Hub) -> Iterator[HubClient]:
    with HubClient(hub.url, patience=QUICK) as made:
        yield made


def test_kept_files_are_used_again(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    list(read(pins, Selection.all(), client, tmp_path, keep=True))
    assert len(left_in(tmp_path)) == 3
    hub.clear()
    assert [row for _, _, row in read(pins, Selection.all(), client, tmp_path, keep=True)] == expected(ROWS)
    assert hub.requests() == []
    kept = next(path for path in tmp_path.rglob("*.parquet"))
    kept.write_bytes(bytes(kept.stat().st_size))
    assert [row for _, _, row in read(pins, Selection.all(), client, tmp_path)] == expected(ROWS)
    assert len(hub.requests("cdn")) == 1
    assert left_in(tmp_path) == []


def test_the_cache_of_the_library_is_used_also_offline(
    hub: Hub, pins: HubSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = pins.files[0]
    one = replace(pins, files=(file,), rows=file.rows)
    with HubClient(hub.url) as client:
        content = client.session(Subject()).get(client.file_address(CHAT, pins.revision, file.path)).content
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with (
        HubClient(hub.url) as client,
        pytest.raises(HubError, match="HF_HUB_OFFLINE is set, and data/train_sft-") as caught,
    ):
        list(read(one, Selection.first(5), client, tmp_path / "scratch"))
    assert str(tmp_path / "hf-home" / "hub") in str(caught.value)
    hub.clear()
    folder = tmp_path / "hf-home" / "hub" / f"datasets--{CHAT.replace('/', '--')}"
    cached = folder / "snapshots" / pins.revision / file.path
    cached.parent.mkdir(parents=True)
    cached.write_bytes(content)
    for selection, count in ((Selection.first(5), 5), (Selection.all(), 200)):
        with HubClient(hub.url) as client:
            rows = [row for _, _, row in read(one, selection, client, tmp_path / "scratch")]
        assert rows == expected(count)
    assert hub.requests() == []
    assert cached.read_bytes() == content
    # Another content under that name is not the pinned file.
    cached.write_bytes(content[:-1] + b"?")
    with HubClient(hub.url) as client, pytest.raises(HubError, match="HF_HUB_OFFLINE is set"):
        list(read(one, Selection.first(5), client, tmp_path / "scratch"))


KILLED = """
import os, signal, sys
from pathlib import Path
from phift.data.hub import HubClient, HubSplit, Selection, read
pin = HubSplit.from_plain({pin!r})
def progress(told):
    if told.current > {kill_at}:
        os.kill(os.getpid(), signal.SIGKILL)
with HubClient({url!r}) as client:
    for _ in read(pin, Selection.all(), client, Path({folder!r}), progress):
        pass
"""


def test_a_killed_download_is_continued(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    kill_at = pins.files[0].size * 4 // 5
    code = KILLED.format(pin=pins.plain(), kill_at=kill_at, url=hub.url, folder=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "HF_HUB_DISABLE_XET": "1"}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    (part,) = left_in(tmp_path)
    assert part.endswith(".parquet.part")
    have = next(tmp_path.rglob("*.part")).stat().st_size
    assert have > pins.files[0].size // 2
    hub.clear()
    assert [row for _, _, row in read(pins, Selection.all(), client, tmp_path)] == expected(ROWS)
    first = hub.requests("cdn")[0]
    assert first.range == f"bytes={have}-{pins.files[0].size - 1}"
    assert hub.read() == pins.size - have
    assert left_in(tmp_path) == []


def test_a_part_that_is_another_file_s_is_thrown_away(
    hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path
) -> None:
    list(read(pins, Selection.all(), client, tmp_path, keep=True))
    whole = sorted(tmp_path.rglob("*.parquet"))[0]
    whole.rename(f"{whole}.part")
    with Path(f"{whole}.part").open("r+b") as stream:
        stream.truncate(100_000)
        stream.write(b"wrong")
    (tmp_path / "0" / "something-else.parquet").write_bytes(b"of another read")
    hub.clear()
    assert [row for _, _, row in read(pins, Selection.all(), client, tmp_path)] == expected(ROWS)
    assert left_in(tmp_path) == []


def test_files_of_one_content(tmp_path: Path) -> None:
    content = jsonl(rows_of("train", 3))
    with Hub(tmp_path / "blobs") as hub:
        hub.commit("org/twice", {f"train/{folder}/x.jsonl": content for folder in "abc"})
        with HubClient(hub.url) as client:
            made = resolve(HubRequest("org/twice", split="train"), client)
            rows = [row for _, _, row in read(made, Selection.all(), client, tmp_path / "scratch")]
    assert rows == list(rows_of("train", 3)) * 3


def test_two_reads_share_a_folder(client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    first, second = (read(pins, Selection.all(), client, tmp_path) for _ in range(2))
    mixed = list(zip(first, second, strict=True))
    assert [a[2] for a, _ in mixed] == [b[2] for _, b in mixed] == expected(ROWS)
    assert left_in(tmp_path) == []


def test_where_room_is_scarce_one_file_ahead_and_no_more(
    hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, free = 0, 3 * pins.size
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    for _, number, _ in read(pins, Selection.all(), client, tmp_path):
        if number % 50 == 0:
            most = max(most, len(left_in(tmp_path)))
    assert most == 2


def test_a_read_that_is_given_up_ends(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    rows = read(pins, Selection.all(), client, tmp_path)
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    assert len(hub.requests("cdn")) <= 2
    # The folder is free for the next one.
    assert len(list(read(pins, Selection.all(), client, tmp_path))) == ROWS
    assert not (tmp_path / "1").exists()


def test_too_small_a_disk_is_told_before_anything_is_downloaded(
    hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": pins.files[0].size})())
    for selection in (Selection.all(), Selection.where(lambda n: n % 2 == 0)):
        with pytest.raises(DiskFullError) as caught:
            list(read(pins, selection, client, tmp_path))
        assert f"not enough disk space in {tmp_path}: " in caught.value.summary
        assert "B needed, " in caught.value.summary
    assert hub.requests() == []
    assert len(list(read(pins, Selection.first(5), client, tmp_path))) == 5


def test_a_folder_that_cannot_be_used(client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PhiftError, match="cannot use"):
        list(read(pins, Selection.all(), client, tmp_path / "file" / "x"))


MEASURED = """
import resource, sys
from dataclasses import replace
from pathlib import Path
import datasets
from phift.data.hub import HubClient, HubSplit, Selection, read
def peak():
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says begins with the memory of the process that started this one
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
whole = HubSplit.from_plain({pin!r})
with HubClient({url!r}) as client:
    tenth = replace(whole, files=whole.files[:3])
    few = sum(1 for _ in read(tenth, Selection.all(), client, Path({folder!r})))
    before = peak()
    rows = sum(1 for _ in read(whole, Selection.all(), client, Path({folder!r})))
print(few, rows, before, peak())
"""


def test_memory_is_flat(tmp_path: Path) -> None:
    """A split of 30 files and 23 MB needs no more than a tenth of it, and under 350 MB with `datasets` imported."""
    with Hub(tmp_path / "blobs") as hub:
        ultrachat(hub, tmp_path / "chat", rows={"train_sft": 6000}, shards=30, group=100, length=1000)
        with HubClient(hub.url) as client:
            made = resolve(TRAIN, client, count=True)
        code = MEASURED.format(pin=made.plain(), url=hub.url, folder=str(tmp_path / "scratch"))
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    few, rows, before, peak = map(float, done.stdout.split())
    assert (few, rows) == (600, 6000)
    assert peak < 350
    assert peak < 1.1 * before
