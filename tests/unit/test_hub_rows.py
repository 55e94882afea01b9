"""Rows of pinned splits, against the stand-in hub: the right ones, in order, for the bytes they should cost."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hub import Hub
from hubcase import LENGTH, QUICK, TRAIN, clear, expected, left_in
from hubdata import CHAT, card, jsonl, rows_of, ultrachat

from phift.data.hub import Download, HubClient, HubRequest, HubSplit, Selection, read, resolve, transfer
from phift.data.hub.errors import Subject
from phift.data.messages import encoded
from phift.data.prepare import prepare
from phift.data.problems import Problem
from phift.data.recipe import Recipe
from phift.data.sources import identify
from phift.data.take import Take
from phift.errors import InvalidSpecError

ROWS, GROUP = 600, 20


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clear(monkeypatch, tmp_path / "hf-home")


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


def group_bytes(pin: HubSplit) -> int:
    """Of the largest row group, about."""
    return max(file.size // (file.groups or 1) for file in pin.files) * 5 // 4


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
    assert [row for _, _, row in mine] == [row for n, row in enumerate(expected(ROWS)) if n // GROUP in taken]
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
    assert [row for _, _, row in mine] == expected(ROWS)
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
    local = prepare(Recipe.of(identity, take="15%", seed=3), tmp_path / "local.jsonl")
    selector = Take.parse("15%").picked(3, lambda: ROWS).row
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
    assert [row for _, _, row in whole] == [{"prompt": row["prompt"]} for row in expected(ROWS)]


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
