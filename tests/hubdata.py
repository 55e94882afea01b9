"""Small repositories for the stand-in hub (tests/hub.py), in the shape of HuggingFaceH4/ultrachat_200k."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hub import Hub

__all__ = ["CHAT", "SPLITS", "card", "jsonl", "rows_of", "ultrachat", "write_parquet"]

CHAT = "HuggingFaceH4/ultrachat_200k"
SPLITS = ("train_sft", "test_sft", "train_gen", "test_gen")
_FEATURES = """\
  features:
  - name: prompt
    dtype: string
  - name: prompt_id
    dtype: string
  - name: messages
    list:
    - name: content
      dtype: string
    - name: role
      dtype: string
"""
_README = "---\nlicense: mit\n{configs}dataset_info:\n{features}---\n# A data set\n"
_SCHEMA = pa.schema(
    [
        ("prompt", pa.string()),
        ("prompt_id", pa.string()),
        ("messages", pa.list_(pa.struct([("content", pa.string()), ("role", pa.string())]))),
    ]
)


def ultrachat(
    hub: Hub,
    folder: Path,
    *,
    id: str = CHAT,
    rows: Mapping[str, int] | None = None,
    shards: int = 3,
    group: int = 10,
    length: int = 40,
    seed: int = 0,
    **options: Any,
) -> str:
    """Commit a data set of four splits; the commit.

    rows: by split (by default 210 for train_sft, 30 for the others). shards: files of train_sft; the others have one.
    group: rows of a row group. length: characters of a message, about. options: as of Hub.commit.
    """
    counts = {split: 210 if split == "train_sft" else 30 for split in SPLITS} | dict(rows or {})
    files: dict[str, bytes | Path] = {
        "README.md": card({split: f"data/{split}-*" for split in counts}, counts).encode()
    }
    for split, count in counts.items():
        parts = shards if split == "train_sft" else 1
        for part in range(parts):
            first, last = count * part // parts, count * (part + 1) // parts
            name = f"{split}-{part:05}-of-{parts:05}-{seed:08x}.parquet"
            path = folder / name
            write_parquet(path, rows_of(split, last, seed, length, first), group)
            files[f"data/{name}"] = path
    return hub.commit(id, files, **options)


def card(patterns: Mapping[str, str], counts: Mapping[str, int] | None = None) -> str:
    """A README that names the files of each split, and the columns, and how many rows each split has."""
    listed = "".join(f"  - split: {split}\n    path: {pattern}\n" for split, pattern in patterns.items())
    told = "".join(f"  - name: {split}\n    num_examples: {count}\n" for split, count in (counts or {}).items())
    return _README.format(
        configs=f"configs:\n- config_name: default\n  data_files:\n{listed}",
        features=_FEATURES + (f"  splits:\n{told}" if told else ""),
    )


def rows_of(split: str, count: int, seed: int = 0, length: int = 40, first: int = 0) -> Iterator[dict[str, Any]]:
    """The rows `first` to `count` of a split, always the same."""
    text = _text()
    for number in range(first, count):
        picked = random.Random(f"{split} {number} {seed}")
        said = []
        for turn in range(2 + 2 * picked.randrange(3)):
            size = picked.randint(length // 2, length * 3 // 2)
            start = picked.randrange(len(text) - size)
            said.append(
                {"content": text[start : start + size].strip() or "Yes.", "role": ("user", "assistant")[turn % 2]}
            )
        yield {"prompt": said[0]["content"], "prompt_id": f"{split}-{number}", "messages": said}


def write_parquet(path: Path, rows: Iterator[dict[str, Any]], group: int, schema: pa.Schema = _SCHEMA) -> None:
    """Write rows in row groups of that many."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, schema, compression="snappy") as writer:
        batch: list[dict[str, Any]] = []
        for row in rows:
            batch.append(row)
            if len(batch) == group:
                writer.write_table(pa.Table.from_pylist(batch, schema), row_group_size=group)
                batch = []
        if batch:
            writer.write_table(pa.Table.from_pylist(batch, schema), row_group_size=group)


def jsonl(rows: Iterator[dict[str, Any]]) -> bytes:
    """Rows as JSON Lines."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@lru_cache(maxsize=1)
def _text() -> str:
    """A few hundred kilobytes of words that compress as little as speech does."""
    picked = random.Random(7)
    words = ["".join(picked.choices("abcdefghijklmnopqrstuvwxyz", k=picked.randint(2, 9))) for _ in range(5000)]
    words += ["naïve", "—", "“so”", "数据", '"quoted"', "line\nbreak"] * 40
    return " ".join(picked.choices(words, k=120_000))
