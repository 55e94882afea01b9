"""Read a JSON array element by element: the standard library would load the whole file into memory."""

import json
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from phift.data import limits
from phift.data.problems import FileProblem

__all__ = ["UNREADABLE", "read_array"]

UNREADABLE = "too deeply nested, or a number is too long"
_CHUNK = 1 << 18
_SPACE = " \t\r\n"
_MARKS = ("{", "}", "[", ":", '"')
_decoder = json.JSONDecoder()


def read_array(text: TextIO, taken: Callable[[], bool]) -> Iterator[tuple[int, Any]]:
    """Yield (line, element) for each taken element of the array in `text`, or a final Problem.

    Raises UnicodeDecodeError like reading `text`.
    """
    window = _Window(text)
    try:
        yield from _elements(window, taken)
    except RecursionError:
        yield window.line, FileProblem("json", f"unreadable JSON: {UNREADABLE}")


def _elements(window: "_Window", taken: Callable[[], bool]) -> Iterator[tuple[int, Any]]:
    window.next_character()
    window.step()  # the opening bracket
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
        yield window.line, FileProblem("json", "not JSON: unexpected text after the array", "Write one array per file.")


def _broken(window: "_Window", error: ValueError) -> tuple[int, FileProblem]:
    if not isinstance(error, json.JSONDecodeError):
        return window.line, FileProblem("json", f"unreadable JSON: {UNREADABLE}")
    line = window.line_at(error.pos)
    return line, FileProblem("json", f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}", column=error.colno)


class _Window:
    """A sliding window of the text: text before the position is dropped when more is read."""

    def __init__(self, text: TextIO) -> None:
        self.line = 1
        self._text = text
        self._buffer = ""
        self._at = 0
        self._ended = False
        self._has_lines = False  # most arrays are one line, and counting lines takes as long as parsing

    def next_character(self) -> str:
        """Skip white space; return the character at the position, or "" at the end of the file."""
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
        """Skip one character."""
        self._at += 1

    def element(self) -> Any:
        """Parse the JSON value at the position and move past it. Raises ValueError if there is none."""
        while True:
            try:
                value, end = _decoder.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError:
                # Invalid, or cut off at the window's end: read more text to find out.
                # Double the text, because each attempt starts over.
                unread = len(self._buffer) - self._at
                if unread > limits.LONGEST or not self._more(unread + _CHUNK):
                    raise
                continue
            if end == len(self._buffer) and self._more(_CHUNK):
                continue  # a number may continue
            if self._has_lines:
                self.line += self._buffer.count("\n", self._at, end)
            self._at = end
            return value

    def line_at(self, position: int) -> int:
        """Return the line of a position in the window."""
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
