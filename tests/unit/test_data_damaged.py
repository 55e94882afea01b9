"""What is read from others and is not what it should be ends in a finding: pins, answers of the hub, Parquet."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from phift.data.addresses import WebFile
from phift.data.checks import Found
from phift.data.columns import columns_of
from phift.data.hub.client import HubClient
from phift.data.hub.errors import HubError, Subject
from phift.data.hub.pins import HubSplit
from phift.data.hub.repository import _refs, _repository
from phift.data.mltable import literal_folder, matcher, read_table
from phift.data.problems import FileProblem
from phift.data.readers import Counter, read
from phift.data.recipe import Recipe
from phift.data.sources import SourceFile, SourceIdentity
from phift.errors import InvalidSpecError, PhiftError
from phift.spec import yaml12

SHA = "a" * 64
PIN: dict[str, Any] = {
    "requested": "org/chat@main",
    "revision": "b" * 40,
    "config": "default",
    "split": "train",
    "builder": "csv",
    "rows": 3,
    "options": {"sep": ","},
    "columns": {"a": "string"},
    "files": {"data/x.csv": {"sha256": SHA, "size": 3, "rows": 3, "groups": 1}},
}
ANSWER: dict[str, Any] = {
    "id": "org/chat",
    "sha": "b" * 40,
    "gated": "auto",
    "siblings": [{"rfilename": "a"}],
    "cardData": {"license": ["mit"]},
    "tags": ["license:mit"],
}
TABLE: dict[str, Any] = {
    "paths": [{"file": "./a.csv"}, {"pattern": "**/*.csv"}],
    "transformations": [{"read_delimited": {"delimiter": ",", "encoding": "utf8"}}],
}
JUNK: list[Any] = [None, True, -1, 10**30, float("nan"), "", "x", "\x1b[31m", [], {}, [1], {"a": 1}, "[z-a]"]


def mutated(value: Any, random: random.Random) -> Any:
    made = copy.deepcopy(value)
    for _ in range(random.randint(1, 3)):
        places = list(_places(made))
        holder, key = random.choice(places) if places else (None, None)
        if holder is None:
            break
        if isinstance(holder, dict) and random.random() < 0.2:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(random.choice(JUNK))
    return made


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key, below in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(below, dict | list):
            yield from _places(below)


def use_pin(pin: Any) -> None:
    split = HubSplit.from_plain(pin)
    assert all(isinstance(kind, str) for kind in split.columns.values())
    assert Recipe.of(SourceIdentity((), split), columns=("messages",)).key
    split.plain()


def use_answer(answer: Any) -> None:
    assert str(_repository(HubClient("http://127.0.0.1:9"), answer)).isprintable()


class _Refs:
    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def get(self, subject: Subject, path: str) -> Any:
        return self._answer


def use_table(table: Any) -> None:
    for path in read_table(yaml12.flow(table).encode(), "azureml:x:1").paths:
        matcher(path.value)("a/b/c.csv")
        literal_folder(path.value)


@pytest.mark.parametrize(
    ("use", "whole"),
    [
        (use_pin, PIN),
        (use_pin, {**PIN, "files": {"count": 3, "digest": SHA, "size": 4}}),
        (lambda pin: WebFile.from_plain(pin).plain(), {"requested": "https://a.b/c.csv", "size": 3, "sha256": SHA}),
        (Found.from_plain, {"version": 1, "recipe": SHA, "rows": 1, "duplicates": 0, "longest": 3, "tokens": "x"}),
        (use_answer, ANSWER),
        (
            lambda refs: _refs(cast(HubClient, _Refs(refs)), Subject("a/b")),
            {"branches": [{"name": "main"}], "tags": [{"name": "t"}]},
        ),
        (use_table, TABLE),
    ],
    ids=["pin", "unlisted", "address", "checks", "answer", "refs", "mltable"],
)
def test_nothing_but_findings(use: Callable[[Any], object], whole: Any) -> None:
    use(whole)
    source = random.Random(7)
    for _ in range(1500):
        case = mutated(whole, source)
        try:
            use(case)
        except PhiftError:
            continue
        except Exception as error:
            raise AssertionError(f"{case!r}") from error


@pytest.mark.parametrize(
    "pin",
    [
        {"id": "../../admin"},
        {"requested": "evil\x1b[31m@main"},
        {"columns": {"a": 5}},
        {"options": {"sep": float("inf")}},
        {"files": {"../../x.csv": PIN["files"]["data/x.csv"]}},
        {"files": {"/x.csv": PIN["files"]["data/x.csv"]}},
    ],
)
def test_a_pin_that_names_what_no_hub_has_is_damaged(pin: dict[str, Any]) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        HubSplit.from_plain({**PIN, **pin})
    assert "phift lock --upgrade" in caught.value.diagnostics[0].remedy


@pytest.mark.parametrize("answer", [{"id": "one"}, {"id": "a/b\x1b]0;x\x07"}, {"sha": "main"}, {"sha": None}])
def test_an_answer_without_a_name_or_a_commit_is_not_of_a_hub(answer: dict[str, Any]) -> None:
    with pytest.raises(HubError):
        use_answer({**ANSWER, **answer})


def parquet(folder: Path, table: pa.Table) -> Path:
    path = folder / "rows.parquet"
    pq.write_table(table, path)
    return path


def test_a_date_that_python_does_not_have_is_a_finding(tmp_path: Path) -> None:
    late = pa.table({"messages": ["[]"], "when": pa.array([2**62], pa.timestamp("us"))})
    found = list(read(parquet(tmp_path, late), "parquet", Counter(), None))
    assert [(line, type(row)) for line, row in found] == [(0, FileProblem)]


def test_damaged_parquet_has_no_columns_and_a_finding(tmp_path: Path) -> None:
    path = parquet(tmp_path, pa.table({"question": ["x"] * 9, "answer": ["y"] * 9}))
    whole, source = path.read_bytes(), random.Random(7)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(3):
            data[len(data) - 1 - source.randrange(len(data) // 2)] = source.randrange(256)
        path.write_bytes(data)
        columns_of(SourceFile(path, "parquet", len(data), ""))
        list(read(path, "parquet", Counter(), None))
