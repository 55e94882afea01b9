"""A sweep job: its trials, each a command with hyperparameters of its own, a few at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from phift.emulator.core.assumed import holds
from phift.emulator.core.clock import Clock
from phift.emulator.runtime.tracking.server import TrackingError
from phift.emulator.services.jobs.capacity import Hold
from phift.emulator.services.jobs.noderun import JobFailure, JobTimeout
from phift.emulator.services.jobs.record import Run, Status, find_run
from phift.emulator.services.jobs.runner import LOOK_SECONDS, JobRunner
from phift.emulator.services.jobs.sweep.policies import stopped
from phift.emulator.services.jobs.sweep.settings import SweepSettings, read_sweep
from phift.emulator.services.jobs.sweep.space import Value
from phift.emulator.services.jobs.works import Command

__all__ = ["SweepRunner"]

_HOPELESS = 3
"""Trials that fail before any has completed, after which the sweep fails (assumed: sweep_fails_with_first_three)."""
_POLICY = "The trial was terminated by the early termination policy."


class SweepRunner(JobRunner):
    """Runs a sweep job."""

    def _begin_tracking(self) -> None:
        self._metrics.make_run(
            self._job.name,
            experiment=self._job.experiment,
            name=self._job.display_name,
            parent="",
            root=self._job.name,
        )

    def _cut_off(self, run: Run) -> None:
        """A trial that was cut off is run again under its own name, with its own hyperparameters."""
        if run.status is Status.CANCEL_REQUESTED:
            super()._cut_off(run)
            return
        run.started = 0.0
        run.enter(Status.QUEUED, self._store)

    async def _work(self) -> None:
        settings, _ = read_sweep(self._job.submitted)
        self._settings, self._histories = settings, dict[str, list[float]]()
        self._trials, self._stopped = dict[str, Run](), dict[str, str]()
        deadline = self._run.started + settings.timeout if settings.timeout else None
        self._save_results({"primary_metric_config": json.dumps({"name": settings.metric, "goal": self._goal})})
        waiting = self._planned(settings)
        running: set[asyncio.Task[None]] = set()
        following = next(waiting, None)
        while following or running:
            if self._stopping or self._late(deadline) or self._hopeless():
                following = None
                self._stop([node.record.run_id for node in self._nodes], "The sweep has ended.")
            elif following and following.run_id in self._canceled_below:
                following.enter(Status.CANCELED, self._store)
                following = next(waiting, None)
                continue
            elif following and len(running) < settings.at_once and (work := self._room(following)):
                record, hold = following, self._capacity.take(work)
                running.add(self._context.spawn(self._run_trial(work, record, hold), name=f"trial {record.run_id}"))
                following = next(waiting, None)
                continue
            if running:
                done, running = await asyncio.wait(running, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                await self._apply_policy()
            elif following:
                await asyncio.sleep(LOOK_SECONDS)
        self._go_on()
        await self._conclude(late=self._late(deadline))

    @property
    def _goal(self) -> str:
        return "maximize" if self._settings.maximize else "minimize"

    def _late(self, deadline: float | None) -> bool:
        return deadline is not None and Clock(self._store).time() > deadline

    def _hopeless(self) -> bool:
        ended = [run for run in self._trials.values() if run.status.ended]
        failed = sum(run.status is Status.FAILED for run in ended)
        completed = any(run.status is Status.COMPLETED for run in ended)
        return failed >= _HOPELESS and not completed and holds(self._store, "sweep_fails_with_first_three")

    def _planned(self, settings: SweepSettings) -> Iterator[Run]:
        """The trials that have not ended in an earlier attempt, created on demand."""
        for number, values in enumerate(settings.values(self._job.name)):
            record = self._trial(number, values)
            self._trials[record.run_id] = record
            if not record.status.ended:
                yield record

    def _trial(self, number: int, values: dict[str, Value]) -> Run:
        """The run of a trial. Raises JobFailure where something else has its name."""
        name = f"{self._job.name}_{number}"
        if found := find_run(self._store, name):
            if found.root != self._job.name:
                raise JobFailure(f"A run with the id {name} already exists in the workspace.")
            return found
        [work] = self._works
        record = Run(name, self._job.name, self._job.name, "trial", name, "", number + 1, hyperparameters=dict(values))
        record.compute = work.compute
        record.save(self._store)
        job = self._reload()
        job.runs.append(name)
        job.save(self._store)
        return record

    def _room(self, record: Run) -> Command | None:
        """The command of a trial, if it can start now."""
        [work] = self._works
        if not isinstance(work, Command):
            raise JobFailure("a sweep runs commands only", "SystemError")
        if why := self._capacity.lacks(work, self._job.name):
            if record.status is not Status.QUEUED:
                record.enter(Status.QUEUED, self._store)
                self._log.say(f"Trial {record.run_id} waits: {why}.")
            return None
        return replace(work, display_name=record.run_id)

    async def _run_trial(self, work: Command, record: Run, hold: Hold) -> None:
        """Run a trial to its end, however it ends."""
        record.enter(Status.RUNNING, self._store)
        self._log.say(f"Trial {record.run_id} starts with {json.dumps(record.hyperparameters)}.")
        status = Status.COMPLETED
        try:
            await self._run_node(work, record, record.run_id, {})
        except JobFailure as failure:
            if self._stopping:
                return
            status, record.error, record.error_code = self.outcome_of(failure)
            if record.run_id in self._stopped:
                status, record.error, record.error_code = Status.CANCELED, self._stopped[record.run_id], ""
        finally:
            hold.release()
        await self._read_metric(record.run_id)
        record.enter(status, self._store)
        score = self._score(record.run_id)
        shown = "no value" if score is None else f"{score:g}"
        self._log.say(f"Trial {record.run_id} is {status}; {self._settings.metric}: {shown}.")
        self._tell_best()

    async def _read_metric(self, trial: str) -> None:
        try:
            self._histories[trial] = await self._platform.tracking.metric(trial, self._settings.metric)
        except TrackingError as error:
            self._log.say(f"The metrics of trial {trial} cannot be read: {error}")

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
        if not holds(self._store, "best_trial_by_best_value"):
            return values[-1]
        return max(values) if self._settings.maximize else min(values)

    def _tell_best(self) -> None:
        """The best of the completed trials so far becomes a property of the sweep."""
        completed = [name for name, run in self._trials.items() if run.status is Status.COMPLETED]
        scores = {name: score for name in completed if (score := self._score(name)) is not None}
        if not scores:
            return
        best = (max if self._settings.maximize else min)(scores, key=lambda name: scores[name])
        self._save_results(
            {
                "score": str(scores[best]),
                "best_child_run_id": best,
                "best_metric_status": "Succeeded",
                "best_data_container_id": f"dcid.{best}",
            }
        )

    def _save_results(self, results: dict[str, str]) -> None:
        job = self._reload()
        job.results |= results
        job.save(self._store)

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
