"""Liveness and readiness probes: when a container counts as started, ready and alive."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phift.emulator.runtime.serving.durations import seconds_of
from phift.emulator.runtime.serving.upstream import UpstreamError, ask

__all__ = ["DEFAULT_PROBE", "Probe", "healthy"]

DEFAULT_PROBE = {
    "failureThreshold": 30,
    "successThreshold": 1,
    "timeout": "PT2S",
    "period": "PT10S",
    "initialDelay": "PT10S",
}
"""What the service fills in (recorded 2025-02)."""

_FAST_PERIOD = 0.1
_FAST_DEADLINE = 120.0


@dataclass(frozen=True)
class Probe:
    """One probe; times in seconds."""

    initial_delay: float
    period: float
    timeout: float
    failures: int
    successes: int

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> Probe:
        """From a deployment's probe settings; raises ValueError for durations and counts that are none."""
        full = {**DEFAULT_PROBE, **{key: value for key, value in settings.items() if value is not None}}
        failures, successes = int(full["failureThreshold"]), int(full["successThreshold"])
        probe = cls(
            seconds_of(full["initialDelay"]),
            seconds_of(full["period"]),
            seconds_of(full["timeout"]),
            failures,
            successes,
        )
        if probe.period < 1 or probe.timeout < 1 or failures < 1 or successes < 1:
            raise ValueError("period and timeout are at least one second, the thresholds at least 1")
        return probe

    def at_start(self, *, fast: bool) -> Probe:
        """The probe while a container starts. At the fast pace nobody waits for the initial delay, and the first good
        answer is seen at once; how long a container may take stays as declared, up to two minutes."""
        if not fast:
            return self
        deadline = min(self.initial_delay + self.failures * self.period, _FAST_DEADLINE)
        return replace(self, initial_delay=0.0, period=_FAST_PERIOD, failures=max(1, round(deadline / _FAST_PERIOD)))

    @property
    def deadline(self) -> float:
        """Seconds until a container that never answers has failed."""
        return self.initial_delay + self.failures * self.period


async def healthy(socket: Path, timeout: float) -> bool:
    """Whether `GET /` is answered 200 within `timeout` seconds."""
    try:
        async with asyncio.timeout(timeout):
            answer = await ask(socket, "GET", "/")
    except (UpstreamError, TimeoutError):
        return False
    answer.close()
    return answer.status == 200
