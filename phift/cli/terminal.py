"""What a command prints with and asks through."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from phift.errors import ApprovalError
from phift.views.base import Sink, Streams
from phift.views.harmless import shown_text

if TYPE_CHECKING:
    from phift.plan.model import Plan

__all__ = ["Terminal"]


@dataclass(frozen=True)
class Terminal:
    """Results on stdout, progress on stderr unless quiet."""

    streams: Streams
    quiet: bool = False

    @classmethod
    def of(cls, *, no_color: bool = False, quiet: bool = False) -> Terminal:
        """This process's."""
        return cls(Streams.standard(colour=not no_color), quiet)

    def print(self, text: str) -> None:
        """A result. Raises BrokenPipeError when nobody reads it any more."""
        self.print_raw(shown_text(text))

    def print_raw(self, text: str) -> None:
        """What somebody else wrote, a log or an answer: to a terminal harmless, to anything else as it is."""
        self.streams.out.write((shown_text(text) if self.streams.out.isatty() else text) + "\n")
        self.streams.out.flush()

    def tell(self, text: str) -> None:
        """A line of progress."""
        if not self.quiet:
            Sink(self.streams.err).write(text)

    def approve(self, plan: Plan) -> None:
        """Asks whether to carry out the plan. ApprovalError for any answer but the word yes, or nobody to ask."""
        from phift.views.human.words import kind_of_work

        destroying = plan.purpose == "destroy"
        if not self.streams.terminal:
            saved = "" if destroying else ", or save a plan and apply it: phift plan SPEC --out FILE"
            raise ApprovalError(
                "nobody approved the plan, and there is no terminal to ask on",
                detail="Nothing was changed.",
                remedy=f"Approve with --auto-approve (-y){saved}",
            )
        what = f"destroy stack {plan.stack} in" if destroying else "apply this plan to"
        question = f"Do you {'really ' if destroying else ''}want to {what} {plan.workspace}?"
        means = textwrap.fill(
            f"It means: {kind_of_work(plan)}.",
            self.streams.err_style.width,
            initial_indent="  ",
            subsequent_indent="    ",
        )
        self._ask(question, means, "destroy" if destroying else "apply")

    def confirm(self, question: str, *, action: str, option: str) -> None:
        """Asks for the word yes. ApprovalError for any other answer, or nobody to ask; option: what answers it then."""
        if not self.streams.terminal:
            raise ApprovalError(
                "nobody approved it, and there is no terminal to ask on",
                detail="Nothing was changed.",
                remedy=f"Approve with {option}.",
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
