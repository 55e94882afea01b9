"""Checks of a plan, and what a table of all checks shows of each: its name, what it reads, and from where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from phift.diagnostics import Diagnostic
from phift.kinds.subject import Subject

__all__ = ["Check", "NamedCheck", "check", "has", "named"]

Check = Callable[[Subject], Iterator[Diagnostic]]
"""A check of a plan before anything is billed. Returns findings, errors and warnings."""


def _applies(subject: Subject) -> bool:
    return True


@dataclass(frozen=True)
class NamedCheck:
    """A check with what `phift preflight` shows of it. Called like a plain check.

    name: short, in kebab-case, unique (`quota`). reads: what it reads, as a noun phrase ("vCPU usage and limits"), or a
    function that returns it with values. source: where that comes from ("the region", "the registry", "the spec").
    unknown: codes of findings that mean "not known", because a fact is not available. applies: whether the check
    concerns a plan; otherwise the table omits it.
    """

    run: Check = field(repr=False)
    name: str
    reads: str | Callable[[Subject], str] = ""
    source: str = ""
    unknown: frozenset[str] = frozenset()
    applies: Callable[[Subject], bool] = field(default=_applies, repr=False)

    def __call__(self, subject: Subject) -> Iterator[Diagnostic]:
        return self.run(subject)

    def read_by(self, subject: Subject) -> str:
        """Return what the check reads for a plan."""
        return self.reads if isinstance(self.reads, str) else self.reads(subject)


def check(
    name: str,
    *,
    reads: str | Callable[[Subject], str],
    source: str,
    unknown: tuple[str, ...] = (),
    applies: Callable[[Subject], bool] = _applies,
) -> Callable[[Check], NamedCheck]:
    """Name a check: a decorator for a generator of findings. See NamedCheck for the arguments."""

    def decorate(run: Check) -> NamedCheck:
        return NamedCheck(run, name, reads, source, frozenset(unknown), applies)

    return decorate


def has(kind: str) -> Callable[[Subject], bool]:
    """Return whether the stack has a resource of a kind, as a function of the subject."""
    return lambda subject: bool(subject.stack.of_kind(kind))


def named(given: Check) -> NamedCheck:
    """Return a check with its name: a plain generator has the name of its function, and does not say what it reads."""
    if isinstance(given, NamedCheck):
        return given
    return NamedCheck(given, getattr(given, "__name__", "check").strip("_").replace("_", "-"))
