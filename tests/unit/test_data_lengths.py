"""The lengths of rows: counted while they are prepared, remembered, or measured from local files in limited time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phift.data import measured
from phift.data.cache import prepared
from phift.data.checks import Found
from phift.data.hub.pins import HubFile, HubSplit
from phift.data.lengths import LengthMeter, Lengths, row_size
from phift.data.measured import known_lengths, lengths_of
from phift.data.recipe import Recipe
from phift.data.sources import SourceIdentity, identify

MARKUP = 14


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHIFT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def written(folder: Path, answers: list[str]) -> Path:
    path = folder / "train.jsonl"
    turns = [[{"role": "user", "content": "q"}, {"role": "assistant", "content": answer}] for answer in answers]
    path.write_text("".join(json.dumps({"messages": row}) + "\n" for row in turns), encoding="utf-8")
    return path


def recipe_of(path: Path, **more: Any) -> Recipe:
    return Recipe.of(identify({"path": path.name}, path.parent), **more)


def test_the_size_of_a_row_is_in_bytes_of_utf_8_with_the_markup_of_its_messages() -> None:
    assert row_size({"messages": [{"role": "user", "content": "abc"}]}) == 3 + MARKUP
    several = [{"role": "user", "content": "abc"}, {"role": "assistant", "content": "äöü€"}]
    assert row_size({"messages": several}) == 3 + 9 + 2 * MARKUP
    assert row_size({"text": "äbc", "label": 7}) == 4


def test_preparing_rows_remembers_their_lengths(tmp_path: Path) -> None:
    recipe = recipe_of(written(tmp_path, ["a" * 10, "b" * 1000]))
    assert known_lengths(recipe) is None
    made = prepared(recipe)
    assert made.lengths is not None
    assert (made.lengths.rows, made.lengths.longest) == (2, 1001 + 2 * MARKUP)
    assert known_lengths(recipe) == made.lengths
    assert prepared(recipe) == made  # from the cache


def test_a_cache_of_an_earlier_release_has_no_lengths_and_is_still_used(tmp_path: Path, home: Path) -> None:
    recipe = recipe_of(written(tmp_path, ["a"]))
    made = prepared(recipe)
    note = home / "cache" / "data" / f"{recipe.key}.json"
    body = json.loads(note.read_text())
    del body["lengths"]
    note.write_text(json.dumps(body))
    again = prepared(recipe)
    assert (again.digest, again.lengths) == (made.digest, None)
    found = lengths_of(recipe)
    assert found is not None
    assert found.rows == 1


def test_local_rows_are_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = recipe_of(written(tmp_path, ["a" * number for number in range(1, 101)]))
    found = lengths_of(recipe)
    assert found is not None
    assert (found.rows, found.longest, found.basis) == (100, 101 + 2 * MARKUP, "")
    monkeypatch.setattr(measured, "ready_rows", None)
    assert lengths_of(recipe) == found


def test_of_large_files_the_first_rows_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = recipe_of(written(tmp_path, ["a" * 99] * 2000))
    monkeypatch.setattr("phift.data.measured.time.monotonic", iter(range(10_000)).__next__)
    found = lengths_of(recipe, seconds=2)
    assert found is not None
    assert (found.rows, found.total) == (2000, 2000 * (100 + 2 * MARKUP))
    assert found.basis == "the first 768 rows"
    assert known_lengths(recipe) is None  # a part is not remembered
    taken = lengths_of(recipe_of(tmp_path / "train.jsonl", take={"first": 1500}), seconds=2)
    assert taken is not None
    assert taken.rows == 1500


def test_rows_that_a_split_does_not_take_do_not_count(tmp_path: Path) -> None:
    found = lengths_of(recipe_of(written(tmp_path, ["a"] * 10), take={"first": 3}))
    assert found is not None
    assert found.rows == 3


def test_nothing_is_known_of_files_that_cannot_be_read(tmp_path: Path) -> None:
    recipe = recipe_of(written(tmp_path, ["a"]))
    (tmp_path / "train.jsonl").unlink()
    assert lengths_of(recipe) is None


def hub(**more: Any) -> Recipe:
    file = HubFile("train.parquet", 1000, "a" * 64, rows=100)
    fields = {"builder": "parquet", "rows": 100, "columns": {}, "files": (file,)}
    split = HubSplit("a/b@main", "a/b", "0" * 40, "default", "train", **{**fields, **more})
    return Recipe.of(SourceIdentity((), split), take={"first": "50%"})


def test_of_the_hub_only_the_mean_is_estimated() -> None:
    found = lengths_of(hub())
    assert found is not None
    assert (found.rows, found.longest, found.basis) == (50, 0, "the size of the files")
    assert 10 < found.mean < 25
    assert lengths_of(hub(rows=None)) is None


def test_pins_of_the_data_checks_carry_the_lengths_and_old_ones_stay_valid() -> None:
    meter = LengthMeter()
    for size in (5, 50, 5000):
        meter.add(size)
    found = Found("a" * 64, 3, 0, 1250, lengths=meter.lengths())
    pin = found.plain()
    assert Found.from_plain(pin) == found
    assert len(json.dumps(pin["lengths"])) < 100
    del pin["lengths"]
    old = Found.from_plain(pin)
    assert old is not None
    assert old.lengths is None


@pytest.mark.parametrize("damage", [{"buckets": "1"}, {"buckets": "1:x"}, {"longest": True}, {"total": "7"}])
def test_damaged_lengths_are_ignored(damage: dict[str, Any]) -> None:
    meter = LengthMeter()
    meter.add(7)
    assert Lengths.from_plain({**meter.lengths().plain(), **damage}) is None
