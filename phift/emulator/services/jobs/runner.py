"""One job from its first node to its last."""

from __future__ import annotations

import asyncio
import shutil
import time

from phift.emulator.core.context import Context
from phift.emulator.runtime.tracking.metrics import MetricsSender
from phift.emulator.runtime.tracking.server import TrackingError, TrackingServer
from phift.emulator.services.blob.account import BlobAccount
from phift.emulator.services.jobs.logs import EXECUTION_LOG, RunLog
from phift.emulator.services.jobs.noderun import JobFailure, NodeRun
from phift.emulator.services.jobs.nodes import Work
from phift.emulator.services.jobs.record import Job, Status, find_job, find_run

__all__ = ["JobRunner"]

METRICS_SECONDS = 30.0
_MLFLOW_WORDS = {Status.COMPLETED: "FINISHED", Status.FAILED: "FAILED", Status.CANCELED: "KILLED"}


class JobRunner:
    """Runs one job. It may be cancelled at any time; the job then is as the last event left it."""

    def __init__(self, context: Context, blobs: BlobAccount, job: Job, tracking: TrackingServer) -> None:
        self._context = context
        self._blobs = blobs
        self._store = context.store
        self._job = job
        self._run = job.run(context.store)
        self._folder = context.folder("jobs", job.name)
        self._log = RunLog(blobs, job.name, EXECUTION_LOG)
        self._tracking = tracking
        self._metrics = MetricsSender(tracking)
        self._node: NodeRun | None = None
        self._canceled = False
        self._abandoned = False

    def cancel(self) -> None:
        """End the job as Canceled: its processes are killed now."""
        self._canceled = True
        if self._node:
            self._node.kill()

    def abandon(self) -> None:
        """Kill the worker and record nothing more: the emulator is stopping, and the job will be restarted."""
        self._abandoned = True
        if self._node:
            self._node.kill()

    async def run(self) -> None:
        """Run the job to its end and write down how it ended."""
        sender = self._context.spawn(self._metrics.run(), name=f"metrics of {self._job.name}")
        try:
            self._go_on()
            self._begin()
            if not self._job.works:
                raise JobFailure(self._job.refusal)
            await self._run_nodes([Work(**work) for work in self._job.works])
            outcome: tuple[Status, str, str] = (Status.COMPLETED, "", "")
        except JobFailure as failure:
            outcome = (Status.FAILED, str(failure), failure.code)
        except OSError as error:
            where = error.filename or "job folder"
            outcome = (Status.FAILED, f"{error.strerror or error}: {where}", "SystemError")
        finally:
            self._metrics.close()
        if self._abandoned:
            return
        await self._finish(sender, *((Status.CANCELED, "", "") if self._canceled else outcome))

    def _go_on(self) -> None:
        """Raises JobFailure when nothing more is to start."""
        if self._canceled or self._abandoned:
            raise JobFailure("canceled")

    def _begin(self) -> None:
        job = self._reload()
        job.attempts += 1
        job.save(self._store)
        if job.attempts > 1:
            self._log.say(f"The job is started again from its beginning, attempt {job.attempts}.")
        for run_id in job.runs:  # steps of an attempt that was cut off
            if (old := find_run(self._store, run_id)) and not old.status.ended:
                old.error, old.error_code = "the emulator stopped while the step ran", "SystemError"
                old.enter(Status.CANCELED, self._store)
        self._run.enter(Status.RUNNING, self._store)
        parameters = {"attempt": job.attempts} if job.works else {}
        for work in job.works:
            prefix = f"{work['node']}." if len(job.works) > 1 else ""
            parameters |= {f"{prefix}{name}": value for name, value in work["parameters"].items()}
        self._metrics.make_run(
            job.name,
            experiment=job.experiment,
            name=job.display_name,
            parent="",
            root=job.name,
            parameters=parameters,
        )

    async def _run_nodes(self, works: list[Work]) -> None:
        """One node after the other. After a failure those that read nothing from the failed one go on, unless the
        pipeline's settings say otherwise. Raises JobFailure with the first failure, once nothing is left to run."""
        completed: dict[str, NodeRun] = {}
        failures: list[JobFailure] = []
        goes_on = bool(self._job.settings.get("continue_on_step_failure", True))
        for index, work in enumerate(works):
            self._go_on()
            missing = [name for name in work.after if name not in completed]
            if missing or (failures and not goes_on):
                why = f"{', '.join(missing)} has not completed" if missing else "continue_on_step_failure is false"
                self._log.say(f"Node {work.node} is not run: {why}.")
                continue
            folder = self._folder / f"node{index}"
            self._node = NodeRun(
                self._context,
                self._blobs,
                self._job,
                work,
                folder,
                log=self._log,
                metrics=self._metrics,
                earlier=completed,
            )
            try:
                await self._node.run()
            except JobFailure as failure:
                if self._canceled or self._abandoned:
                    raise
                self._node.failed(failure)
                failures.append(failure)
            else:
                completed[work.node] = self._node
            self._go_on()
        if failures:
            raise failures[0]

    async def _finish(self, sender: asyncio.Task[None], status: Status, message: str, code: str) -> None:
        for run_id in self._reload().runs:
            if (run := find_run(self._store, run_id)) and not run.status.ended:
                run.error, run.error_code = message, code
                run.enter(status, self._store)
        # whoever sees that the job has ended finds all its metrics; but no trouble with metrics keeps a job from ending
        await asyncio.wait({sender}, timeout=METRICS_SECONDS)
        if self._metrics.problem:
            self._log.say(f"Metrics may be missing: {self._metrics.problem}")
        if self._canceled:  # meanwhile (assumed: accepted_cancel_counts)
            status, message, code = Status.CANCELED, "", ""
        await self._end_tracking(status)
        self._run.error, self._run.error_code = message, code
        self._log.say(f"The pipeline run is {status}." + (f" {message}" if message else ""))
        self._run.enter(status, self._store)
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _end_tracking(self, status: Status) -> None:
        """End the MLflow runs of the job and of what is below it, each as it ended here."""
        below = [run for run_id in self._job.runs if (run := find_run(self._store, run_id))]
        words = {run.run_id: _MLFLOW_WORDS.get(run.status, "KILLED") for run in below}
        try:
            async with asyncio.timeout(METRICS_SECONDS):
                for run_id, word in {**words, self._job.name: _MLFLOW_WORDS[status]}.items():
                    await self._end_tracked(run_id, word)
        except TimeoutError:
            self._log.say(f"The MLflow runs may not be marked as ended: no answer in {METRICS_SECONDS:g} s")

    async def _end_tracked(self, run_id: str, word: str) -> None:
        try:
            await self._tracking.end_run(run_id, word, time.time())
        except TrackingError as error:
            # a run below may be unknown to MLflow, if the emulator was killed before it had reported it
            if run_id == self._job.name:
                self._log.say(f"The MLflow run may not be marked as ended: {error}")

    def _reload(self) -> Job:
        """The job as it is now: its metadata may be changed while it runs."""
        self._job = find_job(self._store, self._job.name) or self._job
        return self._job
