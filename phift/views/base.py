"""What all views share: output streams, styling, and the two view protocols that commands use."""

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

__all__ = ["NO_OPTIONS", "PLAIN", "ApplyView", "PlanOptions", "PlanView", "Sink", "Streams", "Style", "is_gone"]

PLAIN_WIDTH = 80
"""The assumed width in columns if it is unknown, so that logs look the same everywhere."""


class Style(NamedTuple):
    """Text style: colours or none, and the width in columns.

    whole: whether values stay whole, however wide: what is piped is read by programs, or kept.
    """

    colour: bool = False
    width: int = PLAIN_WIDTH
    whole: bool = False

    def cut(self, text: str, width: int) -> str:
        """Cut a value to `width` columns, ending in `...` if it was cut; on a terminal only."""
        return text if self.whole or len(text) <= width else text[: max(width - 3, 1)] + "..."

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
        """Return a plan symbol in Terraform's colours."""
        paint = {"+": self.green, "~": self.yellow, "-": self.red, "-/+": self.red, "<=": self.cyan, ".": self.red}
        return paint.get(symbol, str)(symbol)

    def _wrap(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colour and text else text


PLAIN = Style(whole=True)


def is_gone(error: OSError) -> bool:
    """Return whether the reader of the pipe or the terminal is gone (SIGHUP): the apply must still finish cleanly."""
    return isinstance(error, BrokenPipeError) or error.errno == errno.EIO


class Sink:
    """A stream that drops text once its reader is gone: a broken pipe or closed terminal must not end an apply."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.broken = False

    def write(self, text: str) -> None:
        """Write the text and a line end."""
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
    """`out` for results, `err` for progress and errors.

    terminal: whether phift can prompt (stdin and stderr are terminals). live: whether err can be redrawn.
    """

    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    out_style: Style = PLAIN
    err_style: Style = PLAIN
    terminal: bool = False
    live: bool = False

    @classmethod
    def standard(cls, *, colour: bool = True, environ: Mapping[str, str] = os.environ) -> Streams:
        """Return the streams of this process. No colour without a terminal, on a dumb one, or with NO_COLOR."""
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
    """Return the terminal's width, limited to a readable range."""
    import shutil  # slow to import, and commands in a pipeline have no terminal

    return max(40, min(shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns, 140))


class PlanOptions(NamedTuple):
    """How to render a plan. Views read only the options that apply to their format."""

    style: Style = PLAIN
    """Of text."""
    summary: bool = False
    """Only the addresses and the count line."""
    show_unchanged: bool = False
    show_suppressed: bool = False
    """Also suppressed differences, each with its rule."""


NO_OPTIONS = PlanOptions()


class PlanView(Protocol):
    """Renders a plan as text without a trailing newline."""

    def __call__(self, planned: Plan, options: PlanOptions = ..., /) -> str: ...


class ApplyView(Protocol):
    """Receives the events of an apply from any thread, between enter and exit, and reports its result.

    failures: the failures so far. started: whether a write has started, so that operations may be running.
    """

    failures: list[ResourceFailed]
    started: bool

    def __call__(self, event: Event) -> None: ...

    def __enter__(self) -> ApplyView: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def planned(self, plan: Plan) -> None:
        """Show the plan before the prompt for approval."""

    def finish(self, result: ApplyFinished) -> None:
        """Report the result of an apply that finished, with or without failures."""

    def ended(self, error: BaseException) -> None:
        """Report an error that ended the apply, if stderr alone does not suffice."""
