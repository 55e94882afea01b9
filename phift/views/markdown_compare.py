"""`phift diff` for a pull request: tables, with all names and values as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from phift.kinds.words import plural
from phift.views.human.compare import about, delta, summary
from phift.views.human.values import cut, number, value
from phift.views.markdown_text import code, escaped

if TYPE_CHECKING:
    from phift.phases.compare_versions import Answers, SplitChange, VersionDiff

__all__ = ["version_diff"]

_LONGEST = 300
"""Maximum characters of a value or of an answer."""
_ROWS = 100
"""Maximum rows of a table."""


def version_diff(found: VersionDiff) -> str:
    """Return what differs between two versions."""
    title = f"### phift diff: {code(found.before.label)} and {code(found.after.label)}"
    before, after = about(found.before), about(found.after)
    known = [(name, before[name], after[name]) for name in before if before[name] or after[name]]
    sides = _table(("", "A", "B"), [[name, *(code(text, cell=True) for text in texts)] for name, *texts in known])
    parts = [title, f"**{summary(found)}**", sides, *(escaped(note) for note in found.notes)]
    changes = [*found.lineage, *found.parameters]
    if changes:
        rows = [[code(change.name, cell=True), *map(_value, (change.before, change.after))] for change in changes]
        parts.append(_table(("input", "A", "B"), rows))
    if found.data:
        parts.append(_table(("data", "A", "B", "rows"), [list(_split(one)) for one in found.data]))
    if found.metrics is not None and found.metrics.rows:
        rows = [
            [
                code(row.name, cell=True),
                *("" if side is None else number(side.last.value) for side in (row.before, row.after)),
                " ".join(f"({part})" if part.endswith("%") else part for part in delta(row.before, row.after)).strip(),
            ]
            for row in found.metrics.rows
        ]
        parts.append(_table(("metric", "A", "B", "difference"), rows))
    if found.answers is not None:
        parts += _answers(found.answers)
    return "\n\n".join(parts)


def _value(content: object) -> str:
    return "" if content is None else code(cut(value(content), _LONGEST), cell=True)


def _split(one: SplitChange) -> Iterator[str]:
    yield code(one.split, cell=True)
    yield code(one.before, cell=True)
    yield code(one.after, cell=True)
    rows = one.rows.difference if one.rows else None
    if rows is None:
        yield escaped(one.why, cell=True)
    elif rows.reordered:
        yield "the same, in a different order"
    else:
        yield f"{rows.added:,} added, {rows.removed:,} removed, {rows.changed:,} changed, {rows.same:,} unchanged"


def _answers(found: Answers) -> Iterator[str]:
    if found.why:
        yield f"Answers not compared: {escaped(found.why)}."
        return
    same = sum(row.equal for row in found.rows)
    yield f"{same} of {len(found.rows)} answers are equal."
    rows = [
        [escaped(cut(text, _LONGEST), cell=True) for text in (row.prompt, row.before, row.after, row.ground_truth)]
        for row in found.rows
        if not row.equal
    ]
    if rows:
        yield _table(("prompt", "A", "B", "ground truth"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows[:_ROWS])]
    more = [f"\n{plural(len(rows) - _ROWS, 'more row')}."] if len(rows) > _ROWS else []
    return "\n".join([*lines, *more])
