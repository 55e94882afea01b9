"""Printing and prompting."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeVar

from phift.errors import ApprovalError
from phift.plan.action import Purpose
from phift.views.base import Sink, Streams, Style
from phift.views.harmless import shown_text

if TYPE_CHECKING:
    from phift.plan.model import Plan

__all__ = ["Format", "Terminal"]

T = TypeVar("T")
Shown = TypeVar("Shown", contravariant=True)


class Format(StrEnum):
    """How a command prints its result."""

    TEXT = "text"
    JSON = "json"


class TextView(Protocol[Shown]):
    """A view for people."""

    def __call__(self, found: Shown, /, *, style: Style) -> str: ...


@dataclass(frozen=True)
class Terminal:
    """Prints results to stdout and progress to stderr, unless quiet."""

    streams: Streams
    quiet: bool = False

    @classmethod
    def of(cls, *, no_color: bool = False, quiet: bool = False) -> Terminal:
        """Return the terminal of this process."""
        return cls(Streams.standard(colour=not no_color), quiet)

    def print(self, text: str) -> None:
        """Print a result. Raises BrokenPipeError if the reader is gone."""
        self.print_raw(shown_text(text))

    def print_raw(self, text: str) -> None:
        """Print foreign text, such as a log or an answer: escaped on a terminal, unchanged elsewhere."""
        self.streams.out.write((shown_text(text) if self.streams.out.isatty() else text) + "\n")
        self.streams.out.flush()

    def show(self, format: Format, found: T, as_json: Callable[[T], str], as_text: TextView[T]) -> None:
        """Print a result in the format that was asked for."""
        self.print(as_json(found) if format is Format.JSON else as_text(found, style=self.streams.out_style))

    def tell(self, text: str) -> None:
        """Print a line of progress."""
        if not self.quiet:
            Sink(self.streams.err).write(text)

    def approve(self, plan: Plan) -> None:
        """Ask for approval of the plan. Raises ApprovalError for any answer but yes, or if stdin is not a terminal."""
        from phift.views.human.words import kind_of_work

        applying = plan.purpose == Purpose.APPLY
        if not self.streams.terminal:
            saved = ", or apply a saved plan: phift plan SPEC --out FILE" if applying else ""
            raise ApprovalError(
                "approval required, but stdin is not a terminal",
                detail="Nothing was changed.",
                remedy=f"Pass --auto-approve (-y){saved}",
            )
        verb = plan.purpose.value
        what = "apply this plan to" if applying else f"{verb} stack {plan.stack} in"
        if plan.purpose == Purpose.EXPIRE:
            what = f"cancel and delete these in stack {plan.stack} in"
        question = f"Do you {'' if applying else 'really '}want to {what} {plan.workspace}?"
        means = textwrap.fill(
            f"Summary: {kind_of_work(plan)}.",
            self.streams.err_style.width,
            initial_indent="  ",
            subsequent_indent="    ",
        )
        self._ask(question, means, verb)

    def confirm(self, question: str, *, action: str, option: str) -> None:
        """Ask for the word yes. option: the option that answers instead.

        Raises ApprovalError for any other answer, or if stdin is not a terminal."""
        if not self.streams.terminal:
            raise ApprovalError(
                "approval required, but stdin is not a terminal",
                detail="Nothing was changed.",
                remedy=f"Pass {option}.",
            )
        self._ask(question, "", action)

    def _ask(self, question: str, means: str, action: str) -> None:
        style = self.streams.err_style
        said = f"{means}\n" if means else ""
        self.streams.err.write(
            f"\n{style.bold(question)}\n{said}"
            f"  Only 'yes' will be accepted to approve.\n\n  {style.bold('Enter a value:')} "
        )
        self.streams.err.flush()
        try:
            answer = input().strip()
        except EOFError:
            answer = ""
        if answer != "yes":
            raise ApprovalError(f"{action} cancelled", detail="Nothing was changed.")
        self.streams.err.write("\n")
