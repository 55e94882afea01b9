"""Recognise how the columns of a file become rows of a fine-tune, and check every row of it.

Unlike `messages: auto`, which a plan applies, this proposes a mapping for a spec that is about to be written: it may
ignore columns and go by names and by the first row, because its user reads the result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from phift.data.cache import prepared
from phift.data.columns import columns_of
from phift.data.mapping import question_and_answer, written_out
from phift.data.presets import presets, recognised
from phift.data.problems import named
from phift.data.readers import Counter as RowCounter
from phift.data.readers import read
from phift.data.recipe import Recipe
from phift.data.sources import SourceFile, SourceIdentity
from phift.data.table import Table
from phift.diagnostics import Diagnostic
from phift.errors import DiagnosticsError, InvalidSpecError

__all__ = ["Recognised", "recognise_chat", "recognise_table"]

_SEEN = 2000
"""Rows to look at for the columns of a table."""
_MOST_CLASSES = 50
_TEXT_NAMES = ("text", "sentence", "sentence1", "question", "content", "review", "title", "body", "input", "message")
_LABEL_NAMES = ("label", "labels", "class", "category", "topic", "target", "intent", "sentiment", "tag")
_SYSTEM_NAMES = ("system", "system_prompt", "system_message")
_ROLE_KEYS = ("role", "from", "speaker", "author", "who", "sender")
_CONTENT_KEYS = ("content", "value", "text", "message", "said", "body")


@dataclass(frozen=True)
class Recognised:
    """A file whose rows all fit. rows: their number. path: of the prepared ones. what: the shape, for people.

    messages: for `data.messages`; None if rows have `messages`. table: the columns of a text task instead.
    """

    rows: int
    path: Path
    what: str
    messages: object = None
    table: Table | None = None


def recognise_chat(
    identity: SourceIdentity,
    *,
    messages: object = None,
    columns: tuple[str, str] | None = None,
    take: object = None,
) -> Recognised:
    """Return how the rows become conversations. messages: the mapping to use; columns: those of the user and of the
    assistant; None: recognise. take: as in a spec.

    Raises InvalidSpecError if no mapping fits all rows, with the problems of the most likely one.
    """
    names = columns_of(identity.files[0])
    if names is not None and "messages" in names and columns is not None:
        names = _all_columns(identity.files[0])
    proposals = list(_proposals(identity.files[0], names, messages, columns))
    first: DiagnosticsError | None = None
    for proposal, what in proposals:
        try:
            made = prepared(Recipe.of(identity, take=take, messages=proposal, columns=names))
        except DiagnosticsError as error:
            first = first or error
        else:
            return Recognised(made.rows, made.path, what, proposal)
    if first is not None:
        raise first
    written_out(None, names)  # raises: no preset has these columns
    raise AssertionError(names)


def _proposals(
    file: SourceFile, names: Sequence[str] | Any, messages: object, columns: tuple[str, str] | None
) -> Iterator[tuple[object, str]]:
    """Yield mappings, the most likely first, each with what it does in words."""
    if columns is not None:
        user, assistant = columns
        yield _by_columns(user, assistant), f"`{user}` asks, `{assistant}` answers"
    elif messages is not None:
        yield messages, f"{messages} ({_said(names, str(messages))})"
    elif names is None or "messages" in names:
        yield None, "conversations (`messages`)"
        yield "openai", "openai (`messages`)"
        if found := _turns(file, "messages"):
            yield found, _turns_said(found)
    elif "rejected" not in names:
        yield from _of_columns(file, names)


def _of_columns(file: SourceFile, names: Sequence[str]) -> Iterator[tuple[object, str]]:
    exact = recognised(names)
    fitting = [exact] if exact else [p for p in presets().values() if set(p.needs) <= set(names)]
    system = next((name for name in names if name.lower() in _SYSTEM_NAMES), None)
    pair = question_and_answer(names)
    # A preset for these two columns would drop the system prompt.
    if system and pair and all(set(preset.needs) == set(pair) for preset in fitting):
        yield _by_columns(*pair, system), _pair_said(names, pair, system)
    for preset in fitting:
        yield preset.name, f"{preset.name} ({_said(names, preset.name)})"
    for name in names:
        if found := _turns(file, name):
            yield found, _turns_said(found)
    # Rows that a preset rejects must not pass without the columns that make them unfit.
    if not fitting and pair:
        yield _by_columns(*pair), _pair_said(names, pair)


def _pair_said(names: Sequence[str], pair: tuple[str, str], system: str = "") -> str:
    ignored = [name for name in names if name not in (*pair, system)]
    first = f"`{system}` is the system prompt, " if system else ""
    said = f"; ignores {named(ignored)}" if ignored else ""
    return f"{first}`{pair[0]}` asks, `{pair[1]}` answers, by their names{said}"


def _said(names: Sequence[str] | None, preset: str) -> str:
    known = presets().get(preset)
    if known is None:
        return "given"
    ignored = [name for name in names or () if name not in (*known.needs, *known.may)]
    return named(known.needs) + (f"; ignores {named(ignored)}" if ignored else "")


def _by_columns(user: str, assistant: str, system: str = "") -> dict[str, str]:
    first = {"system": "{{ " + system + " }}"} if system else {}
    return {**first, "user": "{{ " + user + " }}", "assistant": "{{ " + assistant + " }}"}


def _turns(file: SourceFile, column: str) -> dict[str, Any] | None:
    """Return the mapping of a column whose first cell is a list of messages with other key names; else None."""
    import orjson

    row = next(_rows(file, 1), None)
    cell = row.get(column) if isinstance(row, Mapping) else None
    if isinstance(cell, str) and cell.lstrip()[:1] == "[":
        try:
            cell = orjson.loads(cell)
        except orjson.JSONDecodeError:
            return None
    if not isinstance(cell, list) or not cell or not all(isinstance(turn, Mapping) for turn in cell):
        return None
    keys = {str(key) for key in cell[0]}
    role = next((key for key in _ROLE_KEYS if key in keys), None)
    content = next((key for key in _CONTENT_KEYS if key in keys), None)
    if role is None or content is None:
        return None
    return {"turns": column, "role": role, "content": content, **({"keys": "drop"} if len(keys) > 2 else {})}


def _turns_said(turns: Mapping[str, Any]) -> str:
    return f"turns of `{turns['turns']}` (`{turns['role']}` and `{turns['content']}`)"


def recognise_table(
    identity: SourceIdentity,
    *,
    columns: tuple[str, str] | None = None,
    table: Table | None = None,
    take: object = None,
) -> Recognised:
    """Return which columns have the text and the class. columns: these two; table: that of other data with the same
    columns; None: recognise. take: as in a spec.

    Raises InvalidSpecError if they are not clear, or if a row does not fit.
    """
    if table is None:
        pair = columns or _text_and_label(identity.files[0])
        table = Table("text-classification", (pair[0],), pair[1])
    made = prepared(Recipe.of(identity, take=take, table=table))
    what = f"text in `{table.texts[0]}`, classes in `{table.answer}`"
    return Recognised(made.rows, made.path, what, table=table)


def _text_and_label(file: SourceFile) -> tuple[str, str]:
    """Return the names of the two columns: by name, else the longest texts and the only few repeated values."""
    rows = [row for row in _rows(file, _SEEN) if isinstance(row, Mapping)]
    names = list(rows[0]) if rows else list(_all_columns(file) or ())
    label = _by_name(names, _LABEL_NAMES) or _only(_few(rows, names))
    text = _by_name([name for name in names if name != label], _TEXT_NAMES) or _longest(rows, names, label)
    if label and text:
        return text, label
    what = "both" if not label and not text else "the classes" if not label else "the text"
    summary = f"the columns of the text and of the classes are not clear: {named(names) if names else 'none'}"
    remedy = "Name them with --columns TEXT,LABEL."
    if "messages" in names or "conversations" in names:
        remedy = "The rows are conversations: use `phift init chat`."
    raise InvalidSpecError(
        [Diagnostic(summary, detail=f"phift recognises {what} neither by name nor by content.", remedy=remedy,
                    code="data-columns")]
    )  # fmt: skip


def _by_name(names: Sequence[str], known: Sequence[str]) -> str:
    lower = {name.lower(): name for name in reversed(names)}
    return next((lower[name] for name in known if name in lower), "")


def _only(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ""


def _few(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """Return the columns with a few values that repeat."""
    found = []
    for name in names:
        values = Counter(str(row[name]) for row in rows if isinstance(row.get(name), str | int))
        repeated = len(values) <= min(_MOST_CLASSES, len(rows) // 2)
        if values.total() == len(rows) and len(values) > 1 and repeated:
            found.append(name)
    return found


def _longest(rows: Sequence[Mapping[str, Any]], names: Sequence[str], label: str) -> str:
    sizes = {
        name: sum(len(row[name]) for row in rows)
        for name in names
        if name != label and rows and all(isinstance(row.get(name), str) for row in rows)
    }
    return max(sizes, key=lambda name: sizes[name]) if any(sizes.values()) else ""


def _all_columns(file: SourceFile) -> list[str] | None:
    row = next(_rows(file, 1), None)
    return list(row) if isinstance(row, Mapping) else None


def _rows(file: SourceFile, most: int) -> Iterator[Any]:
    """Yield the first rows unmapped. A problem of one is yielded too: reading all rows reports it."""
    with closing(read(file.path, file.format, RowCounter(), None)) as rows:  # type: ignore[type-var]
        for _, row in islice(rows, most):
            yield row
