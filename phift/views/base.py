"""What every view shares: where text goes, how it is dressed, and the two protocols a command picks a view by."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Protocol, TextIO

from phift.views.harmless import shown_text

if TYPE_CHECKING:
    from phift.apply.events import ApplyFinished, Event, ResourceFailed
    from phift.plan.model import Plan

__all__ = ["PLAIN", "ApplyView", "PlanView", "Sink", "Streams", "Style", "is_gone"]

PLAIN_WIDTH = 80
"""Columns assumed where nothing tells: the same text in every log."""


class Style(NamedTuple):
    """Dress for text: colours or none, and the columns to fill."""

    colour: bool = False
    width: int = PLAIN_WIDTH

    def bold(self, text: str) -> str:
        return self._wrap("1", text)

    def dim(self, text: str) -> str:
        return self._wrap("2", text)

    def red(self, text: str) -> str:
        return self._wrap("31", text)

    def green(self, text: str) -> str:
        return self._wrap("32", text)

    def yellow(self, text: str) -> str:
        return self._wrap("33", text)

    def cyan(self, text: str) -> str:
        return self._wrap("36", text)

    def symbol(self, symbol: str) -> str:
        """A plan's symbol in Terraform's colours."""
        paint = {"+": self.green, "~": self.yellow, "-": self.red, "-/+": self.red, "<=": self.cyan, ".": self.red}
        return paint.get(symbol, str)(symbol)

    def _wrap(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colour and text else text


PLAIN = Style()


def is_gone(error: OSError) -> bool:
    """Whether the reader of a pipe is gone, or the terminal is, which sends SIGHUP: the work must still end well."""
    return isinstance(error, BrokenPipeError) or error.errno == errno.EIO


class Sink:
    """One stream that outlives its reader: when the pipe breaks or the terminal goes, later text is dropped instead of
    ending an apply."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.broken = False

    def write(self, text: str) -> None:
        """Writes the text and a line end."""
        if self.broken:
            return
        try:
            self.stream.write(shown_text(text) + "\n")
            self.stream.flush()
        except OSError as error:
            if not is_gone(error):
                raise
            self.broken = True


@dataclass(frozen=True)
class Streams:
    """Results go to `out`, progress and errors to `err`.

    terminal: whether a person can be asked (stdin and stderr are terminals). live: whether err can be redrawn.
    """

    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    out_style: Style = PLAIN
    err_style: Style = PLAIN
    terminal: bool = False
    live: bool = False

    @classmethod
    def standard(cls, *, colour: bool = True, environ: Mapping[str, str] = os.environ) -> Streams:
        """Those of this process. No colour without a terminal, with NO_COLOR, on a dumb one, or when refused."""
        wanted = colour and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"

        def style(stream: TextIO) -> Style:
            return Style(colour=wanted, width=_columns()) if stream.isatty() else PLAIN

        err_terminal = sys.stderr.isatty()
        return cls(
            out=sys.stdout,
            err=sys.stderr,
            out_style=style(sys.stdout),
            err_style=style(sys.stderr),
            terminal=sys.stdin is not None and sys.stdin.isatty() and err_terminal,
            live=err_terminal and environ.get("TERM") != "dumb",
        )


def _columns() -> int:
    """Of the terminal, within what reads well."""
    import shutil  # slow to import, and most commands in a pipeline have no terminal

    return max(40, min(shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns, 140))


class PlanView(Protocol):
    """A plan as text, without the last line end."""

    def __call__(
        self,
        planned: Plan,
        /,
        *,
        style: Style = PLAIN,
        summary: bool = False,
        show_unchanged: bool = False,
        show_suppressed: bool = False,
    ) -> str: ...


class ApplyView(Protocol):
    """Listens to an apply from any thread, between enter and exit, and tells the end of it.

    failures: what failed so far. started: whether a write was begun, so that there may be work going on.
    """

    failures: list[ResourceFailed]
    started: bool

    def __call__(self, event: Event) -> None: ...

    def __enter__(self) -> ApplyView: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def planned(self, plan: Plan) -> None:
        """Tells what is about to be carried out, before anybody is asked."""

    def finish(self, result: ApplyFinished) -> None:
        """Tells the end of an apply that ran through, with failures or without."""

    def ended(self, error: BaseException) -> None:
        """Tells, where the words on stderr are not enough, that an error ended the apply."""
