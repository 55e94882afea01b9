"""Rows of text tasks: columns of texts, and a column with the answer or the class.

The components of these tasks read the columns that the parameters of the job name, so rows keep their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from phift.data.messages import control_of, kind_of
from phift.data.problems import Problem, named

__all__ = ["Table", "messages_in", "prompt_in"]

_LINE_ENDS = ("\x85", "\u2028", "\u2029")
"""str.splitlines and some readers of JSON Lines treat these as line ends."""


@dataclass(frozen=True)
class Table:
    """task: what is learned. texts: the columns with the input. answer: the column with the ground truth, or with the
    class; "" if there is none."""

    task: Literal["text-generation", "text-classification"]
    texts: tuple[str, ...]
    answer: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to read: the texts, then the answer."""
        return (*self.texts, *((self.answer,) if self.answer else ()))

    @property
    def classifies(self) -> bool:
        """Whether the answer is a class."""
        return self.task == "text-classification"

    def plain(self) -> dict[str, Any]:
        """Return a plain value."""
        return {"task": self.task, "texts": list(self.texts), "answer": self.answer}

    def problems_of(self, row: object) -> list[Problem]:
        """Return all problems of a row; additional columns are ignored."""
        if not isinstance(row, Mapping):
            return [Problem("type", f"a row must be an object, not {kind_of(row)}")]
        found = [problem for column in self.columns for problem in self._of(row, column)]
        if not found and not any(str(row[column]).strip() for column in self.texts):
            what = " and ".join(f"`{column}`" for column in self.texts)
            found.append(Problem("empty-content", f"{what} has empty content", "Fill it or drop the row."))
        return found

    def encoded(self, row: Mapping[str, Any]) -> bytes:
        """Encode a valid row as one line of canonical JSON: UTF-8, the columns in their order, ending in a line feed.

        Other columns are dropped. Raises ValueError for an unpaired surrogate, which UTF-8 cannot encode.
        """
        try:
            line = orjson.dumps({name: row[name] for name in self.columns}, option=orjson.OPT_APPEND_NEWLINE)
        except (UnicodeEncodeError, orjson.JSONEncodeError) as error:
            raise ValueError("unpaired surrogate") from error
        for mark in _LINE_ENDS:
            line = line.replace(mark.encode(), b"\\u%04x" % ord(mark))
        return line

    def _of(self, row: Mapping[str, Any], column: str) -> Iterator[Problem]:
        value = row.get(column)
        if value is None:
            remedy = "The parameters of the fine-tune (text_key, label_key, ...) name the columns."
            yield Problem("missing-key", f"`{column}` is missing; columns: {named(row)}", remedy)
        elif column == self.answer and self.classifies:
            if isinstance(value, bool) or not isinstance(value, str | int):
                yield Problem("type", f"`{column}` must be the name or number of a class, not {kind_of(value)}")
            elif not str(value).strip():
                yield Problem("empty-content", f"`{column}` has empty content", "Fill it or drop the row.")
        elif not isinstance(value, str):
            yield Problem("type", f"`{column}` must be text, not {kind_of(value)}", "phift trains on text only.")
        else:
            yield from control_of(f"`{column}`", value)


def messages_in(row: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the messages of a prepared row; for a row of a table its columns, each with its name as the role."""
    if "messages" in row:
        messages: list[dict[str, str]] = row["messages"]
        return messages
    return [{"role": name, "content": str(value)} for name, value in row.items()]


def prompt_in(row: Mapping[str, Any]) -> str:
    """Return the prompt of a prepared row; for a row of a table its texts without the answer."""
    if "messages" in row:
        return str(row["prompt"])
    values = [str(value) for value in row.values()]
    return "\n".join(values[:-1] if len(values) > 1 else values)
