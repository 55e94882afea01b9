"""Retry transient errors, a bounded number of times and for a bounded time."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from phift.azure.attendance import Attendant
from phift.azure.errors import BAD_CERTIFICATE, NOT_SENT
from phift.clock import Clock, SystemClock
from phift.errors import AzureError, ServerError, ThrottledError, UnreachableError

__all__ = ["Retry"]

T = TypeVar("T")

_PASSING = frozenset({408, 500, 502, 503, 504})


@dataclass(frozen=True)
class Retry:
    """How often and how long to retry.

    attempts: maximum calls. total: seconds after which no further attempt starts. base, cap: the pause before the
    second attempt and the longest pause, in seconds; pauses double, with jitter down to half. A Retry-After replaces
    the pause. jitter: (low, high) -> a number between them. attendant: waits instead of the clock; a Retry-After then
    counts neither as an attempt nor towards `total`: the attendant's deadline limits it.
    """

    attempts: int = 6
    total: float = 180.0
    base: float = 0.5
    cap: float = 20.0
    clock: Clock = field(default_factory=SystemClock)
    jitter: Callable[[float, float], float] = random.uniform
    attendant: Attendant | None = None

    def call(self, attempt: Callable[[], T], *, repeatable: bool = True) -> T:
        """Return the result of `attempt`. Raises its last AzureError if that is permanent, or attempts or time run out.

        repeatable: whether the request is idempotent. If not, it is retried only if the service has certainly not
        processed it (throttled, never sent).
        """
        started = self.clock.monotonic()
        number = 1
        while True:
            try:
                return attempt()
            except AzureError as error:
                pause = self._pause(error, number)
                spent = self.clock.monotonic() - started
                asked = self.attendant is not None and (error.retry_after or 0) >= self.base
                ended = number >= self.attempts or spent + pause > self.total
                if not _may_pass(error, repeatable) or (ended and not asked):
                    raise
                refusal = error
            if self.attendant is None:
                self.clock.sleep(pause)
            else:
                self.attendant.wait(pause, refusal)
            if asked:
                started += pause
            else:
                number += 1

    def _pause(self, error: AzureError, number: int) -> float:
        if error.retry_after is not None:
            return error.retry_after
        step = min(self.cap, self.base * 2 ** (number - 1))
        return self.jitter(step / 2, step)


def _may_pass(error: AzureError, repeatable: bool) -> bool:
    if error.cause.permanent:
        return False
    if isinstance(error, ThrottledError) or (isinstance(error, UnreachableError) and error.code == NOT_SENT):
        return True
    if isinstance(error, ServerError):
        return repeatable and error.status in _PASSING
    return repeatable and isinstance(error, UnreachableError) and error.code != BAD_CERTIFICATE
