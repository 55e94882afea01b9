"""Preflight: all checks of a plan as a table, without writing anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from phift.diagnostics import Diagnostic, Severity, errors_of
from phift.exits import ExitCode
from phift.kinds.subject import Subject
from phift.phases.examine import examine
from phift.plan.standing import Policy
from phift.preflight.run import Checked
from phift.preflight.waivers import Waived, split
from phift.spec.waivers import WaiverBlock
from phift.workbench.open import open_workbench
from phift.workbench.request import Connector, Request

__all__ = ["Preflight", "Row", "Verdict", "preflight"]


class Verdict(StrEnum):
    """The result of a check, mildest first."""

    OK = "ok"
    WAIVED = "waived"
    WARNING = "warning"
    UNKNOWN = "not known"
    ERROR = "error"


@dataclass(frozen=True)
class Row:
    """A check: its name and verdict, what it has read and from where, its findings, and the waived ones."""

    check: str
    verdict: Verdict
    reads: str
    source: str
    findings: tuple[Diagnostic, ...] = ()
    waived: tuple[Waived, ...] = ()


@dataclass(frozen=True)
class Preflight:
    """The table of all checks that concern a stack. strict: whether warnings count as errors."""

    stack: str
    target: str
    workspace: str
    rows: tuple[Row, ...]
    strict: bool = False

    @property
    def exit_code(self) -> int:
        """The code of a rejected plan if a check failed, with `strict` also if one has warnings."""
        findings = [finding for row in self.rows for finding in row.findings]
        return ExitCode.REFUSED if errors_of(findings) or (self.strict and findings) else ExitCode.OK

    def count(self, verdict: Verdict) -> int:
        """Return the number of checks with a verdict."""
        return sum(row.verdict is verdict for row in self.rows)


def preflight(request: Request, connect: Connector, *, take_over: bool = False, strict: bool = False) -> Preflight:
    """Run all checks of `plan` and return the table. Writes nothing, also not the lock file.

    Raises the errors of `plan` if the spec cannot be compiled; findings of checks are in the table.
    """
    bench = open_workbench(request, lambda loaded: connect(loaded).read_only(), planning=True)
    found = examine(bench, Policy(take_over=take_over), budget=request.budget)
    if not errors_of(found.findings):
        found = found.completed()
    waivers = bench.loaded.spec.waivers
    rows = tuple(_rows(found.checked, found.subject, waivers, bench.loaded.warnings))
    workspace = "Azure ML emulator" if bench.azure.local else bench.azure.workspace.label
    return Preflight(bench.stack.name, bench.stack.target, workspace, rows, strict)


def _rows(
    checked: Sequence[Checked],
    subject: Subject,
    waivers: Sequence[WaiverBlock] | None,
    loaded: Sequence[Diagnostic],
) -> Iterator[Row]:
    """Yield a row for each check that applies. loaded: warnings of the loaded spec, which belong to the first check."""
    for number, each in enumerate(checked):
        given = (*loaded, *each.findings) if number == 0 else each.findings
        findings, waived = split(given, waivers)
        if not given and not each.check.applies(subject):
            continue
        verdict = _verdict(each, findings, waived)
        yield Row(each.check.name, verdict, each.check.read_by(subject), each.check.source, findings, waived)


def _verdict(each: Checked, findings: Sequence[Diagnostic], waived: Sequence[Waived]) -> Verdict:
    if errors_of(findings):
        return Verdict.ERROR
    if any(finding.code in each.check.unknown for finding in findings):
        return Verdict.UNKNOWN
    if any(finding.severity is Severity.WARNING for finding in findings):
        return Verdict.WARNING
    return Verdict.WAIVED if waived else Verdict.OK
