"""Which job runs when: in order of submission, as far as clusters have nodes, one at a time on this machine."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from phift.emulator.core.context import Context
from phift.emulator.runtime.tracking.server import TrackingError, TrackingServer
from phift.emulator.services.blob.account import BlobAccount
from phift.emulator.services.jobs.logs import EXECUTION_LOG, RunLog
from phift.emulator.services.jobs.record import Job, Run, Status, find_job, jobs_of_status
from phift.emulator.services.jobs.runner import JobRunner

__all__ = ["MAX_ATTEMPTS", "JobQueue"]

logger = logging.getLogger("phift.emulator")

AT_ONCE = 1
"""Jobs that train at the same time: one has all the cores, two would each take twice as long."""
MAX_ATTEMPTS = 3
"""How often a job is started before it fails for good, when the emulator stops while it runs."""
LOOK_SECONDS = 1.0
ENDED_SECONDS = 0.05


class JobQueue:
    """The jobs of one emulator."""

    def __init__(self, context: Context, blobs: BlobAccount, tracking: TrackingServer) -> None:
        self._context = context
        self._blobs = blobs
        self._tracking = tracking
        self._runners: dict[str, JobRunner] = {}
        self._wake = asyncio.Event()

    @property
    def busy(self) -> bool:
        """A job runs or waits."""
        return bool(self._runners) or bool(self._waiting())

    def nodes_in_use(self, compute: str) -> int:
        """How many nodes of a cluster run jobs now; names compare case-insensitively."""
        store = self._context.store
        begun = [job for name in self._runners if (job := find_job(store, name))]
        # a job that has ended has left its nodes, though its last metrics may still be on their way
        running = (job for job in begun if not job.run(store).status.ended)
        # nodes of a pipeline run one after the other: it holds what the widest of them needs
        return sum(_needs(job).get(compute.casefold(), 0) for job in running)

    async def start(self) -> None:
        """Recover the jobs that had not ended when the emulator stopped, and start looking for work."""
        for job, run in jobs_of_status(self._context.store, ended=False):
            self._recover(job, run)
        self._context.spawn(self._serve(), name="job queue")

    async def stop(self) -> None:
        """Kill what runs; those jobs are restarted at the next start."""
        for runner in self._runners.values():
            runner.abandon()
        await self._tracking.stop()

    def submitted(self, job: Job) -> None:
        """A job is in the store; the tracking server is started meanwhile, as a job needs it soon."""
        RunLog(self._blobs, job.name, EXECUTION_LOG).say("The pipeline run is submitted.")
        self._context.spawn(self._warm(), name="start tracking server")
        self._wake.set()

    def cancel(self, name: str) -> None:
        """Ask a job to end; a waiting one ends at once, a running one's processes are killed."""
        job = find_job(self._context.store, name)
        if job is None:
            return
        run = job.run(self._context.store)
        if run.status.ended:
            return
        if runner := self._runners.get(name):
            runner.cancel()
        else:
            run.enter(Status.CANCELED, self._context.store)

    async def ended(self, name: str) -> None:
        """Returns when the job has ended, or is gone."""
        while (job := find_job(self._context.store, name)) and not job.run(self._context.store).status.ended:
            await asyncio.sleep(ENDED_SECONDS)

    async def _warm(self) -> None:
        try:
            await self._tracking.ensure()
        except TrackingError as error:
            logger.warning("%s", error)

    def _recover(self, job: Job, run: Run) -> None:
        log = RunLog(self._blobs, job.name, EXECUTION_LOG)
        if run.status is Status.CANCEL_REQUESTED:
            run.enter(Status.CANCELED, self._context.store)
        elif job.attempts >= MAX_ATTEMPTS:
            run.error = f"the embedded Azure ML stopped {job.attempts} times while the job ran"
            run.error_code = "SystemError"
            log.say(f"The pipeline run is Failed. {run.error}")
            run.enter(Status.FAILED, self._context.store)
        elif run.status is not Status.NOT_STARTED:
            log.say("The embedded Azure ML went down; the job waits to be started again.")
            run.enter(Status.QUEUED, self._context.store)

    async def _serve(self) -> None:
        while True:
            self._start_what_fits()
            self._wake.clear()
            try:
                # computes change without a word to us, so look now and then even when nobody wakes us
                await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue

    def _waiting(self) -> list[tuple[Job, Run]]:
        return [pair for pair in jobs_of_status(self._context.store, ended=False) if pair[0].name not in self._runners]

    def _start_what_fits(self) -> None:
        for job, run in self._waiting():
            if run.status is Status.CANCEL_REQUESTED:
                run.enter(Status.CANCELED, self._context.store)
                continue
            reason = self._must_wait(job)
            if not reason:
                self._start(job)
            elif run.status is not Status.QUEUED:
                run.enter(Status.QUEUED, self._context.store)
                RunLog(self._blobs, job.name, EXECUTION_LOG).say(f"Waiting: {reason}.")

    def _must_wait(self, job: Job) -> str:
        """Why the job cannot start now; "" when it can."""
        if not job.works:
            return ""
        if len(self._runners) >= AT_ONCE:
            return "another job trains on this machine"
        reasons = (self._lacks(name, nodes) for name, nodes in _needs(job).items())
        return next(filter(None, reasons), "")

    def _lacks(self, name: str, nodes: int) -> str:
        """Why a cluster cannot provide that many nodes now; "" when it can."""
        document = self._context.store.get("compute", name)
        if document is None:
            return f"compute {name} does not exist"
        name = document["name"]
        properties: dict[str, Any] = document["properties"]
        if (state := properties.get("provisioningState", "Succeeded")) != "Succeeded":
            return f"compute {name} is {state}"
        scale = (properties.get("properties") or {}).get("scaleSettings") or {}
        most = int(scale.get("maxNodeCount", 1))
        if self.nodes_in_use(name) + nodes > most:
            return f"compute {name} has {most} nodes at most, {self.nodes_in_use(name)} in use, {nodes} wanted"
        return ""

    def _start(self, job: Job) -> None:
        runner = JobRunner(self._context, self._blobs, job, self._tracking)
        self._runners[job.name] = runner
        self._context.spawn(self._run(job.name, runner), name=f"job {job.name}")

    async def _run(self, name: str, runner: JobRunner) -> None:
        try:
            await asyncio.sleep(self._context.pace.seconds("job"))
            await runner.run()
        finally:
            del self._runners[name]
            self._wake.set()


def _needs(job: Job) -> dict[str, int]:
    """The most cluster nodes that any node of the job needs, by cluster name in lower case."""
    needs: dict[str, int] = {}
    for work in job.works:
        if name := str(work["compute"]).casefold():
            needs[name] = max(needs.get(name, 0), int(work["nodes"]))
    return needs
