"""`phift data`: rows, statistics, differences. Row texts are made inert, so that they cannot control a terminal."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from phift.data.table import messages_in
from phift.inert import inert
from phift.views.base import PLAIN, Style
from phift.views.human import diagnostics
from phift.views.human.values import cut, table

if TYPE_CHECKING:
    from phift.data.compare import RowChange
    from phift.data.prepare import Prepared
    from phift.data.stats import Measures, Spread
    from phift.phases.compare_data import DataDiff, SplitDiff
    from phift.phases.inspect_data import DataStats, Preview, PreviewRow, SplitStats
    from phift.workbench.lengths import Limit

__all__ = ["diff", "difference", "prepared", "preview", "stats"]

_ID = 8  # characters of a prompt_id to show
_PERSONAL = {"email": "e-mail addresses", "phone": "telephone numbers", "card": "card numbers", "iban": "IBANs"}


def preview(found: Preview, *, style: Style = PLAIN) -> str:
    """Return a header per row, then its messages or columns, each cut to the width."""
    head = f"data.{found.split}: {inert(found.source)}, {found.picked}"
    lines = [head]
    if found.raw:
        columns = (f"{inert(name)} ({inert(kind)})" if kind else inert(name) for name, kind in found.columns.items())
        lines.append(cut(f"columns: {', '.join(columns) or 'none'}", style.width))
    several = len({row.file for row in found.rows}) > 1
    for row in found.rows:
        file = inert(PurePosixPath(row.file).name)
        header = f"# {row.number or file}{f'  {file}' if several and row.number else ''}"
        lines += ["", *(_raw(row, header, style) if found.raw else _row(row, header, style))]
    return "\n".join(lines if found.rows else [*lines, "", "No rows."])


def _row(row: PreviewRow, header: str, style: Style) -> Iterator[str]:
    if not row.problems:
        yield style.bold(f"{header}  {_about(row.row)}")
        yield from _messages(row.row, style)
        return
    verdict = "left out" if row.skipped else "unfit"
    yield style.bold(f"{header}  {style.yellow(verdict)}")
    for problem in row.problems:
        yield from _said(style.yellow("!"), problem.summary, "  ", style)
        if problem.remedy:
            yield from _said(style.cyan("="), problem.remedy, "    ", style)
    yield from _columns(row.row, style)


def _said(sign: str, text: str, indent: str, style: Style) -> Iterator[str]:
    """Yield a text after a sign, wrapped."""
    first, *more = textwrap.wrap(inert(text), style.width - len(indent) - 2, break_on_hyphens=False) or [""]
    yield f"{indent}{sign} {first}"
    yield from (f"{indent}  {line}" for line in more)


def _raw(row: PreviewRow, header: str, style: Style) -> Iterator[str]:
    yield style.bold(header)
    for problem in row.problems:
        yield from _said(style.yellow("!"), problem.summary, "  ", style)
    yield from _columns(row.row, style)


def _about(row: Mapping[str, Any]) -> str:
    messages = messages_in(row)
    size = sum(len(message["content"]) for message in messages)
    if "messages" not in row:
        return f"{size:,} chars"
    noun = "message" if len(messages) == 1 else "messages"
    return f"{inert(row['prompt_id'][:_ID])}  {len(messages)} {noun}, {size:,} chars"


def _messages(row: Mapping[str, Any], style: Style) -> Iterator[str]:
    for message in messages_in(row):
        yield cut(f"{message['role']}: {_start(message['content'], style)}", style.width)


def _columns(row: Any, style: Style) -> Iterator[str]:
    if isinstance(row, Mapping):
        for name, value in row.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
            yield cut(f"{inert(str(name))}: {_start(text, style)}", style.width)
    elif row is not None:
        yield cut(_start(json.dumps(row, ensure_ascii=False, default=str), style), style.width)


def _start(text: str, style: Style) -> str:
    return inert(text[: style.width])


def stats(found: DataStats, *, style: Style = PLAIN) -> str:
    """Return a table per split, then the findings of the spec's data checks."""
    parts = ["\n".join(_split(one, found.limit, style)) for one in found.splits]
    if found.findings:
        parts.append(diagnostics.render(found.findings, style=style))
    if found.pinned:
        parts.append("The results of data.checks are pinned in phift.lock.")
    return "\n\n".join(parts)


def _split(one: SplitStats, limit: Limit, style: Style) -> Iterator[str]:
    measures = one.measures
    yield style.bold(f"data.{one.split}:{one.version}") + f", from {one.basis}"
    rows = [("rows", f"{measures.rows:,}"), ("dropped", _counts(one.dropped))]
    if one.refused:
        count = "1 unfit row" if one.refused == 1 else f"{one.refused:,} unfit rows"
        rows.append(("", f"{count} over the limit of data.unfit (default: 0)"))
    rows += [
        ("turns", _spread(measures.turns)),
        ("characters", _spread(measures.characters)),
        ("tokens", _tokens(measures)),
        *_cut_rows(measures, limit),
        ("duplicates", f"{measures.duplicates:,}"),
        *([("in train", _of(one.shared, measures.rows))] if one.shared is not None else []),
        ("personal", _counts({_PERSONAL.get(kind, kind): count for kind, count in measures.personal.items()})),
    ]
    yield from table(rows, indent="  ")


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"


def _spread(spread: Spread) -> str:
    return f"min {spread.min:,}, median {spread.median:,}, p95 {spread.p95:,}, max {spread.max:,}"


def _tokens(measures: Measures) -> str:
    by = "about, characters/4" if measures.counted_by == "estimate" else f"by {measures.counted_by}"
    return f"{_spread(measures.tokens)}, {measures.tokens.total:,} in all ({by})"


def _cut_rows(measures: Measures, limit: Limit) -> list[tuple[str, str]]:
    if measures.cut is None or limit.tokens is None:
        return []
    return [("cut", f"{_of(measures.cut, measures.rows)}, longer than {limit.tokens:,} tokens ({limit.what})")]


def _of(count: int, rows: int) -> str:
    return f"{count:,} of {rows:,} rows" + (f" ({100 * count / rows:.1f}%)" if count else "")


def prepared(files: Mapping[str, tuple[str, str, Prepared]], *, style: Style = PLAIN) -> str:
    """Return for each split: its file, rows, bytes and SHA-256, and the dropped rows."""
    lines = []
    for name, (version, path, made) in files.items():
        lines.append(style.bold(f"data.{name}:{version}") + f" {path}")
        lines.append(f"  {made.rows:,} rows, {made.size:,} bytes, sha256 {made.digest}")
        if made.skipped:
            lines.append(f"  dropped: {_counts(dict(made.skipped))}")
    return "\n".join(lines)


def diff(found: DataDiff, *, style: Style = PLAIN) -> str:
    """Return the counts of each split, then the first few rows of each kind of difference."""
    return "\n\n".join("\n".join(difference(one, style)) for one in found.splits)


def difference(one: SplitDiff, style: Style) -> Iterator[str]:
    """Yield the counts of a split, then the first few rows of each kind of difference."""
    versions = f"{one.before or '(none)'} -> {one.after or '(none)'}" if one.before != one.after else one.before
    head = style.bold(f"data.{one.split}") + f" {versions}: "
    found = one.difference
    if found is None:
        yield head + ("only in the second" if one.after else "only in the first")
    elif found.equal:
        yield head + f"identical ({found.same:,} rows)"
    elif found.reordered:
        yield head + f"same {found.same:,} rows, in a different order"
    else:
        yield head + (
            f"{found.added:,} added, {found.removed:,} removed, {found.changed:,} changed, {found.same:,} unchanged"
        )
        yield from _listed("+", found.first_added, found.added, style)
        yield from _listed("-", found.first_removed, found.removed, style)
        yield from _listed("~", found.first_changed, found.changed, style)


def _listed(symbol: str, rows: Sequence[RowChange], count: int, style: Style) -> Iterator[str]:
    narrow = style._replace(width=style.width - 4)
    for change in rows:
        number, row = change.after or change.before or (0, {})
        yield f"{style.symbol(symbol)} # {number}  {_about(row)}"
        if change.before and change.after:
            before, after = (_first_other(change, side) for side in (0, 1))
            yield f"    {style.symbol('-')} {cut(before, narrow.width)}"
            yield f"    {style.symbol('+')} {cut(after, narrow.width)}"
        else:
            yield f"    {cut(_message(messages_in(row)[0], narrow), narrow.width)}"
    if count > len(rows):
        yield f"{style.symbol(symbol)} and {count - len(rows):,} more"


def _first_other(change: RowChange, side: int) -> str:
    """Return the first differing message, as on that side."""
    assert change.before is not None
    assert change.after is not None
    both = [messages_in(row) for _, row in (change.before, change.after)]
    same = next((n for n, (a, b) in enumerate(zip(*both, strict=False)) if a != b), min(map(len, both)))
    mine = both[side]
    return _message(mine[same], PLAIN) if same < len(mine) else "(no more messages)"


def _message(message: Mapping[str, Any], style: Style) -> str:
    return f"{message['role']}: {_start(message['content'], style)}"
