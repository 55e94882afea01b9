"""One scoring request as the metrics count it: from its arrival until its answer is ready, or has been sent."""

from __future__ import annotations

import time

from phift.emulator.services.monitor.recorder import Metrics

__all__ = ["Measured"]


class Measured:
    """A request under way. deployment: the one that was chosen, "" before that. model_status: of the container, ""
    when it did not answer. received: bytes of the body."""

    def __init__(self, metrics: Metrics, endpoint: str, received: int = 0) -> None:
        self.deployment = ""
        self.model_status = ""
        self.received = received
        self._metrics = metrics
        self._endpoint = endpoint
        self._began = time.perf_counter()

    def done(self, status: int, sent: int) -> None:
        """Count it. status: as the caller sees it. sent: bytes of the answer's body."""
        self._metrics.count(
            self._endpoint,
            self.deployment,
            status=status,
            model_status=self.model_status,
            milliseconds=(time.perf_counter() - self._began) * 1000,
            received=self.received,
            sent=sent,
        )
