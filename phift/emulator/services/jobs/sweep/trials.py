"""The trials of a sweep: commands with hyperparameters of their own, a few at a time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from phift.emulator.core.assumed import holds
from phift.emulator.core.clock import Clock
from phift.emulator.runtime.tracking.server import TrackingError
from phift.emulator.services.jobs.capacity import Hold
from phift.emulator.services.jobs.noderun import JobFailure, JobTimeout, NodeRun
from phift.emulator.services.jobs.record import Run, Status, find_run
from phift.emulator.services.jobs.runner import LOOK_SECONDS, JobRunner
from phift.emulator.services.jobs.sweep.policies import stopped
from phift.emulator.services.jobs.sweep.settings import SweepSettings
from phift.emulator.services.jobs.sweep.space import Value
from phift.emulator.services.jobs.works import Command

__all__ = ["Trials"]

_HOPELESS = 3
"""Trials that fail before any has completed, after which the sweep fails (assumed: sweep_fails_with_first_three)."""
_POLICY = "The trial was terminated by the early termination policy."


class Trials:
    """Runs the trials of a sweep.

    host: the job that the sweep is, or is in. parent: the run of the sweep. command: of all trials. tell: is given the
    properties that the service adds to the sweep. earlier: the nodes that the command reads from, by path.
    """

    def __init__(
        self,
        host: JobRunner,
        parent: Run,
        command: Command,
        settings: SweepSettings,
        tell: Callable[[dict[str, str]], None],
        earlier: Mapping[str, NodeRun[Any]] = MappingProxyType({}),
    ) -> None:
        self._host = host
        self._parent = parent
        self._command = command
        self._settings = settings
        self._tell = tell
        self._earlier = earlier
        self._histories: dict[str, list[float]] = {}
        self._trials: dict[str, Run] = {}
        self._stopped: dict[str, str] = {}

    async def run(self) -> str:
        """Run the trials to their end; returns the best one, "" where none has logged the metric.

        Raises JobFailure if the sweep has failed or is canceled, JobTimeout if it took too long.
        """
        settings, waiting = self._settings, self._planned()
        deadline = time.monotonic() + self._seconds_left() if settings.timeout else None
        self._tell({"primary_metric_config": json.dumps({"name": settings.metric, "goal": self._goal})})
        running: set[asyncio.Task[None]] = set()
        following = next(waiting, None)
        while following or running:
            if self._stopping or self._late(deadline) or self._hopeless():
                following = None
                self._stop([node.record.run_id for node in self._nodes], "The sweep has ended.")
            elif following and following.run_id in self._host.canceled_below:
                following.enter(Status.CANCELED, self._host.store)
                following = next(waiting, None)
                continue
            elif following and len(running) < settings.at_once and (work := self._room(following)):
                record, hold = following, self._host.capacity.take(work)
                trial = self._run_trial(work, record, hold)
                running.add(self._host.context.spawn(trial, name=f"trial {record.run_id}"))
                following = next(waiting, None)
                continue
            if running:
                done, running = await asyncio.wait(running, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                await self._apply_policy()
            elif following:
                await asyncio.sleep(LOOK_SECONDS)
        if self._stopping:
            raise JobFailure("canceled")
        await self._conclude(late=self._late(deadline))
        return self._best()[0]

    @property
    def _stopping(self) -> bool:
        return self._host.stopping or self._parent.run_id in self._host.canceled_below

    @property
    def _nodes(self) -> list[NodeRun[Any]]:
        """The trials that run."""
        return [node for node in self._host.nodes if node.record.run_id in self._trials]

    @property
    def _goal(self) -> str:
        return "maximize" if self._settings.maximize else "minimize"

    def _late(self, deadline: float | None) -> bool:
        return deadline is not None and time.monotonic() > deadline

    def _seconds_left(self) -> float:
        """Until the timeout. Commands take their time however fast the service's clock goes, and so does the sweep."""
        clock = Clock(self._host.store)
        return self._settings.timeout - max(clock.time() - self._parent.started, 0.0) / clock.speed

    def _hopeless(self) -> bool:
        ended = [run for run in self._trials.values() if run.status.ended]
        failed = sum(run.status is Status.FAILED for run in ended)
        completed = any(run.status is Status.COMPLETED for run in ended)
        return failed >= _HOPELESS and not completed and holds(self._host.store, "sweep_fails_with_first_three")

    def _planned(self) -> Iterator[Run]:
        """The trials that have not ended in an earlier attempt, created on demand."""
        for number, values in enumerate(self._settings.values(self._parent.run_id)):
            record = self._trial(number, values)
            self._trials[record.run_id] = record
            if not record.status.ended:
                yield record

    def _trial(self, number: int, values: dict[str, Value]) -> Run:
        """The run of a trial. Raises JobFailure where something else has its name."""
        parent, store = self._parent, self._host.store
        name = f"{parent.run_id}_{number}"
        if found := find_run(store, name):
            if found.parent != parent.run_id:
                raise JobFailure(f"A run with the id {name} already exists in the workspace.")
            return found
        record = Run(name, parent.root, parent.run_id, "trial", name, "", number + 1, hyperparameters=dict(values))
        record.compute = self._command.compute
        record.save(store)
        job = self._host.reload()
        job.runs.append(name)
        job.save(store)
        return record

    def _room(self, record: Run) -> Command | None:
        """The command of a trial, if it can start now."""
        if why := self._host.capacity.lacks(self._command, self._parent.root):
            if record.status is not Status.QUEUED:
                record.enter(Status.QUEUED, self._host.store)
                self._host.log.say(f"Trial {record.run_id} waits: {why}.")
            return None
        return replace(self._command, display_name=record.run_id)

    async def _run_trial(self, work: Command, record: Run, hold: Hold) -> None:
        """Run a trial to its end, however it ends."""
        record.enter(Status.RUNNING, self._host.store)
        self._host.log.say(f"Trial {record.run_id} starts with {json.dumps(record.hyperparameters)}.")
        status = Status.COMPLETED
        try:
            await self._host.run_node(work, record, record.run_id, self._earlier)
        except JobFailure as failure:
            if self._stopping:
                return
            status, record.error, record.error_code = self._host.outcome_of(failure)
            if record.run_id in self._stopped:
                status, record.error, record.error_code = Status.CANCELED, self._stopped[record.run_id], ""
        finally:
            hold.release()
        await self._read_metric(record.run_id)
        record.enter(status, self._host.store)
        score = self._score(record.run_id)
        shown = "no value" if score is None else f"{score:g}"
        self._host.log.say(f"Trial {record.run_id} is {status}; {self._settings.metric}: {shown}.")
        self._tell_best()

    async def _read_metric(self, trial: str) -> None:
        try:
            self._histories[trial] = await self._host.platform.tracking.metric(trial, self._settings.metric)
        except TrackingError as error:
            self._host.log.say(f"The metrics of trial {trial} cannot be read: {error}")

    async def _apply_policy(self) -> None:
        policy = self._settings.policy
        running = [node.record.run_id for node in self._nodes if node.record.run_id not in self._stopped]
        if policy is None or not running:
            return
        counts = {trial: len(self._histories.get(trial, ())) for trial in running}
        for trial in running:
            await self._read_metric(trial)
        news = [trial for trial in running if len(self._histories.get(trial, ())) > counts[trial]]
        self._stop(stopped(policy, self._histories, news, maximize=self._settings.maximize), _POLICY)

    def _stop(self, trials: Iterable[str], why: str) -> None:
        """End running trials as Canceled."""
        self._stopped = {**dict.fromkeys(trials, why), **self._stopped}
        for node in self._nodes:
            if node.record.run_id in self._stopped:
                node.kill()

    def _score(self, trial: str) -> float | None:
        """The best value that a trial has logged (assumed: best_trial_by_best_value)."""
        values = self._histories.get(trial)
        if not values:
            return None
        if not holds(self._host.store, "best_trial_by_best_value"):
            return values[-1]
        return max(values) if self._settings.maximize else min(values)

    def _best(self) -> tuple[str, float]:
        """The best of the completed trials so far and its score; "" for none."""
        completed = [name for name, run in self._trials.items() if run.status is Status.COMPLETED]
        scores = {name: score for name in completed if (score := self._score(name)) is not None}
        if not scores:
            return "", 0.0
        best = (max if self._settings.maximize else min)(scores, key=lambda name: scores[name])
        return best, scores[best]

    def _tell_best(self) -> None:
        """The best of the completed trials so far is made known."""
        best, score = self._best()
        if not best:
            return
        self._tell(
            {
                "score": str(score),
                "best_child_run_id": best,
                "best_metric_status": "Succeeded",
                "best_data_container_id": f"dcid.{best}",
            }
        )

    async def _conclude(self, *, late: bool) -> None:
        """Raises JobFailure if the sweep has failed, JobTimeout if it took too long."""
        for trial, run in self._trials.items():
            if run.status is Status.COMPLETED and trial not in self._histories:  # of an earlier attempt
                await self._read_metric(trial)
        self._tell_best()
        if late:
            raise JobTimeout(f"The sweep exceeded its timeout of {self._settings.timeout:g} seconds and was canceled.")
        failed = [name for name, run in self._trials.items() if run.status is Status.FAILED]
        if failed and not any(run.status is Status.COMPLETED for run in self._trials.values()):
            first = self._trials[failed[0]]
            raise JobFailure(
                f"{len(failed)} trials failed, and none has completed. Trial {first.run_id}: {first.error}", "UserError"
            )
