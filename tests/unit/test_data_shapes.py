"""Published shapes of chat data, before and after: a folder each in `shapes`.

    before.jsonl    rows as they are published; or .json, .csv, .tsv
    case.yaml       messages: as in a spec. auto: true where leaving it out means the same
    after.jsonl     the prepared file

`UPDATE_GOLDEN=1 pytest tests/unit/test_data_shapes.py` writes what comes after anew; look at the difference.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from phift.data.columns import columns_of
from phift.data.prepare import prepare
from phift.data.presets import presets
from phift.data.recipe import Recipe
from phift.data.sources import identify
from phift.kinds.data.spec import DataBlock

SHAPES = sorted(path.parent for path in (Path(__file__).parent / "shapes").glob("*/case.yaml"))


def case_of(folder: Path) -> tuple[Path, dict[str, Any]]:
    (before,) = folder.glob("before.*")
    return before, yaml.safe_load((folder / "case.yaml").read_text(encoding="utf-8"))


def recipe(before: Path, messages: object) -> Recipe:
    """As a spec that says so means it."""
    said = {"messages": messages} if messages is not None else {}
    block = DataBlock.model_validate({"train": {"path": before.name}, **said})
    identity = identify({"path": before.name}, before.parent)
    return Recipe.of(identity, messages=block.messages_of(block.splits["train"]), columns=columns_of(identity.files[0]))


def prepared(before: Path, messages: object, scratch: Path) -> str:
    return prepare(recipe(before, messages), scratch / "out").path.read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", SHAPES, ids=lambda folder: folder.name)
def test_before_and_after(folder: Path, tmp_path: Path) -> None:
    before, case = case_of(folder)
    after = prepared(before, case["messages"], tmp_path)
    golden = folder / "after.jsonl"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(after, encoding="utf-8")
    assert after == golden.read_text(encoding="utf-8")
    if case.get("auto"):
        assert prepared(before, None, tmp_path) == prepared(before, "auto", tmp_path) == after
        if case["messages"] != "auto":
            assert recipe(before, None).version == recipe(before, case["messages"]).version


@pytest.mark.parametrize("folder", SHAPES, ids=lambda folder: folder.name)
def test_the_same_after_from_parquet(folder: Path, tmp_path: Path) -> None:
    before, case = case_of(folder)
    if before.suffix in (".csv", ".tsv"):
        with before.open(encoding="utf-8", newline="") as text:
            rows: list[Any] = list(csv.DictReader(text, delimiter="\t" if before.suffix == ".tsv" else ","))
        for row in rows:
            if row.get("prompt") == "":
                row["prompt"] = None
    else:
        text_ = before.read_text(encoding="utf-8")
        rows = json.loads(text_) if before.suffix == ".json" else [json.loads(line) for line in text_.splitlines()]
    try:
        table = pa.Table.from_pylist(rows)
    except pa.ArrowException:
        pytest.skip("rows that differ in type are no table")
    pq.write_table(table, tmp_path / "before.parquet")
    golden = (folder / "after.jsonl").read_text(encoding="utf-8")
    assert prepared(tmp_path / "before.parquet", case["messages"], tmp_path) == golden


def test_every_preset_has_a_shape() -> None:
    shown = {case_of(folder)[1]["messages"] for folder in SHAPES if isinstance(case_of(folder)[1]["messages"], str)}
    assert shown == {*presets(), "auto"}
