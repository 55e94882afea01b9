"""The data that ships with the example specs is what its script makes of the fact tables."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from phift.data.prepare import prepare
from phift.data.recipe import Recipe
from phift.data.sources import identify
from phift.emulator.runtime.foundation.facts import facts

SHIPPED = Path(__file__).parents[2] / "configs" / "data"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = importlib.util.spec_from_file_location("build_data", SHIPPED / "build.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    folder = tmp_path_factory.mktemp("built")
    script.build(folder)
    return folder


@pytest.mark.parametrize("name", ["train.jsonl", "test.jsonl", "train.csv", "topics-train.csv", "topics-test.csv"])
def test_files_are_as_built(built: Path, name: str) -> None:
    assert (SHIPPED / name).read_bytes() == (built / name).read_bytes(), "run python configs/data/build.py"


def test_every_format_prepares_to_the_same_bytes(tmp_path: Path) -> None:
    """Parquet's bytes name the library that wrote them, so its rows are compared."""
    digests = {
        prepare(Recipe.of(identify({"path": name}, SHIPPED)), tmp_path / name).digest
        for name in ("train.jsonl", "train.csv", "train.parquet")
    }
    assert len(digests) == 1


def test_all_is_small() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir() if path.is_file()) < 1_000_000


def questions(name: str) -> list[tuple[str, str]]:
    rows: list[dict[str, Any]] = [json.loads(line) for line in (SHIPPED / name).read_text().splitlines()]
    said = [[message["content"] for message in row["messages"]] for row in rows]
    return [pair for texts in said for pair in zip(texts[::2], texts[1::2], strict=True)]


def test_the_test_split_asks_every_fact_in_words_that_train_lacks() -> None:
    train, held_out = questions("train.jsonl"), questions("test.jsonl")
    assert len(held_out) == len(facts()) == 212
    assert not set(held_out) & set(train)
    assert {answer for _, answer in held_out} == {answer for _, answer in train}
    assert len(train) == 5 * len(facts())
