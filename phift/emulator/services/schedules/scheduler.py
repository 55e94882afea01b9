"""The loop that creates the jobs of schedules when they are due."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from phift.emulator.core.errors import ServiceError
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.jobs.record import find_run
from phift.emulator.services.jobs.submit import submit_job
from phift.emulator.services.schedules.documents import job_body, job_name
from phift.emulator.services.schedules.state import Schedule, all_schedules

__all__ = ["API_VERSION", "Scheduler"]

API_VERSION = "2024-01-01-preview"
"""By which jobs of schedules are submitted."""

_LONGEST_SLEEP = 3600.0
_LEAST_SLEEP = 0.01

logger = logging.getLogger("phift.emulator")


class Scheduler:
    """Creates jobs when schedules are due by the service's clock.

    What is due is in the store: the job and the next time are written together, so that every time creates one job,
    also when the emulator is killed. Times that pass while it is stopped create none. Of several times that the clock
    has jumped over, the first creates a job.
    """

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._wake = asyncio.Event()

    async def start(self) -> None:
        """Plan what passed while the emulator was stopped, and start to wait."""
        self.replan()
        self._emulator.clock.observers.append(self._clock_set)
        self._emulator.spawn(self._serve(), name="schedules")

    async def stop(self) -> None:
        """Stop to follow the clock."""
        observers = self._emulator.clock.observers
        if self._clock_set in observers:
            observers.remove(self._clock_set)

    def wake(self) -> None:
        """A schedule has changed."""
        self._wake.set()

    def replan(self) -> None:
        """Count all schedules from now: the emulator was stopped, or its clock was set back."""
        now = self._emulator.clock.now()
        for schedule in list(all_schedules(self._emulator.store)):
            before = schedule.due
            schedule.plan(now)
            if schedule.due != before:
                schedule.save(self._emulator.store)
        self._wake.set()

    def _clock_set(self, before: float) -> None:
        if self._emulator.clock.time() < before:
            self.replan()
        self._wake.set()

    def fire(self, schedule: Schedule, moment: datetime) -> str:
        """Create the job of a moment; its name. Raises ServiceError for a definition that is refused."""
        store, number = self._emulator.store, 0
        while find_run(store, name := job_name(schedule, moment, number)) is not None:
            number += 1
        return submit_job(self._emulator, name, job_body(schedule, moment), API_VERSION).name

    async def _serve(self) -> None:
        while True:
            self._wake.clear()
            try:
                async with asyncio.timeout(self._run_due()):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _run_due(self) -> float:
        """Create the jobs that are due; return the seconds of the machine until the next one is."""
        clock, store = self._emulator.clock, self._emulator.store
        now = clock.now()
        waits = [_LONGEST_SLEEP]
        for schedule in list(all_schedules(store)):
            if schedule.due is None:
                continue
            if schedule.due <= now.timestamp():
                self._run(schedule, now)
            if schedule.due is not None:
                waits.append((schedule.due - now.timestamp()) / clock.speed)
        return max(_LEAST_SLEEP, min(waits))

    def _run(self, schedule: Schedule, now: datetime) -> None:
        store, due = self._emulator.store, schedule.due or 0.0
        schedule.plan(now)
        try:
            with store.transaction():
                self.fire(schedule, datetime.fromtimestamp(due, UTC))
                schedule.save(store)
        except ServiceError as error:
            logger.warning("schedule %s created no job: %s", schedule.name, error)
            schedule.save(store)
