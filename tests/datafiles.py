"""Files of training data in every format, and what preparing them results in."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from phift.data.prepare import Prepared, prepare
from phift.data.recipe import Recipe
from phift.data.sources import identify
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError

__all__ = ["GOOD", "ROWS", "as_csv", "as_parquet", "conversation", "lines", "only", "place", "prepared", "refused"]


def conversation(number: int, **columns: object) -> dict[str, Any]:
    question = f"What is {number}?"
    said = [{"role": "user", "content": question}, {"role": "assistant", "content": f"It is {number}."}]
    return {"prompt": question, "messages": said, "prompt_id": str(number), **columns}


def lines(rows: Iterable[object]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def prepared(folder: Path, path: str, **options: Any) -> Prepared:
    progress = options.pop("progress", None)
    recipe = Recipe.of(identify({"path": path}, folder), **options)
    return prepare(recipe, folder / "out" / "train.jsonl", progress=progress)


def refused(folder: Path, name: str, content: bytes | None = None, **options: Any) -> list[Diagnostic]:
    """The diagnostics that `content` as the file `name` brings; checks that nothing is left behind."""
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(InvalidSpecError) as caught:
        prepared(folder, name, **options)
    out = folder / "out"
    assert not out.exists() or list(out.iterdir()) == []
    return list(caught.value.diagnostics)


def only(diagnostics: list[Diagnostic]) -> Diagnostic:
    assert len(diagnostics) == 1, diagnostics
    return diagnostics[0]


def place(diagnostic: Diagnostic) -> tuple[str, int]:
    assert diagnostic.mark is not None
    return Path(diagnostic.mark.file).name, diagnostic.mark.line


def as_csv(
    path: Path, rows: list[dict[str, Any]], columns: tuple[str, ...] = ("prompt", "messages", "prompt_id")
) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(columns)
        for row in rows:
            writer.writerow(row[c] if isinstance(row[c], str) else json.dumps(row[c]) for c in columns)


def as_parquet(path: Path, rows: list[dict[str, Any]], group: int = 1000) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=group)


ROWS = [conversation(n) for n in range(10)]

GOOD = lines(ROWS[:1])
