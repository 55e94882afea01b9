"""Exit codes: part of the interface, documented in docs/reference/exit-codes.md."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

__all__ = ["ExitCode", "worst"]


class ExitCode(IntEnum):
    """What a command ends with. The order is that of severity, mildest first: what still runs is milder than what was
    refused, and an error outranks both."""

    OK = 0
    """Success."""
    CHANGES = 2
    """With `--detailed-exitcode`: the plan has changes, or the data differs."""
    DRIFT = 3
    """Something was changed outside phift, or a fact of Azure differs (`phift doctor`)."""
    DETACHED = 8
    """Detached: operations continue in the service."""
    LEASE_HELD = 6
    """Another apply of the stack is running and holds its lease."""
    STALE_PLAN = 5
    """The saved plan is stale: the spec, the lock file or a live object has changed."""
    REFUSED = 4
    """Rejected by a preflight check or a policy before anything was created."""
    ROLLED_BACK = 7
    """A test failed; traffic is unchanged."""
    ERROR = 1
    """An error, including a usage error."""
    INTERRUPTED = 130
    """Interrupted by Ctrl-C; nothing was changed in the workspace."""
    BROKEN_PIPE = 141
    """The reader of the output closed the pipe."""

    @property
    def severity(self) -> int:
        """Higher is worse."""
        return list(ExitCode).index(self)


def worst(codes: Iterable[int]) -> int:
    """The most severe of them; 0 for none. A code that is none of phift's outranks all."""
    known = {int(code): code.severity for code in ExitCode}
    return max(codes, key=lambda code: known.get(code, len(known)), default=int(ExitCode.OK))
