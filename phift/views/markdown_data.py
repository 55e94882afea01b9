"""How the rows of the data changed, for a pull request comment: numbers only, never the content of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phift.errors import PhiftError
from phift.views.human.values import cut
from phift.views.markdown_text import code, escaped

if TYPE_CHECKING:
    from phift.phases.compare_data import DataDiff, SplitDiff

__all__ = ["lines", "not_compared"]


def lines(found: DataDiff) -> tuple[str, ...]:
    """Return a sentence for each split."""
    return tuple(f"{code(one.split)}: {_said(one)}" for one in found.splits)


def not_compared(error: PhiftError) -> str:
    """Return that the data was not compared, and why."""
    return f"not compared: {escaped(cut(error.summary, 200))}"


def _said(one: SplitDiff) -> str:
    difference = one.difference
    if difference is None:
        return "new" if one.after else "removed"
    if difference.equal:
        return f"unchanged ({_rows(difference.same)})"
    if difference.reordered:
        return f"the same {_rows(difference.same)} in a different order"
    numbers = {"added": difference.added, "removed": difference.removed, "changed": difference.changed}
    said = ", ".join(f"**{count:,} {word}**" for word, count in numbers.items() if count)
    return f"{said}, {difference.same:,} unchanged"


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
