"""Wait for the service, with a deadline. Exceeding it is not a failure."""

from __future__ import annotations

import threading
from collections.abc import Callable

from phift.address import Address
from phift.apply.events import Listener, ResourceProgress
from phift.clock import Clock, duration
from phift.errors import (
    AuthenticationError,
    DeadlineError,
    DetachedError,
    ServerError,
    ThrottledError,
    UnreachableError,
)
from phift.kinds.progress import Progress

__all__ = ["wait_for"]

_FIRST = 0.2
_GROWTH = 1.4
_LONGEST_LOCAL = 1.0
_LONGEST_CLOUD = 20.0
_PATIENCE_CLOUD = 300.0
"""Seconds to keep waiting without a response from the service: a long job survives short outages."""
_PATIENCE_LOCAL = 5.0
"""The emulator has no outages: it restarts within this time or not at all."""


def wait_for(
    look: Callable[[], Progress],
    *,
    address: Address,
    what: str,
    deadline: float,
    local: bool,
    clock: Clock,
    stop: threading.Event,
    listener: Listener,
) -> Progress:
    """Poll `look` until it reports completion. deadline: seconds.

    Returns the last progress. Raises its error if it failed, DeadlineError if the deadline passed, DetachedError if
    `stop` was set meanwhile.
    """
    start = clock.monotonic()
    answered = start
    pause = _FIRST
    longest = _LONGEST_LOCAL if local else _LONGEST_CLOUD
    patience = _PATIENCE_LOCAL if local else _PATIENCE_CLOUD
    while True:
        elapsed = clock.monotonic() - start
        try:
            progress = look()
        except AuthenticationError as error:
            raise DetachedError(
                f"detached from {what} (still running): {error.summary}",
                detail=error.detail,
                remedy=f"{error.remedy or 'Sign in again.'}\nThen re-run `phift apply` to resume.",
                address=str(address),
            ) from None
        except (UnreachableError, ServerError, ThrottledError) as error:
            left = max(0.0, deadline - (clock.monotonic() - start))
            if error.retry_after is not None and error.retry_after > left:
                raise _out_of_time(what, address, error.retry_after, left) from None
            if clock.monotonic() - answered > patience:
                raise
            throttled = isinstance(error, ThrottledError)
            why = "throttled by the service" if throttled else "no response from the service"
            progress = Progress("throttled" if throttled else "no answer", message=f"{why}; retrying")
        else:
            answered = clock.monotonic()
        if progress.error is not None:
            raise progress.error
        listener(ResourceProgress.of(address, progress, elapsed))
        if progress.done:
            return progress
        if stop.is_set():
            raise DetachedError(
                f"detached from {what} (still {progress.state})",
                remedy="Re-run `phift apply` to resume.",
                address=str(address),
            )
        if elapsed >= deadline:
            raise DeadlineError(
                f"{what} is still in state {progress.state} after {elapsed:.0f} s",
                detail="This is a timeout, not a failure; the operation continues.",
                remedy=f"Re-run `phift apply` to keep waiting, or wait longer: --timeout {address.kind}=SECONDS.",
                address=str(address),
            )
        stop.wait(min(pause, max(0.0, deadline - elapsed)))
        pause = min(pause * _GROWTH, longest)


def _out_of_time(what: str, address: Address, asked: float, left: float) -> DeadlineError:
    return DeadlineError(
        f"{what}: throttled; the service asks to wait {duration(asked)}, but the deadline is in {duration(left)}",
        detail="This is a timeout, not a failure; the operation continues.",
        remedy=f"Re-run `phift apply` later, or wait longer: --timeout {address.kind}=SECONDS.",
        address=str(address),
    )
