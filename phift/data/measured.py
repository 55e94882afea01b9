"""The lengths of the rows of a recipe, without preparing them: remembered, or measured on this machine in limited time.

    HOME/cache/lengths/{64 hex of the recipe}.json

Sends no request: rows of the hub, of a datastore or at an address are measured when an apply prepares them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from phift import home
from phift.data.lengths import Lengths
from phift.data.prepare import ready_rows
from phift.data.recipe import Recipe
from phift.data.sources import is_packed
from phift.data.take import By

__all__ = ["SECONDS", "known_lengths", "lengths_of", "rough_lengths"]

SECONDS = 1.0
"""Default time to measure rows in a plan."""

_KIND = "lengths"
_LARGEST = 1 << 31  # bytes of files whose rows are counted, in about two seconds
_CHECKED_EVERY = 256  # rows between two looks at the clock
_UNPACKED, _MARKED_UP = 2.0, 0.9
"""Bytes of text per byte of Parquet, and share of the text that is content: rough, of public chat data sets."""


def lengths_of(recipe: Recipe, seconds: float = SECONDS) -> Lengths | None:
    """Return the lengths of the rows: remembered ones, else measured in about this time, else a rough estimate from the
    size of the files; None if nothing is known.

    If the time does not suffice for all rows, the result states in `basis` which were measured.
    """
    if (known := known_lengths(recipe)) is not None:
        return known
    if recipe.identity.hub is not None:
        return rough_lengths(recipe)
    if not recipe.identity.files or recipe.identity.size > _LARGEST or seconds <= 0:
        return None
    try:
        measured = _measured(recipe, seconds)
    except OSError:
        return None  # the preparation of the rows reports it
    if measured is not None and not measured.basis:
        home.remember(_KIND, recipe.key, measured.plain())
    return measured


def known_lengths(recipe: Recipe) -> Lengths | None:
    """Return the remembered lengths of all rows, from an earlier plan or from their preparation; None if unknown."""
    prepared = home.recall("data", recipe.key)
    noted = prepared.get("lengths") if isinstance(prepared, dict) else None
    return Lengths.from_plain(noted) or Lengths.from_plain(home.recall(_KIND, recipe.key))


def rough_lengths(recipe: Recipe) -> Lengths | None:
    """Return the number and the mean of the rows of a split of the hub, from the size of its files; None if the number
    of rows is not known."""
    split = recipe.identity.hub
    rows = (split.rows or split.claimed) if split is not None else None
    if split is None or not rows or not split.size:
        return None
    share = float(recipe.take.share or 1)
    taken = recipe.take.of(rows) or round(rows * share)
    mean = split.size / rows * (_UNPACKED if split.builder == "parquet" else 1.0) * _MARKED_UP
    return Lengths(taken, round(taken * mean), 0, basis="the size of the files")


def _measured(recipe: Recipe, seconds: float) -> Lengths | None:
    rows = ready_rows(recipe)
    end = time.monotonic() + seconds
    number = 0
    for number, _ in enumerate(rows, 1):
        if number % _CHECKED_EVERY == 0 and time.monotonic() > end:
            break
    else:
        found = rows.lengths.lengths()
        return found if found.rows else None
    found = rows.lengths.lengths()
    whole = _taken_in_all(recipe, rows.source.seen, rows.source.taken, rows.source.count)
    if not found.rows or whole is None:
        return None
    share = found.rows / number
    return replace(
        found,
        rows=round(whole * share),
        total=round(whole * share * found.mean),
        basis=f"the first {found.rows:,} rows",
    )


def _taken_in_all(recipe: Recipe, seen: int, taken: int, count: Callable[[], int]) -> int | None:
    """Return about how many rows the recipe takes, of which `taken` of the first `seen` are; None if counting them is
    slow."""
    take = recipe.take
    if take.count is not None and take.by is not By.EVERY:
        return take.count
    if any(is_packed(form) and form != "parquet" for form in recipe.identity.formats):
        return None
    rows = count()
    return take.of(rows) or round(rows * taken / max(seen, 1))
