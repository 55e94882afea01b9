"""Map the columns of a row to chat messages: expand and compile `data.messages`.

A mapping is first expanded to a plain value: presets are replaced by their definition, so that the recipe of a data
version is complete. There are three forms:

    [["user", "{{ question }}"], ["assistant", {"column": "answer"}]]      one part per role
    {"turns": "conversations", "role": "from", "content": "value", ...}     a list of messages with other key names
    {"pair": {"before": "prompt", "answer": "completion"}}                  texts, or lists of messages

None stands for phift's own schema: rows with `messages`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from phift.data.mapping_roles import by_role
from phift.data.mapping_turns import by_pair, by_turns
from phift.data.presets import AS_IS, nearest, presets, recognised
from phift.data.problems import Problem, named
from phift.data.row_mapper import RowMapper
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError
from phift.lazy import lazy_pattern

__all__ = ["AUTO", "RowMapper", "compiled", "question_and_answer", "written_out"]

AUTO = "auto"


def written_out(messages: object, columns: Collection[str] | None) -> Any:
    """Expand `messages` of a spec to the plain value of a recipe.

    messages: None or "auto", the name of a preset, or a mapping. columns: of the source; None if unknown, in which case
    "auto" assumes a column `messages`. Raises InvalidSpecError for any other value, and if "auto" detects no preset.
    """
    if messages is None or messages == AUTO:
        return _recognised(columns)
    if isinstance(messages, str):
        preset = presets().get(messages)
        if preset is None:
            raise _invalid(f"messages: unknown preset {messages!r}", f"Presets: {', '.join(presets())}.")
        if columns is not None and (lacking := [c for c in preset.needs if c not in columns]):
            raise _invalid(
                f"messages: {messages} requires the columns {named(preset.needs)}; {named(lacking)} "
                f"{'is' if len(lacking) == 1 else 'are'} missing",
                f"Columns here: {named(columns)}.",
            )
        return _plain(preset.mapping)
    if isinstance(messages, Mapping):
        return _plain({"turns": messages} if "turns" in messages else {"by_role": messages})
    raise _invalid("messages must be a preset or a mapping", f"Presets: {', '.join(presets())}.")


def compiled(plain: Any) -> RowMapper | None:
    """Compile the plain value of a recipe; None if rows already have `messages`.

    Raises InvalidSpecError for an unknown role or an invalid Jinja template.
    """
    if plain is None:
        return None
    if isinstance(plain, Mapping):
        return by_turns(plain) if "turns" in plain else by_pair(plain["pair"])
    return by_role(plain)


def _plain(mapping: Mapping[str, Any] | None) -> Any:
    if mapping is None:
        return None
    if "by_role" in mapping:
        return [[role, part] for role, part in mapping["by_role"].items()]
    return dict(mapping["turns"]) if "turns" in mapping else dict(mapping)


def _recognised(columns: Collection[str] | None) -> Any:
    if columns is None:
        return None
    preset = recognised(columns)
    if preset is not None:
        return _plain(preset.mapping)
    if "rejected" in columns and "chosen" in columns:
        raise _invalid(
            "the data has preference pairs (`chosen` and `rejected`); phift trains on one answer per prompt",
            "To train on the chosen answers, set `messages: chosen`.",
            code="data-preference",
            path="",
        )
    for column, what in _UNSUPPORTED.items():
        if column in columns:
            summary = f"the data has a column `{column}`: {what}"
            raise _invalid(summary, "Use a data set of text conversations.", path="")
    close = nearest(columns)
    ways = f"Set `data.messages` to a preset ({', '.join(n for n in presets() if n != AS_IS)}) or a mapping"
    if close is None:
        remedy = f"{ways} such as {_example(columns)}."
    elif set(close.needs) <= set(columns):
        leave = f"set `data.messages: {close.name}` to use these and ignore the others"
        remedy = f"The closest preset is `{close.name}`, which requires {named(close.needs)}: {leave}."
    else:
        remedy = f"The closest preset is `{close.name}`, which requires {named(close.needs)}. {ways}."
    raise _invalid(
        f"the data has no column `messages`, and its columns do not match a preset: {named(columns)}",
        remedy,
        code="data-columns",
        path="",
    )


def _example(columns: Collection[str]) -> str:
    """Return an example mapping of the columns: of likely question and answer columns, else of the first two that are
    not ids or labels; a single column is mapped as a list of messages."""
    known = [name for name in columns if named([name]) == f"`{name}`"]
    rows = [name for name in known if not _ASIDE.fullmatch(name.lower())]
    if len(rows) == 1:
        return f"{{turns: {rows[0]}, role: KEY, content: KEY}}"
    fallback = iter(rows if len(rows) > 1 else ("question", "answer"))
    user = next((name for name in rows if _ASKS.search(name.lower())), None)
    answer = next((name for name in rows if name != user and _ANSWERS.search(name.lower())), None)
    user = user or next(name for name in fallback if name != answer)
    answer = answer or next(name for name in fallback if name != user)
    return f'{{user: "{{{{ {user} }}}}", assistant: "{{{{ {answer} }}}}"}}'


def question_and_answer(columns: Collection[str]) -> tuple[str, str] | None:
    """Return the columns whose names mean what a user asks and what an assistant answers; None unless both exist."""
    if any(name in columns for name in _UNSUPPORTED):
        return None
    rows = [name for name in columns if named([name]) == f"`{name}`" and not _ASIDE.fullmatch(name.lower())]
    user = next((name for name in rows if _ASKS.search(name.lower())), None)
    answer = next((name for name in rows if name != user and _ANSWERS.search(name.lower())), None)
    return (user, answer) if user and answer else None


_ASIDE = lazy_pattern(
    r"(.*_)?(id|idx|index|uuid|category|source|split|lang|language|score|date|time|timestamp)|system(_prompt|_message)?"
)
_ASKS = lazy_pattern(r"question|prompt|instruction|query|input|request|user|problem")
_ANSWERS = lazy_pattern(r"answer|response|reply|completion|output|assistant|solution|target")


_UNSUPPORTED = {
    "input_ids": "phift does not train on tokenized data",
    "image": "phift does not train on images",
    "images": "phift does not train on images",
    "audio": "phift does not train on audio",
}


def _invalid(summary: str, remedy: str, code: str = "data-messages", path: str = "data.messages") -> InvalidSpecError:
    """path: the field; empty if the columns of a split are the problem."""
    return InvalidSpecError([Diagnostic(summary, remedy=remedy, path=path, code=code)])


def mapped(mapper: RowMapper, row: Any) -> dict[str, Any] | Problem:
    """Return the row with `messages`, or a Problem if it is not an object."""
    return mapper(row) if isinstance(row, dict) else Problem("type", "a row must be an object")
