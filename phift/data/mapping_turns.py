"""Map a list of turns with other key names, or a prompt and its answer, to messages.

messages:
  turns: conversations              # column: a list of objects, or JSON text of one
  role: from
  content: value
  roles: {human: user, gpt: assistant, system: system}
  other_roles: refuse               # refuse | skip_row
  keys: refuse                      # other keys of a message: refuse | drop
  last_turn: refuse                 # a conversation that ends with the user: refuse | drop that turn
  system: {text: "Answer briefly."}     # if the row has none; or {column: NAME}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from phift.data.messages import NO_TOOLS, ROLES, TOOLS, kind_of, shown_role
from phift.data.problems import Problem, Skipped, named
from phift.data.row_mapper import RowMapper

__all__ = ["by_pair", "by_turns"]

_SAME = {role: role for role in ROLES}


def by_turns(plain: Mapping[str, Any]) -> RowMapper:
    """Compile the mapping above; only `turns` is required."""
    return _ByTurns(plain)


class _ByTurns:
    def __init__(self, plain: Mapping[str, Any]) -> None:
        self._turns = str(plain["turns"])
        self._role = str(plain.get("role", "role"))
        self._content = str(plain.get("content", "content"))
        self._roles: Mapping[str, str] = plain.get("roles") or _SAME
        self._skip = plain.get("other_roles") == "skip_row"
        self._drop_keys = plain.get("keys") == "drop"
        self._drop_last = plain.get("last_turn") == "drop"
        self._parts = bool(plain.get("parts"))
        system = plain.get("system") or {}
        self._system_text = str(system.get("text", ""))
        self._system_column = system.get("column")
        self.columns: tuple[str, ...] | None = (
            self._turns,
            *((str(self._system_column),) if self._system_column else ()),
        )

    def __call__(self, row: dict[str, Any]) -> dict[str, Any] | Problem:
        turns = row.get(self._turns)
        if turns is None:
            return Problem("missing-key", f"unknown column `{self._turns}`; columns: {named(row)}")
        if isinstance(turns, str):
            turns = _parsed(turns)
        if not isinstance(turns, list):
            what = "" if turns is None else f", not {kind_of(turns)}"
            return Problem(
                "type",
                f"`{self._turns}` must be a list of messages{what}",
                "JSON text of such a list is accepted, too.",
            )
        said: list[dict[str, Any]] = []
        for number, turn in enumerate(turns, 1):
            message = self._message(number, turn)
            if isinstance(message, Problem):
                return message
            said.append(message)
        if self._drop_last and said and said[-1]["role"] == "user":
            said.pop()
        return self._with_system(said, row)

    def _message(self, number: int, turn: Any) -> dict[str, Any] | Problem:
        if not isinstance(turn, dict):
            return Problem("type", f"message {number} must be an object, not {kind_of(turn)}", "Drop the row.")
        tools = next((key for key in TOOLS if turn.get(key)), None)
        if tools:
            return Problem("tools", f"message {number} has `{tools}`: {NO_TOOLS}", "Drop such rows.")
        given = turn.get(self._role)
        role = self._roles.get(given) if isinstance(given, str) else None
        if role is None:
            if given is None:
                summary = f"message {number} has no `{self._role}`; keys: {named(turn)}"
                return Problem(
                    "missing-key", summary, "Set the keys: `messages: {turns: ..., role: KEY, content: KEY}`."
                )
            if self._skip:
                return Skipped("other-role", f"message {number} has an unmapped role")
            known = ", ".join(self._roles)
            return Problem(
                "role",
                f"message {number} has role {shown_role(given)}",
                f"Mapped roles: {known}. Add it to `roles`, or set `other_roles: skip_row`.",
            )
        content = turn.get(self._content)
        if self._parts and isinstance(content, list):
            content = _joined(content)
            if content is None:
                return Problem("parts", f"message {number} has non-text parts; phift trains on text only")
        message = {"role": role, "content": content}
        if not self._drop_keys:
            message |= {key: value for key, value in turn.items() if key not in (self._role, self._content)}
        return message

    def _with_system(self, said: list[dict[str, Any]], row: dict[str, Any]) -> dict[str, Any] | Problem:
        if said and said[0]["role"] == "system":
            return {"messages": said}
        text = self._system_text
        if self._system_column:
            cell = row.get(str(self._system_column))
            text = cell if isinstance(cell, str) else ""
        return {"messages": [{"role": "system", "content": text}, *said] if text.strip() else said}


def by_pair(plain: Mapping[str, Any]) -> RowMapper:
    """Compile `{before: COLUMN, answer: COLUMN}`."""
    return _ByPair(str(plain["before"]), str(plain["answer"]))


class _ByPair:
    """Map a prompt and its answer, each a text or a list of messages; the answer may be a whole conversation."""

    def __init__(self, before: str, answer: str) -> None:
        self._before = before
        self._answer = answer
        self.columns: tuple[str, ...] | None = (before, answer)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any] | Problem:
        answer, before = row.get(self._answer), row.get(self._before)
        if answer is None:
            return _absent(self._answer, row)
        if isinstance(answer, list) and (len(answer) > 1 or before is None):
            return {"messages": answer}
        if before is None:
            return _absent(self._before, row)
        start = before if isinstance(before, list) else [{"role": "user", "content": before}]
        end = answer if isinstance(answer, list) else [{"role": "assistant", "content": answer}]
        return {"messages": [*start, *end]}


def _absent(column: str, row: dict[str, Any]) -> Problem:
    if column in row:
        return Problem("empty-content", f"`{column}` is null", "Fill it or drop the row.")
    return Problem("missing-key", f"unknown column `{column}`; columns: {named(row)}")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (RecursionError, ValueError):
        return None


def _joined(parts: list[Any]) -> str | None:
    """Join parts `{type: text, text: ...}`; None if a part is not text."""
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    return "".join(texts) if len(texts) == len(parts) and all(isinstance(t, str) for t in texts) else None  # type: ignore[arg-type]
