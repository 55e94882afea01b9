"""Rows of pinned splits, against the stand-in hub: the right ones, in order, for the bytes they should cost."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hub import VARIABLES, Hub
from hubdata import CHAT, card, jsonl, rows_of, ultrachat

from phift.data import Take, identify, prepare
from phift.data.hub import Download, HubClient, HubError, HubRequest, HubSplit, Selection, read, resolve, transfer
from phift.data.hub.errors import Subject
from phift.data.hub.session import Patience
from phift.data.messages import encoded
from phift.data.problems import Problem
from phift.errors import InvalidSpecError

TRAIN = HubRequest(CHAT, split="train_sft")
QUICK = Patience(base=0.01, cap=0.02)
ROWS, GROUP, LENGTH = 600, 20, 2500
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """ultrachat_200k in 3 files of 10 row groups of 20 rows, about 200 KB each; and other formats."""
    folder = tmp_path_factory.mktemp("hub")
    with Hub(folder / "blobs") as hub:
        ultrachat(hub, folder / "chat", rows={"train_sft": ROWS}, group=GROUP, length=LENGTH)
        rows = list(rows_of("train", 50))
        halves = {f"train-{n}.jsonl": jsonl(iter(rows[n * 25 : n * 25 + 25])) for n in range(2)}
        hub.commit("org/jsonl", dict(halves))
        hub.commit("org/gz", {f"{name}.gz": gzip.compress(content) for name, content in halves.items()})
        hub.commit("org/array", {"train.json": json.dumps(rows).encode()})
        sep = b'---\nconfigs:\n- config_name: default\n  data_files: x.csv\n  sep: ";"\n---\n'
        hub.commit("org/csv", {"README.md": sep, "x.csv": b"prompt;answer\nhow, so?;yes\nwhy;no\n"})
        hub.commit("org/text", {"train.txt": b"one\ntwo\n"})
        hub.commit(
            "org/broken",
            {"train.jsonl": b'{"a": "fine"}\n' * 3000 + b'{"a": "secret row text\n', "test.jsonl": b"{}\n"},
        )
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


def expected(count: int = ROWS) -> list[dict[str, Any]]:
    return list(rows_of("train_sft", count, length=LENGTH))


def group_bytes(pin: HubSplit) -> int:
    """Of the largest row group, about."""
    return max(file.size // (file.groups or 1) for file in pin.files) * 5 // 4


def left_in(folder: Path) -> list[str]:
    """Files of downloads."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")


def test_the_first_rows_are_those_of_the_library(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    """`first: 5%` is the notebook's train_sft[:5%], row for row, at 5 % of the bytes."""
    count = round(ROWS * 0.05)
    mine = list(read(pins, Selection.first(count), client, tmp_path / "scratch"))
    share = pins.size * count // ROWS
    assert hub.read() <= share + 2 * group_bytes(pins)
    assert hub.read() <= transfer(pins, Selection.first(count))[0] + group_bytes(pins)
    assert len(hub.requests()) <= 4
    with client.libraries(Subject(CHAT)):
        import datasets

        theirs = datasets.load_dataset(CHAT, split="train_sft[:5%]", cache_dir=str(tmp_path / "cache"))
    assert [row for _, _, row in mine] == list(theirs)
    assert [number for _, number, _ in mine] == list(range(1, count + 1))
    assert {path for path, _, _ in mine} == {pins.files[0].path}
    assert left_in(tmp_path / "scratch") == []


@pytest.mark.parametrize("count", [1, GROUP, GROUP + 1, 199, 200, 201, 599, 600, 1000])
def test_any_first_rows(client: HubClient, pins: HubSplit, tmp_path: Path, count: int) -> None:
    mine = list(read(pins, Selection.first(count), client, tmp_path))
    assert [row for _, _, row in mine] == expected(min(count, ROWS))
    assert left_in(tmp_path) == []


def test_first_rows_without_counted_files(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    uncounted = replace(pins, rows=None, files=tuple(replace(f, rows=None, groups=None) for f in pins.files))
    mine = list(read(uncounted, Selection.first(210), client, tmp_path))
    assert [row for _, _, row in mine] == expected(210)
    assert hub.read() <= pins.files[0].size + 65536 * 2 + 2 * group_bytes(pins)


def test_whole_row_groups(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    taken = {1, 2, 9, 10, 25}
    mine = list(read(pins, Selection.blocks(taken.__contains__), client, tmp_path))
    assert [number for _, number, _ in mine] == [n + 1 for n in range(ROWS) if n // GROUP in taken]
    assert [row for _, _, row in mine] == [row for n, row in enumerate(expected()) if n // GROUP in taken]
    assert hub.read() <= len(taken) * group_bytes(pins) + 3 * 65536


def test_files_without_a_selected_group_are_not_touched(
    hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path
) -> None:
    mine = list(read(pins, Selection.blocks(lambda n: n == 29), client, tmp_path))
    assert [number for _, number, _ in mine] == list(range(581, 601))
    assert all(pins.files[2].sha256 in seen.path for seen in hub.requests("cdn"))


def test_every_row_from_verified_files(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    told: list[Download] = []
    mine = list(read(pins, Selection.all(), client, tmp_path, told.append))
    assert [row for _, _, row in mine] == expected()
    assert [number for _, number, _ in mine] == list(range(1, ROWS + 1))
    assert [path for path, _ in itertools.groupby(mine, lambda each: each[0])] == [file.path for file in pins.files]
    assert hub.read() == pins.size
    assert len(hub.requests()) == 6
    assert told[-1] == Download(pins.size, pins.size, 3, 3)
    assert [each.current for each in told] == sorted(each.current for each in told)
    assert left_in(tmp_path) == []


def test_a_hash_sample_is_that_of_the_local_files(client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    """`take: 5%` of the hub's files gives the rows that it gives of the same files by `path:`."""
    for number, file in enumerate(pins.files):
        response = client.session(Subject()).get(client.file_address(CHAT, pins.revision, file.path))
        (tmp_path / f"{number}.parquet").write_bytes(response.content)
    identity = identify({"path": "*.parquet"}, tmp_path)
    assert identity.plain()["files"] == pins.contents()  # and so they are one data version
    local = prepare(identity, take="15%", seed=3, into=tmp_path / "local.jsonl")
    selector = Take.parse("15%").selector(3, lambda: ROWS)
    mine = list(read(pins, Selection.where(selector), client, tmp_path / "scratch"))
    assert b"".join(encoded(row) for _, _, row in mine) == local.path.read_bytes()
    assert len(mine) == local.rows > 0


def test_a_predicate_is_asked_once_for_each_row(client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    asked: list[int] = []

    def taken(number: int) -> bool:
        asked.append(number)
        return number % 100 == 7

    mine = list(read(pins, Selection.where(taken), client, tmp_path))
    assert asked == list(range(ROWS))
    assert [number for _, number, _ in mine] == [8, 108, 208, 308, 408, 508]


def test_columns_of_use(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    mine = list(read(pins, Selection.first(25), client, tmp_path, columns=["prompt_id", "nosuch"]))
    assert [row for _, _, row in mine] == [{"prompt_id": f"train_sft-{n}"} for n in range(25)]
    assert hub.read() < 2 * 65536 + 10_000  # the footer, and next to nothing
    whole = list(read(pins, Selection.all(), client, tmp_path, columns=["prompt"]))
    assert [row for _, _, row in whole] == [{"prompt": row["prompt"]} for row in expected()]


def test_no_column_of_use(client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    for selection, count in (
        (Selection.all(), ROWS),
        (Selection.first(25), 25),
        (Selection.where(lambda n: n == 7), 1),
    ):
        mine = list(read(pins, selection, client, tmp_path, columns=["nosuch"]))
        assert [row for _, _, row in mine] == [{}] * count


@pytest.mark.parametrize("id", ["org/jsonl", "org/gz", "org/array"])
def test_other_formats(hub: Hub, client: HubClient, tmp_path: Path, id: str) -> None:
    made = resolve(HubRequest(id, split="train"), client)
    rows = list(rows_of("train", 50))
    everything = list(read(made, Selection.all(), client, tmp_path))
    assert [row for _, _, row in everything] == rows
    assert [number for _, number, _ in everything] == list(range(1, 51))
    assert {path for path, _, _ in everything} == {file.path for file in made.files}
    some = list(read(made, Selection.where(lambda n: n % 20 == 5), client, tmp_path))
    assert [(number, row) for _, number, row in some] == [(n + 1, rows[n]) for n in (5, 25, 45)]
    with HubClient(hub.url) as fresh:  # as apply has it: a pin, and no resolution
        hub.clear()
        few = list(read(made, Selection.first(3), fresh, tmp_path))
    assert [row for _, _, row in few] == rows[:3]
    assert {made.files[-1].path} - {path for path, _, _ in few} == {made.files[-1].path} - {made.files[0].path}
    assert len(hub.requests()) <= 8
    assert left_in(tmp_path) == []


def test_options_of_the_card_hold(client: HubClient, tmp_path: Path) -> None:
    made = resolve(HubRequest("org/csv", split="train"), client)
    rows = [row for _, _, row in read(made, Selection.all(), client, tmp_path)]
    assert rows == [{"prompt": "how, so?", "answer": "yes"}, {"prompt": "why", "answer": "no"}]
    text = resolve(HubRequest("org/text", split="train"), client)
    assert [row for _, _, row in read(text, Selection.all(), client, tmp_path, columns=["text"])] == [
        {"text": "one"},
        {"text": "two"},
    ]


def test_a_damaged_file_ends_in_a_problem(client: HubClient, tmp_path: Path) -> None:
    made = resolve(HubRequest("org/broken", split="train"), client)
    *_, (path, _, problem) = read(made, Selection.all(), client, tmp_path)
    assert path == "train.jsonl"
    assert isinstance(problem, Problem)
    assert "secret" not in problem.summary
    assert left_in(tmp_path) == []


def test_blocks_need_row_groups(client: HubClient, tmp_path: Path) -> None:
    made = resolve(HubRequest("org/jsonl", split="train"), client)
    with pytest.raises(InvalidSpecError, match="needs Parquet files"):
        list(read(made, Selection.blocks(lambda n: True), client, tmp_path))


def test_options_of_parquet_go_through_the_builder(client: HubClient, tmp_path: Path, tmp_path_factory: Any) -> None:
    """`columns:` of the card decides which there are; row groups alone would not know."""
    folder = tmp_path_factory.mktemp("options")
    with Hub(folder / "blobs") as hub:
        ultrachat(hub, folder / "chat", rows={"train_sft": 30}, shards=1)
        text = card({"train_sft": "data/train_sft-*"}).replace(
            "  data_files:\n", "  columns: [prompt]\n  data_files:\n"
        )
        head, _, rest = text.partition("dataset_info:")
        hub.commit(CHAT, {"README.md": f"{head}---\n{rest.rpartition('---')[2]}".encode()}, keep=True)
        with HubClient(hub.url) as other:
            made = resolve(TRAIN, other)
            assert dict(made.options) == {"columns": ["prompt"]}
            assert not made.direct
            rows = [row for _, _, row in read(made, Selection.first(2), other, tmp_path)]
    assert rows == [{"prompt": row["prompt"]} for row in rows_of("train_sft", 2)]


def test_kept_files_are_used_again(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    list(read(pins, Selection.all(), client, tmp_path, keep=True))
    assert len(left_in(tmp_path)) == 3
    hub.clear()
    assert [row for _, _, row in read(pins, Selection.all(), client, tmp_path, keep=True)] == expected()
    assert hub.requests() == []
    kept = next(path for path in tmp_path.rglob("*.parquet"))
    kept.write_bytes(bytes(kept.stat().st_size))
    assert [row for _, _, row in read(pins, Selection.all(), client, tmp_path)] == expected()
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
    assert [row for _, _, row in read(pins, Selection.all(), client, tmp_path)] == expected()
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
    assert [row for _, _, row in read(pins, Selection.all(), client, tmp_path)] == expected()
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
    assert [a[2] for a, _ in mixed] == [b[2] for _, b in mixed] == expected()
    assert left_in(tmp_path) == []


def test_one_file_ahead_and_no_more(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    most = 0
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
        with pytest.raises(HubError) as caught:
            list(read(pins, selection, client, tmp_path))
        assert f"not enough disk space in {tmp_path}: " in caught.value.summary
        assert " MB needed, " in caught.value.summary
    assert hub.requests() == []
    assert len(list(read(pins, Selection.first(5), client, tmp_path))) == 5


def test_a_folder_that_cannot_be_used(client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HubError, match="cannot use"):
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
