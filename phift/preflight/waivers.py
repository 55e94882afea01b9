"""Waivers of the spec: warnings that the author accepts, and waivers that cannot have an effect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from phift.diagnostics import Diagnostic, Severity, nearest
from phift.errors import RefusedError
from phift.kinds.check import check
from phift.kinds.subject import Subject
from phift.spec.waivers import WaiverBlock

__all__ = ["Waived", "require_strict", "split", "waivers"]


@dataclass(frozen=True)
class Waived:
    """A warning that a waiver of the spec accepts, for a reason."""

    finding: Diagnostic
    reason: str

    @property
    def note(self) -> str:
        """The line of the plan about it."""
        return f"waived {self.finding.code}: {self.finding.summary} (reason: {self.reason.strip()})"


def split(
    warnings: Iterable[Diagnostic], given: Sequence[WaiverBlock] | None
) -> tuple[tuple[Diagnostic, ...], tuple[Waived, ...]]:
    """Return the warnings that remain, and those that a waiver accepts.

    Errors are never waived, nor warnings about a limit of the command line: the spec cannot loosen it.
    """
    reasons = {waiver.check: waiver.reason for waiver in reversed(given or ())}
    kept: list[Diagnostic] = []
    waived: list[Waived] = []
    for finding in warnings:
        if finding.severity is Severity.WARNING and finding.code in reasons and not _of_command_line(finding):
            waived.append(Waived(finding, reasons[finding.code]))
        else:
            kept.append(finding)
    return tuple(kept), tuple(waived)


def _of_command_line(finding: Diagnostic) -> bool:
    """Return whether a budget of the command line yields the finding: only those of the spec have a path."""
    return finding.code.startswith("budget-") and not finding.path


def require_strict(warnings: Iterable[Diagnostic]) -> None:
    """Raise RefusedError with the warnings as errors, for `--strict`."""
    if found := [replace(finding, severity=Severity.ERROR) for finding in warnings]:
        raise RefusedError(found)


@check(
    "waivers",
    reads="codes of the waivers",
    source="the spec",
    applies=lambda subject: bool(subject.loaded.spec.waivers),
)
def waivers(subject: Subject) -> Iterator[Diagnostic]:
    """waiver-unknown."""
    given = subject.loaded.spec.waivers
    if not given:
        return
    from phift.explain import explanations  # reads all texts, and most specs have no waivers

    known = explanations()
    for index, waiver in enumerate(given):
        if waiver.check not in known:
            near = nearest(waiver.check, known, cutoff=0.7)
            yield subject.at(
                f"waivers.{index}.check",
                Diagnostic(
                    f"no warning has the code {waiver.check}",
                    detail="A waiver names the code that a warning shows in brackets.",
                    remedy=f"Did you mean {near}?" if near else "To list the codes, run `phift explain`.",
                    code="waiver-unknown",
                ),
            )
