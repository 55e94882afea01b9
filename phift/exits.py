"""Exit codes: part of the interface, documented in README.md."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

__all__ = ["ExitCode", "worst"]


class ExitCode(IntEnum):
    """What a command ends with. The order is that of severity, mildest first: what still runs is milder than what was
    refused, and an error outranks both."""

    OK = 0
    CHANGES = 2
    """`--detailed-exitcode`: there is something to apply, or there are differences."""
    DRIFT = 3
    """Somebody changed something outside."""
    DETACHED = 8
    """Work continues in the service."""
    LEASE_HELD = 6
    """Another apply holds the stack's lease."""
    STALE_PLAN = 5
    """The plan no longer describes the world."""
    REFUSED = 4
    """A check or a policy refused it before anything was spent."""
    ROLLED_BACK = 7
    """A test failed; traffic is where it was."""
    ERROR = 1
    INTERRUPTED = 130
    """Ctrl-C, as a shell reports it."""
    BROKEN_PIPE = 141
    """Whoever read the output has gone, as a shell reports it."""

    @property
    def severity(self) -> int:
        """Higher is worse."""
        return list(ExitCode).index(self)


def worst(codes: Iterable[int]) -> int:
    """The most severe of them; 0 for none. A code that is none of phift's outranks all."""
    known = {int(code): code.severity for code in ExitCode}
    return max(codes, key=lambda code: known.get(code, len(known)), default=int(ExitCode.OK))
