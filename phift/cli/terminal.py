"""What a command prints with and asks through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from phift.errors import ApprovalError
from phift.views.base import Sink, Streams

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
        self.streams.out.write(text + "\n")
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
        style = self.streams.err_style
        what = f"destroy stack {plan.stack} in" if destroying else "apply this plan to"
        question = f"Do you {'really ' if destroying else ''}want to {what} {plan.workspace}?"
        self.streams.err.write(
            f"\n{style.bold(question)}\n  It means: {kind_of_work(plan)}.\n"
            f"  Only 'yes' will be accepted to approve.\n\n  {style.bold('Enter a value:')} "
        )
        self.streams.err.flush()
        try:
            answer = input().strip()
        except EOFError:
            answer = ""
        if answer != "yes":
            raise ApprovalError(f"{'destroy' if destroying else 'apply'} cancelled", detail="Nothing was changed.")
        self.streams.err.write("\n")
