"""A JSON array read element by element: the standard library would hold the whole file in memory."""

import json
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from phift.data import limits
from phift.data.problems import FileProblem

__all__ = ["UNREADABLE", "read_array"]

UNREADABLE = "nested too deeply, or a number too long"
_CHUNK = 1 << 18
_SPACE = " \t\r\n"
_MARKS = ("{", "}", "[", ":", '"')
_decoder = json.JSONDecoder()


def read_array(text: TextIO, taken: Callable[[], bool]) -> Iterator[tuple[int, Any]]:
    """(line, element) for each taken element of the one array in `text`; a Problem ends it.

    Raises UnicodeDecodeError as reading `text` does.
    """
    window = _Window(text)
    try:
        yield from _elements(window, taken)
    except RecursionError:
        yield window.line, FileProblem("json", f"not JSON that can be read: {UNREADABLE}")


def _elements(window: "_Window", taken: Callable[[], bool]) -> Iterator[tuple[int, Any]]:
    window.next_character()
    window.step()  # the opening bracket, which brought us here
    closes = window.next_character() == "]"
    while not closes:
        line = window.line
        try:
            element = window.element()
        except UnicodeDecodeError:
            raise
        except ValueError as error:
            yield _broken(window, error)
            return
        if taken():
            yield line, element
        follows = window.next_character()
        closes = follows == "]"
        if follows not in (",", "]"):
            found = follows if follows in _MARKS else "something else" if follows else "the end of the file"
            said = f"not JSON: expected `,` or `]` between rows, found {found}"
            yield window.line, FileProblem("json", said)
            return
        if not closes:
            window.step()
            window.next_character()
    window.step()
    if window.next_character():
        yield window.line, FileProblem("json", "not JSON: more text after the array", "One array a file.")


def _broken(window: "_Window", error: ValueError) -> tuple[int, FileProblem]:
    if not isinstance(error, json.JSONDecodeError):
        return window.line, FileProblem("json", f"not JSON that can be read: {UNREADABLE}")
    line = window.line_at(error.pos)
    return line, FileProblem("json", f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}", column=error.colno)


class _Window:
    """A sliding piece of the text: what lies before the position is forgotten when more is read."""

    def __init__(self, text: TextIO) -> None:
        self.line = 1
        self._text = text
        self._buffer = ""
        self._at = 0
        self._ended = False
        self._has_lines = False  # most arrays are one line, and counting in wide text takes as long as parsing

    def next_character(self) -> str:
        """Skip white space; the character at the position, or "" at the end of the file."""
        while True:
            while self._at < len(self._buffer):
                character = self._buffer[self._at]
                if character not in _SPACE:
                    return character
                self.line += character == "\n"
                self._at += 1
            if not self._more(_CHUNK):
                return ""

    def step(self) -> None:
        """Pass one character."""
        self._at += 1

    def element(self) -> Any:
        """The JSON value at the position, which moves behind it. Raises ValueError when there is none."""
        while True:
            try:
                value, end = _decoder.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError:
                # Broken, or only cut off by the window's edge: more text tells.
                # So much again as there is of it: each attempt starts from its beginning.
                unread = len(self._buffer) - self._at
                if unread > limits.LONGEST or not self._more(unread + _CHUNK):
                    raise
                continue
            if end == len(self._buffer) and self._more(_CHUNK):
                continue  # a number may go on
            if self._has_lines:
                self.line += self._buffer.count("\n", self._at, end)
            self._at = end
            return value

    def line_at(self, position: int) -> int:
        """The line of a position in the window."""
        return self.line + self._buffer.count("\n", self._at, position)

    def _more(self, size: int) -> bool:
        if self._ended:
            return False
        read = self._text.read(size)
        self._ended = not read
        self._buffer = self._buffer[self._at :] + read
        self._at = 0
        self._has_lines = "\n" in self._buffer
        return bool(read)
