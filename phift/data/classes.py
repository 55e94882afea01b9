"""The classes of prepared rows for text classification: at least two, and the same in all splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson

from phift.data.table import Table
from phift.diagnostics import Diagnostic

__all__ = ["class_problems"]

_MOST = 100_000
"""Classes to keep in memory: more are not classes."""


def class_problems(table: Table, files: Mapping[str, Path]) -> Iterator[Diagnostic]:
    """Yield an error if the training data has fewer than two classes, and for each split with a class that it lacks.

    files: the prepared rows by split; nothing is checked without `train`. Never quotes a class, which may be personal.
    """
    if not table.classifies or "train" not in files:
        return
    known = _classes(table, files["train"])
    if len(known) < 2:
        yield Diagnostic(
            f"data.train has one class in `{table.answer}`; a classifier needs at least two",
            remedy="Add rows of other classes, or let label_key name another column.",
            path="data.train",
            code="data-classes",
        )
        return
    for split, path in files.items():
        if split != "train" and (others := _classes(table, path) - known):
            noun = "class" if len(others) == 1 else "classes"
            yield Diagnostic(
                f"data.{split} has {len(others)} {noun} in `{table.answer}` that data.train does not have",
                detail="A classifier cannot learn a class without rows, and the training stops.",
                remedy=f"Add rows of these classes to data.train, or remove them from data.{split}.",
                path=f"data.{split}",
                code="data-classes",
            )


def _classes(table: Table, path: Path) -> set[str]:
    found: set[str] = set()
    with path.open("rb") as lines:
        for line in lines:
            found.add(str(orjson.loads(line)[table.answer]))
            if len(found) > _MOST:
                break
    return found
