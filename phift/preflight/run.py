"""All checks, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from phift.diagnostics import Diagnostic
from phift.preflight.allow_list import allow_list
from phift.preflight.compute_state import compute_state
from phift.preflight.gpu_count import gpu_count
from phift.preflight.lifecycle import lifecycle
from phift.preflight.quota import quota
from phift.preflight.rows import rows
from phift.preflight.served_model import served_model
from phift.preflight.subject import Subject
from phift.preflight.tags import tags

__all__ = ["CHECKS", "Subject", "check"]

CHECKS: tuple[Callable[[Subject], Iterator[Diagnostic]], ...] = (
    compute_state,
    allow_list,
    gpu_count,
    lifecycle,
    served_model,
    tags,
    quota,
    rows,
)


def check(subject: Subject) -> list[Diagnostic]:
    """Every finding of every check, errors and warnings."""
    return [finding for one in CHECKS for finding in one(subject)]
