"""Which job runs when: in order of submission, as far as clusters have nodes and this machine has room."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime

from phift.emulator.core.quota import Use
from phift.emulator.runtime.tracking.server import TrackingError
from phift.emulator.services.jobs.capacity import Capacity
from phift.emulator.services.jobs.commandjob import CommandRunner
from phift.emulator.services.jobs.logs import job_log
from phift.emulator.services.jobs.noderun import Platform
from phift.emulator.services.jobs.pipelinejob import PipelineRunner
from phift.emulator.services.jobs.record import Job, Run, Status, find_job, find_run, jobs_of_status
from phift.emulator.services.jobs.runner import JobRunner
from phift.emulator.services.jobs.runs import canceled_with
from phift.emulator.services.jobs.sweep.job import SweepRunner
from phift.emulator.services.jobs.works import Training, work_of

__all__ = ["MAX_ATTEMPTS", "JobQueue"]

logger = logging.getLogger("phift.emulator")

MAX_ATTEMPTS = 3
"""How often a job is started before it fails for good, when the emulator stops while it runs."""
LOOK_SECONDS = 1.0
ENDED_SECONDS = 0.05
_RUNNERS: Mapping[str, type[JobRunner]] = {
    "Pipeline": PipelineRunner,
    "Command": CommandRunner,
    "Sweep": SweepRunner,
}
"""By job type."""


class JobQueue:
    """The jobs of one emulator."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._context = platform.context
        self._blobs = platform.blobs
        self._tracking = platform.tracking
        self._capacity = Capacity(platform.context.store, platform.context.quota)
        self._runners: dict[str, JobRunner] = {}
        self._wake = asyncio.Event()

    @property
    def busy(self) -> bool:
        """A job runs or waits."""
        return bool(self._runners) or bool(self._waiting())

    def nodes_in_use(self, compute: str) -> int:
        """How many nodes of a cluster run jobs now; names compare case-insensitively."""
        return self._capacity.nodes_in_use(compute)

    def serverless_in_use(self) -> Iterator[Use]:
        """What jobs on serverless compute hold of the region's vCPUs now."""
        return self._capacity.serverless_in_use()

    async def start(self) -> None:
        """Recover the jobs that had not ended when the emulator stopped, and start looking for work."""
        for job, run in jobs_of_status(self._context.store, ended=False):
            self._recover(job, run)
        self._context.spawn(self._serve(), name="job queue")

    async def stop(self) -> None:
        """Kill what runs; those jobs are restarted at the next start."""
        for runner in self._runners.values():
            runner.abandon()
        await self._platform.workers.stop()
        await self._tracking.stop()

    def submitted(self, job: Job) -> None:
        """A job is in the store; the tracking server is started meanwhile, as a job needs it soon."""
        job_log(self._blobs, job).say(f"The {job.job_type.lower()} run is submitted.")
        self._context.spawn(self._warm(), name="start tracking server")
        self._wake.set()

    def cancel(self, run: Run) -> None:
        """Ask a job, or what is below one, to end; what waits ends at once, the processes of what runs are killed."""
        store = self._context.store
        job = find_job(store, run.root)
        if job is None:
            return
        runner = self._runners.get(job.name)
        if run.kind != "job":
            for below in canceled_with(store, job, run):
                below.enter(Status.CANCEL_REQUESTED if runner else Status.CANCELED, store)
                if runner:
                    runner.cancel_below(below.run_id)
            return
        run.enter(Status.CANCEL_REQUESTED, store)
        if runner:
            runner.cancel()
        else:
            self._end(job, run, Status.CANCELED)

    def _end(self, job: Job, run: Run, status: Status) -> None:
        """End a job that does not run, and what is below it."""
        store = self._context.store
        with store.transaction():
            for run_id in job.runs:
                if (below := find_run(store, run_id)) and not below.status.ended:
                    below.enter(Status.CANCELED, store)
            run.enter(status, store)

    async def ended(self, name: str) -> None:
        """Returns when the job, or the run below one, has ended, or is gone."""
        while (run := find_run(self._context.store, name)) and not run.status.ended:
            await asyncio.sleep(ENDED_SECONDS)

    async def _warm(self) -> None:
        try:
            await self._tracking.ensure()
        except TrackingError as error:
            logger.warning("%s", error)

    def _recover(self, job: Job, run: Run) -> None:
        log = job_log(self._blobs, job)
        if run.status is Status.CANCEL_REQUESTED:
            self._end(job, run, Status.CANCELED)
        elif job.attempts >= MAX_ATTEMPTS:
            run.error = f"the emulator stopped {job.attempts} times while the job ran"
            run.error_code = "SystemError"
            log.say(f"The {job.job_type.lower()} run is Failed. {run.error}")
            self._end(job, run, Status.FAILED)
        elif run.status is not Status.NOT_STARTED:
            log.say("The emulator went down; the job waits to be started again.")
            run.enter(Status.QUEUED, self._context.store)

    async def _serve(self) -> None:
        while True:
            self._wake.clear()
            pause = self._start_what_fits()
            try:
                # computes change without a word to us, so look now and then even when nobody wakes us
                await asyncio.wait_for(self._wake.wait(), pause)
            except TimeoutError:
                continue

    def _waiting(self) -> list[tuple[Job, Run]]:
        return [pair for pair in jobs_of_status(self._context.store, ended=False) if pair[0].name not in self._runners]

    def _start_what_fits(self) -> float:
        """Start the jobs for which there is room; returns the seconds after which to look again."""
        pause = LOOK_SECONDS
        for job, run in self._waiting():
            if run.status is Status.CANCEL_REQUESTED:
                self._end(job, run, Status.CANCELED)
                continue
            if (left := self._preparing(job)) > 0:
                pause = min(pause, left)
                continue
            reason = self._must_wait(job)
            if not reason:
                self._start(job)
            elif run.status is not Status.QUEUED:
                run.enter(Status.QUEUED, self._context.store)
                job_log(self._blobs, job).say(f"Waiting: {reason}.")
        return pause

    def _preparing(self, job: Job) -> float:
        """For how many seconds the job is not looked at yet: as long as the pace says that a submission takes."""
        clock, takes = self._context.clock, self._context.pace.seconds("job")
        age = (clock.now() - datetime.fromisoformat(job.created)).total_seconds() / clock.speed
        return takes - age if age >= 0 else 0.0  # the clock was set back

    def _must_wait(self, job: Job) -> str:
        """Why the job cannot start now; "" when it can. The commands of pipelines and sweeps wait one by one, later."""
        works = [work_of(work) for work in job.works]
        if job.job_type != "Command":
            works = [work for work in works if isinstance(work, Training)]
        return next(filter(None, (self._capacity.lacks(work, job.name) for work in works)), "")

    def _start(self, job: Job) -> None:
        kind = _RUNNERS.get(job.job_type, PipelineRunner)
        runner = kind(self._platform, self._capacity, job)
        runner.reserve()
        self._runners[job.name] = runner
        self._context.spawn(self._run(job.name, runner), name=f"job {job.name}")

    def _broken(self, name: str, error: Exception) -> None:
        """A defect of the emulator ends the job, which would be started again and again."""
        job = find_job(self._context.store, name)
        if job is None:
            return
        shutil.rmtree(self._context.folder("jobs", name), ignore_errors=True)
        run = job.run(self._context.store)
        run.error, run.error_code = f"the emulator failed: {type(error).__name__}: {error}", "SystemError"
        self._end(job, run, Status.FAILED)

    async def _run(self, name: str, runner: JobRunner) -> None:
        try:
            await runner.run()
        except Exception as error:
            self._broken(name, error)
            raise
        finally:
            runner.release()
            del self._runners[name]
            self._wake.set()
