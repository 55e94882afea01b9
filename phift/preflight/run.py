"""Run all checks: those of the kinds, in the order of the registry, then those of the whole plan."""

from __future__ import annotations

from phift.diagnostics import Diagnostic
from phift.kinds.base import Check
from phift.kinds.registry import KINDS
from phift.kinds.subject import Subject
from phift.preflight.quota import quota
from phift.preflight.tags import tags

__all__ = ["Subject", "check"]

_OF_THE_PLAN: tuple[Check, ...] = (tags, quota)


def check(subject: Subject) -> list[Diagnostic]:
    """Return the findings of all checks, errors and warnings."""
    checks = [*(check for kind in KINDS.values() for check in kind.checks), *_OF_THE_PLAN]
    return [finding for check in checks for finding in check(subject)]
