"""The way of a job's numbers to the tracking server: kept in order, sent in batches, sent again until they arrive.

Numbers come from the worker's event file, and how much of that file has arrived is kept with the job. Sending a point
again changes nothing, so a restart in between costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from phift.emulator.runtime.tracking.server import TrackingError, TrackingServer
from phift.emulator.runtime.training.events import Metrics

__all__ = ["MetricsSender"]

logger = logging.getLogger("phift.emulator")

RETRIES = 3
RETRY_SECONDS = 1.0
MAX_PARAMETER = 6000  # characters MLflow takes as a parameter's value


class MetricsSender:
    """Sends one job's metrics and parameters to its MLflow run and to those of its steps."""

    def __init__(self, tracking: TrackingServer) -> None:
        self._tracking = tracking
        self._queue: asyncio.Queue[tuple[str, Mapping[str, Any]] | None] = asyncio.Queue()
        self.problem = ""

    def make_run(
        self,
        run_id: str,
        *,
        experiment: str,
        name: str,
        parent: str,
        root: str,
        parameters: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """The MLflow run of the same id, running, with its parameters.

        parent, root: run ids, which become tags; parent is "" for none.
        """
        values = {key: str(value)[:MAX_PARAMETER] for key, value in parameters.items()}
        tags = {"mlflow.rootRunId": root, **({"mlflow.parentRunId": parent} if parent else {})}
        self._put("make", run_id=run_id, experiment=experiment, name=name, tags=tags, parameters=values)

    def log(self, run_ids: list[str], metrics: Metrics) -> None:
        for run_id in run_ids:
            points = [
                {"key": key, "value": value, "step": metrics.step, "timestamp": int(metrics.at * 1000)}
                for key, value in metrics.values.items()
            ]
            self._put("log", run_id=run_id, points=points)

    def close(self) -> None:
        """Nothing more will come; `run` returns when all is sent."""
        self._queue.put_nowait(None)

    async def run(self) -> None:
        """Send what comes until `close`. What cannot be sent is reported in `problem` and in the emulator's log."""
        while (item := await self._queue.get()) is not None:
            batch = [item]
            while not self._queue.empty() and batch[-1] is not None:
                batch.append(self._queue.get_nowait())  # type: ignore[arg-type]
            for kind, call in _merged(batch):
                await self._send(kind, call)
            if batch[-1] is None:
                return

    async def _send(self, kind: str, call: Mapping[str, Any]) -> None:
        for attempt in range(1, RETRIES + 1):
            try:
                if kind == "make":
                    await self._tracking.make_run(
                        call["run_id"], call["experiment"], call["name"], time.time(), call["tags"]
                    )
                    await self._tracking.start_run(call["run_id"])
                    if call["parameters"]:
                        await self._tracking.log(call["run_id"], [], call["parameters"])
                else:
                    await self._tracking.log(call["run_id"], call["points"])
                return
            except TrackingError as error:
                logger.warning("metrics of run %s, attempt %d: %s", call["run_id"], attempt, error)
                if attempt == RETRIES:
                    self.problem = str(error)
                else:
                    await asyncio.sleep(RETRY_SECONDS * attempt)

    def _put(self, kind: str, **call: Any) -> None:
        self._queue.put_nowait((kind, call))


def _merged(batch: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    """The calls in order, with the points of one run that follow each other in one call."""
    calls: list[tuple[str, dict[str, Any]]] = []
    logs: dict[str, list[Any]] = {}
    for kind, call in (item for item in batch if item is not None):
        if kind == "log" and call["run_id"] in logs:
            logs[call["run_id"]].extend(call["points"])
            continue
        kept = {**call, "points": [*call["points"]]} if kind == "log" else dict(call)
        if kind == "log":
            logs[call["run_id"]] = kept["points"]
        else:
            logs.pop(call["run_id"], None)
        calls.append((kind, kept))
    return calls
