"""Run all checks: those of the kinds, in the order of the registry, then those of the whole plan."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from phift.diagnostics import Diagnostic
from phift.kinds.check import Check, NamedCheck, named
from phift.kinds.registry import KINDS
from phift.kinds.subject import Subject
from phift.preflight.permissions import permissions
from phift.preflight.prices import prices
from phift.preflight.quota import quota
from phift.preflight.tags import tags
from phift.preflight.waivers import waivers

__all__ = ["Checked", "Subject", "all_checks", "check", "run"]

_OF_THE_PLAN: tuple[Check, ...] = (tags, quota, permissions, prices, waivers)


@dataclass(frozen=True)
class Checked:
    """A check that has run, with its findings."""

    check: NamedCheck
    findings: tuple[Diagnostic, ...]


def all_checks() -> Iterator[NamedCheck]:
    """Yield all checks, in the order in which they run."""
    for kind in KINDS.values():
        yield from map(named, kind.checks)
    yield from map(named, _OF_THE_PLAN)


def run(subject: Subject, skip: Collection[str] = ()) -> list[Checked]:
    """Run all checks and return each with its findings. skip: names of checks that do not run."""
    return [Checked(each, tuple(each(subject))) for each in all_checks() if each.name not in skip]


def check(subject: Subject) -> list[Diagnostic]:
    """Return the findings of all checks, errors and warnings."""
    return [finding for checked in run(subject) for finding in checked.findings]
