"""From the columns of a row to chat messages: what `data.messages` says, written out, and compiled.

A mapping is written out as a plain value before it is used: presets are replaced by what they mean, so that the recipe
of a data version says all of it. Three forms are left:

    [["user", "{{ question }}"], ["assistant", {"column": "answer"}]]      a part for each role
    {"turns": "conversations", "role": "from", "content": "value", ...}     a list of messages under other names
    {"pair": {"before": "prompt", "answer": "completion"}}                  texts, or lists of messages

None is the schema that phift writes: rows with `messages`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from phift.data.mapping_roles import by_role
from phift.data.mapping_turns import by_pair, by_turns
from phift.data.presets import AS_IS, nearest, presets, recognised
from phift.data.problems import Problem, named
from phift.data.row_mapper import RowMapper
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError

__all__ = ["AUTO", "RowMapper", "compiled", "written_out"]

AUTO = "auto"


def written_out(messages: object, columns: Collection[str] | None) -> Any:
    """What a spec says of messages, as the plain value of a recipe.

    messages: None or "auto", the name of a preset, or a mapping. columns: of the source; None where they are not known,
    which only "auto" needs: then `messages` is taken for granted. Raises InvalidSpecError for what is none of these,
    and for columns in which "auto" recognises no preset.
    """
    if messages is None or messages == AUTO:
        return _recognised(columns)
    if isinstance(messages, str):
        preset = presets().get(messages)
        if preset is None:
            raise _invalid(f"messages: there is no preset {messages!r}", f"Presets: {', '.join(presets())}.")
        if columns is not None and (lacking := [c for c in preset.needs if c not in columns]):
            raise _invalid(
                f"messages: {messages} needs the columns {named(preset.needs)}; {named(lacking)} "
                f"{'is' if len(lacking) == 1 else 'are'} missing",
                f"Columns here: {named(columns)}.",
            )
        return _plain(preset.mapping)
    if isinstance(messages, Mapping):
        return _plain({"turns": messages} if "turns" in messages else {"by_role": messages})
    raise _invalid("messages must be a preset or a mapping", f"Presets: {', '.join(presets())}.")


def compiled(plain: Any) -> RowMapper | None:
    """What maps a row as the plain value of a recipe says; None where rows have `messages` as they are.

    Raises InvalidSpecError on a role that is none, or a template that is not Jinja.
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
            "the data holds preference pairs (`chosen` and `rejected`); phift trains on one answer to each prompt",
            "To train on the chosen side, write `messages: chosen`.",
            code="data-preference",
            path="",
        )
    for column, what in _UNSUPPORTED.items():
        if column in columns:
            summary = f"the data has a column `{column}`: {what}"
            raise _invalid(summary, "Use a data set of conversations in text.", path="")
    close = nearest(columns)
    ways = f"Write `data.messages`: a preset ({', '.join(n for n in presets() if n != AS_IS)}), or a mapping"
    if close is None:
        remedy = f"{ways} such as {_example(columns)}."
    elif set(close.needs) <= set(columns):
        leave = f"`data.messages: {close.name}` takes these and leaves the others out"
        remedy = f"The nearest preset is `{close.name}`, which needs {named(close.needs)}: {leave}."
    else:
        remedy = f"The nearest preset is `{close.name}`, which needs {named(close.needs)}. {ways}."
    raise _invalid(
        f"the data has no column `messages`, and its columns match no preset: {named(columns)}",
        remedy,
        code="data-columns",
        path="",
    )


def _example(columns: Collection[str]) -> str:
    """A mapping of the columns, where these can be named: of those that sound like a question and its answer, else of
    the first two that do not merely number or sort the rows; of one alone as a list of messages."""
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


_ASIDE = re.compile(r"(.*_)?(id|idx|index|uuid|category|source|split|lang|language|score|date|time|timestamp)")
_ASKS = re.compile(r"question|prompt|instruction|query|input|request|user|problem")
_ANSWERS = re.compile(r"answer|response|reply|completion|output|assistant|solution|target")


_UNSUPPORTED = {
    "input_ids": "it is tokenized already, and phift does not train on tokens",
    "image": "phift does not train on images",
    "images": "phift does not train on images",
    "audio": "phift does not train on audio",
}


def _invalid(summary: str, remedy: str, code: str = "data-messages", path: str = "data.messages") -> InvalidSpecError:
    """path: the field; empty where a split's columns are what is wrong."""
    return InvalidSpecError([Diagnostic(summary, remedy=remedy, path=path, code=code)])


def mapped(mapper: RowMapper, row: Any) -> dict[str, Any] | Problem:
    """The row with `messages`. Anything but an object is a problem."""
    return mapper(row) if isinstance(row, dict) else Problem("type", "a row must be an object")
