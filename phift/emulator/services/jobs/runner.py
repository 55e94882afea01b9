"""One job from its start to its end: what pipelines, commands and sweeps have in common."""

from __future__ import annotations

import asyncio
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from phift.emulator.core.assumed import holds
from phift.emulator.runtime.tracking.metrics import MetricsSender
from phift.emulator.runtime.tracking.server import TrackingError
from phift.emulator.services.jobs.capacity import Capacity, Hold
from phift.emulator.services.jobs.commandnode import CommandNode
from phift.emulator.services.jobs.logs import RunLog, job_log
from phift.emulator.services.jobs.noderun import Assignment, JobFailure, JobTimeout, NodeCanceled, NodeRun, Platform, W
from phift.emulator.services.jobs.record import Job, Run, Status, find_job, find_run
from phift.emulator.services.jobs.runs import canceled_with
from phift.emulator.services.jobs.trainednode import TrainedNode
from phift.emulator.services.jobs.works import Command, Training, work_of

__all__ = ["LOOK_SECONDS", "JobRunner", "Outcome"]

METRICS_SECONDS = 30.0
LOOK_SECONDS = 0.25
"""How often what waits looks whether there is room for it: clusters change without telling."""
_MLFLOW_WORDS = {Status.COMPLETED: "FINISHED", Status.FAILED: "FAILED", Status.CANCELED: "KILLED"}

Outcome = tuple[Status, str, str]
"""How something ended: its status, its error and the error's code."""


class JobRunner(ABC):
    """Runs one job. It may be cancelled at any time; the job then is as the last event left it."""

    def __init__(self, platform: Platform, capacity: Capacity, job: Job) -> None:
        self.platform = platform
        self.context = platform.context
        self.store = platform.context.store
        self.capacity = capacity
        self._job = job
        self._run = job.run(self.store)
        self._works = [work_of(work) for work in job.works]
        self._folder = self.context.folder("jobs", job.name)
        self.log: RunLog = job_log(platform.blobs, job)
        self._metrics = MetricsSender(platform.tracking)
        self.nodes: set[NodeRun[Any]] = set()
        self._holds: list[Hold] = []
        self._canceled = False
        self.canceled_below = set[str]()
        self._abandoned = False

    def cancel(self) -> None:
        """End the job as Canceled: its processes are killed now."""
        self._canceled = True
        for node in self.nodes:
            node.kill()

    def cancel_below(self, run_id: str) -> None:
        """End a node or trial as Canceled, and let the others run."""
        self.canceled_below.add(run_id)
        for node in self.nodes:
            if node.record.run_id == run_id:
                node.kill()

    def abandon(self) -> None:
        """Kill the processes and record nothing more: the emulator is stopping, and the job will be restarted."""
        self._abandoned = True
        for node in self.nodes:
            node.kill()

    async def run(self) -> None:
        """Run the job to its end and write down how it ended."""
        sender = self.context.spawn(self._metrics.run(), name=f"metrics of {self._job.name}")
        try:
            self._go_on()
            self._begin()
            if not self._works:
                raise JobFailure(self._job.refusal)
            await self._work()
            outcome: Outcome = (Status.COMPLETED, "", "")
        except JobFailure as failure:
            outcome = self.outcome_of(failure)
        except OSError as error:
            where = error.filename or "job folder"
            outcome = (Status.FAILED, f"{error.strerror or error}: {where}", "SystemError")
        finally:
            self._metrics.close()
        if self._abandoned:
            return
        await self._finish(sender, *((Status.CANCELED, "", "") if self._canceled else outcome))

    def reserve(self) -> None:
        """Hold what the whole job needs, before `run`; the queue has found that there is room."""
        self._holds = self._needed()

    def release(self) -> None:
        """Leave what `reserve` holds, after `run`."""
        for hold in self._holds:
            hold.release()

    def _needed(self) -> list[Hold]:
        """What the job holds as long as it runs; its nodes may hold more, one by one."""
        return []

    @abstractmethod
    async def _work(self) -> None:
        """Do all that the job is to do. Raises JobFailure when it fails."""

    @abstractmethod
    def _begin_tracking(self) -> None:
        """Make the MLflow run of the job."""

    def outcome_of(self, failure: JobFailure) -> Outcome:
        """How what raised the failure has ended (assumed: timed_out_is_canceled, canceled_node_cancels_job)."""
        if isinstance(failure, NodeCanceled):
            return Status.CANCELED, "", ""
        if isinstance(failure, JobTimeout) and holds(self.store, "timed_out_is_canceled"):
            return Status.CANCELED, str(failure), failure.code
        return Status.FAILED, str(failure), failure.code

    @property
    def stopping(self) -> bool:
        return self._canceled or self._abandoned

    def _go_on(self) -> None:
        """Raises JobFailure when nothing more is to start."""
        if self.stopping:
            raise JobFailure("canceled")

    def _begin(self) -> None:
        job = self.reload()
        job.attempts += 1
        job.save(self.store)
        if job.attempts > 1:
            self.log.say(f"The job is started again, attempt {job.attempts}.")
        for run_id in job.runs:  # what an interrupted attempt had started
            if (old := find_run(self.store, run_id)) and old.status is Status.CANCEL_REQUESTED:
                old.enter(Status.CANCELED, self.store)
            elif old and old.started and not old.status.ended:
                self._cut_off(old)
        self._run.enter(Status.RUNNING, self.store)
        self._begin_tracking()

    def _cut_off(self, run: Run) -> None:
        """A run below the job was cut off by the emulator's end."""
        run.error, run.error_code = "the emulator stopped while the step ran", "SystemError"
        run.enter(Status.CANCELED, self.store)

    def _run_again(self, run: Run) -> None:
        """A run below the job that was cut off is run again under its own name."""
        run.started = 0.0
        run.enter(Status.QUEUED, self.store)

    async def run_node(
        self, work: Training | Command, record: Run, folder: str, earlier: Mapping[str, NodeRun[Any]]
    ) -> NodeRun[Any]:
        """Run a work to its end. Raises JobFailure when it fails."""
        node = self._make_node(work, record, folder, earlier)
        self.nodes.add(node)
        try:
            await node.run()
        except JobFailure as failure:
            if record.run_id in self.canceled_below:
                for below in canceled_with(self.store, self.reload(), record):
                    below.enter(Status.CANCELED, self.store)
                raise NodeCanceled(f"{work.node or record.run_id} was canceled") from failure
            raise
        finally:
            self.nodes.discard(node)
        return node

    def _make_node(
        self, work: Training | Command, record: Run, folder: str, earlier: Mapping[str, NodeRun[Any]]
    ) -> NodeRun[Any]:
        if isinstance(work, Training):
            return TrainedNode(self._assignment(work, record, folder, earlier))
        return CommandNode(self._assignment(work, record, folder, earlier))

    def _assignment(self, work: W, record: Run, folder: str, earlier: Mapping[str, NodeRun[Any]]) -> Assignment[W]:
        return Assignment(
            self.platform, self._job, work, record, self._folder / folder, self.log, self._metrics, earlier
        )

    async def _finish(self, sender: asyncio.Task[None], status: Status, message: str, code: str) -> None:
        for run_id in self.reload().runs:
            if (run := find_run(self.store, run_id)) and not run.status.ended:
                self._end_below(run, status, message, code)
        # whoever sees that the job has ended finds all its metrics; but no trouble with metrics keeps a job from ending
        await asyncio.wait({sender}, timeout=METRICS_SECONDS)
        if self._metrics.problem:
            self.log.say(f"Metrics may be missing: {self._metrics.problem}")
        if self._canceled:  # meanwhile (assumed: accepted_cancel_counts)
            status, message, code = Status.CANCELED, "", ""
        await self._end_tracking(status)
        self._run.error, self._run.error_code = message, code
        self.log.say(f"The {self._word} run is {status}." + (f" {message}" if message else ""))
        self._run.enter(status, self.store)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _word(self) -> str:
        return self._job.job_type.lower()

    def _end_below(self, run: Run, status: Status, message: str, code: str) -> None:
        """A run below the job has not ended when the job does. What never started stays NotStarted under a job that
        failed (assumed: skipped_nodes_stay_not_started)."""
        if status is Status.FAILED and not run.started:
            if holds(self.store, "skipped_nodes_stay_not_started"):
                run.enter(Status.NOT_STARTED, self.store)
                return
            status, message, code = Status.CANCELED, "", ""
        run.error, run.error_code = message, code
        run.enter(status, self.store)

    async def _end_tracking(self, status: Status) -> None:
        """End the MLflow runs of the job and of what is below it, each as it ended here."""
        below = [run for run_id in self._job.runs if (run := find_run(self.store, run_id)) and run.started]
        words = {run.run_id: _MLFLOW_WORDS.get(run.status, "KILLED") for run in below}
        try:
            async with asyncio.timeout(METRICS_SECONDS):
                for run_id, word in {**words, self._job.name: _MLFLOW_WORDS[status]}.items():
                    await self._end_tracked(run_id, word)
        except TimeoutError:
            self.log.say(f"The MLflow runs may not be marked as ended: no answer in {METRICS_SECONDS:g} s")

    async def _end_tracked(self, run_id: str, word: str) -> None:
        try:
            await self.platform.tracking.end_run(run_id, word, time.time())
        except TrackingError as error:
            # a run below may be unknown to MLflow, if the emulator was killed before it had reported it
            if run_id == self._job.name:
                self.log.say(f"The MLflow run may not be marked as ended: {error}")

    def reload(self) -> Job:
        """The job as it is now: its metadata may be changed while it runs."""
        self._job = find_job(self.store, self._job.name) or self._job
        return self._job
