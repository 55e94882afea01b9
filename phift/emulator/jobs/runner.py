"""One job from its first step to its last: files in, a worker process, what it tells, files out."""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from phift.emulator import foundation
from phift.emulator.blobs.account import blobs_of
from phift.emulator.child import Child, spawn_child
from phift.emulator.errors import ServiceError
from phift.emulator.jobs import rehearsal
from phift.emulator.jobs.events import Event, EventReader, Metrics, Progress, StepEnded, StepStarted
from phift.emulator.jobs.logs import EXECUTION_LOG, STEP_LOG, LogCopy, RunLog
from phift.emulator.jobs.metrics import MetricsSender
from phift.emulator.jobs.places import output_place
from phift.emulator.jobs.record import Job, Run, Status, find_job, find_run
from phift.emulator.jobs.submission import Work
from phift.emulator.jobs.tracking import TrackingError, TrackingServer
from phift.emulator.jobs.uris import RegistryModel, place_of
from phift.emulator.jobs.worker import JobFile
from phift.emulator.registry.publish import stands_in

if TYPE_CHECKING:
    from phift.emulator.context import Emulator

__all__ = ["JobRunner"]

POLL_SECONDS = 0.15
METRICS_SECONDS = 30.0
LAST_LINES = 30
_MLFLOW_WORDS = {Status.COMPLETED: "FINISHED", Status.FAILED: "FAILED", Status.CANCELED: "KILLED"}


class _Failure(Exception):
    """The job cannot go on. code: UserError or SystemError."""

    def __init__(self, message: str, code: str = "UserError") -> None:
        super().__init__(message)
        self.code = code


class JobRunner:
    """Runs one job. It may be cancelled at any time; the job then is as the last event left it."""

    def __init__(self, emulator: Emulator, job: Job, tracking: TrackingServer) -> None:
        self._emulator = emulator
        self._store = emulator.store
        self._job = job
        self._run = job.run(emulator.store)
        self._folder = emulator.folder("jobs", job.name)
        self._log = RunLog(emulator, job.name, EXECUTION_LOG)
        self._tracking = tracking
        self._metrics = MetricsSender(tracking)
        self._node: Run | None = None
        self._steps: dict[str, Run] = {}
        self._copies: list[LogCopy] = []
        self._child: Child | None = None
        self._canceled = False
        self._abandoned = False

    def cancel(self) -> None:
        """End the job as Canceled: its processes are killed now."""
        self._canceled = True
        if self._child:
            self._child.kill()

    def abandon(self) -> None:
        """Kill the worker and write nothing more down: the emulator is stopping, the job will be begun again."""
        self._abandoned = True
        if self._child:
            self._child.kill()

    async def run(self) -> None:
        """Run the job to its end and write down how it ended."""
        sender = self._emulator.spawn(self._metrics.run(), name=f"metrics of {self._job.name}")
        try:
            self._begin()
            if self._job.work is None:
                raise _Failure(self._job.refusal)
            await self._work(Work(**self._job.work))
            outcome: tuple[Status, str, str] = (Status.COMPLETED, "", "")
        except _Failure as failure:
            outcome = (Status.FAILED, str(failure), failure.code)
        except ServiceError as error:
            outcome = (Status.FAILED, error.message, "UserError")
        except OSError as error:
            where = error.filename or "job folder"
            outcome = (Status.FAILED, f"{error.strerror or error}: {where}", "SystemError")
        finally:
            if self._child:
                self._child.kill()
            self._metrics.close()
        if self._abandoned:
            return
        await self._finish(sender, *((Status.CANCELED, "", "") if self._canceled else outcome))

    # beginning and end

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
        parameters = {} if job.work is None else {"attempt": job.attempts, **job.work["parameters"]}
        self._metrics.make_run(
            job.name, experiment=job.experiment, name=job.display_name, parent="", parameters=parameters
        )

    async def _finish(self, sender: asyncio.Task[None], status: Status, message: str, code: str) -> None:
        for run in (*self._steps.values(), *([self._node] if self._node else [])):
            if not run.status.ended:
                run.error, run.error_code = message, code
                run.enter(status, self._store)
        # whoever sees that the job has ended finds all its metrics; but no trouble with metrics keeps a job from ending
        await asyncio.wait({sender}, timeout=METRICS_SECONDS)
        if self._metrics.problem:
            self._log.say(f"Metrics may be missing: {self._metrics.problem}")
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
            # a run below may be unknown to MLflow, where the emulator was killed before it had told of it
            if run_id == self._job.name:
                self._log.say(f"The MLflow run may not be marked as ended: {error}")

    # the work

    async def _work(self, work: Work) -> None:
        self._node = self._child_run(self._run, "pipeline", work.node, f"{work.component}:{work.version}")
        self._log.say(f"Submitting 1 runs, first five are: {self._node.run_id[:8]}:{self._node.run_id}")
        job_file = await self._prepare(work)
        job_file.write(self._folder)
        worker, settings = rehearsal.worker_for(self._job.tags)
        self._child = await spawn_child(
            worker,
            str(self._folder),
            log=self._folder / "worker.log",
            environment={**_environment(work), **settings},
        )
        if self._canceled:
            self._child.kill()
        await self._follow(self._child)
        code = await self._child.wait()
        if self._canceled:
            raise _Failure("canceled")
        failed = next((run for run in self._steps.values() if run.status is Status.FAILED), None)
        if failed:
            raise _Failure(f"{failed.node}: {failed.error}", failed.error_code)
        if code != 0:
            self._say_last_words()
            raise _Failure(f"{self._current_step()}: {_how_it_ended(code)}", "SystemError")
        await self._keep_outputs(work)
        self._node.enter(Status.COMPLETED, self._store)

    async def _prepare(self, work: Work) -> JobFile:
        """The job's folder with its inputs as files; what an earlier attempt left is removed, checkpoints apart."""
        for name in ("inputs", "work", "steps"):
            shutil.rmtree(self._folder / name, ignore_errors=True)
        if str(work.parameters.get("resume_from_checkpoint")).lower() != "true":
            shutil.rmtree(self._folder / "outputs", ignore_errors=True)
        (self._folder / "events.jsonl").unlink(missing_ok=True)
        paths: dict[str, str] = {}
        stand_in = False
        for name, (uri, kind) in work.inputs.items():
            place = place_of(self._emulator, uri, kind)
            if isinstance(place, RegistryModel):
                if not stands_in(place.name):
                    raise _Failure(
                        f"the weights of {place.name} are not here: the embedded Azure ML has a stand-in for models"
                        " of Phi-3's architecture only; give real weights as pytorch_model_path or huggingface_id"
                    )
                paths[name], stand_in = str(foundation.WEIGHTS), True
            else:
                paths[name] = str(await self._fetch(name, place.container, place.path, uri))
        return JobFile(self._job.name, work.component, work.parameters, paths, stand_in)

    async def _fetch(self, name: str, container: str, path: str, uri: str) -> Path:
        account = blobs_of(self._emulator)
        target = self._folder / "inputs" / name
        is_file = account.exists(container, path)
        try:
            # copies, not links: a step may write into its inputs, the store must never notice
            await account.export(container, path if is_file else path + "/", target, link=False)
        except ServiceError as error:
            raise _Failure(f"input {name}: nothing is at {uri}") from error
        return target / Path(path).name if is_file else target

    async def _follow(self, child: Child) -> None:
        reader = EventReader(self._folder / "events.jsonl")
        while True:
            running = child.running
            for event in reader.read():
                self._take(event)
            for copy in self._copies:
                copy.copy()
            if not running:
                return
            await asyncio.sleep(POLL_SECONDS)

    def _take(self, event: Event) -> None:
        match event:
            case StepStarted():
                self._step_started(event)
            case StepEnded():
                self._step_ended(event)
            case Metrics():
                current = self._steps[self._current_step()].run_id
                self._metrics.log([self._job.name, current], event)
            case Progress():
                self._log.say(f"{self._current_step()}: {event.line}")

    def _step_started(self, event: StepStarted) -> None:
        if self._node is None:
            raise LookupError("a step started before its pipeline")
        run = self._child_run(self._node, "step", event.step, event.step)
        self._steps[event.step] = run
        log = RunLog(self._emulator, run.run_id, STEP_LOG)
        self._copies.append(LogCopy(self._folder / "steps" / event.step / "std_log.txt", log))
        self._log.say(f"Submitting 1 runs, first five are: {run.run_id[:8]}:{run.run_id}")
        self._log.say(f"Running {event.step}, run {run.run_id}.")

    def _step_ended(self, event: StepEnded) -> None:
        run = self._steps[event.step]
        run.error, run.error_code = event.error, event.error_code if event.error else ""
        run.enter(Status.FAILED if event.error else Status.COMPLETED, self._store)
        if event.error:
            self._log.say(f"Run {run.run_id} ({event.step}) failed: {event.error}")
        else:
            self._log.say(f"Completing processing run id {run.run_id}.")

    def _reload(self) -> Job:
        """The job as it is now: its metadata may be changed while it runs."""
        self._job = find_job(self._store, self._job.name) or self._job
        return self._job

    def _child_run(self, parent: Run, kind: str, node: str, component: str) -> Run:
        run = Run.child(parent, kind=kind, node=node, component=component)
        run.enter(Status.RUNNING, self._store)
        job = self._reload()
        job.runs.append(run.run_id)
        job.save(self._store)
        self._metrics.make_run(
            run.run_id, experiment=self._job.experiment, name=node, parent=parent.run_id, parameters={}
        )
        return run

    def _say_last_words(self) -> None:
        """What a worker that ended without a word to us wrote to its own output, in the job's log."""
        text = (self._folder / "worker.log").read_text(encoding="utf-8", errors="replace")
        for line in text.splitlines()[-LAST_LINES:]:
            self._log.say(line)

    def _current_step(self) -> str:
        return next(reversed(self._steps), "before the first step")

    async def _keep_outputs(self, work: Work) -> None:
        account = blobs_of(self._emulator)
        for output in work.outputs:
            source = self._folder / "outputs" / output["component_name"]
            if not source.is_dir():
                raise _Failure(f"output {output['job_name']}: the pipeline makes no {output['component_name']}")
            place = output_place(self._emulator, self._job.name, output["job_name"], output["uri"])
            await account.put_folder(place.container, place.path + "/", source)
            self._log.say(f"Output {output['job_name']}: {place.path}/")


def _environment(work: Work) -> dict[str, str]:
    # a job that names no hub model has no business on any network
    return {} if work.parameters.get("huggingface_id") else {"HF_HUB_OFFLINE": "1"}


def _how_it_ended(code: int) -> str:
    if code == -signal.SIGKILL:
        return "the worker was killed; the machine may have run out of memory"
    if code < 0:
        return f"the worker was ended by {signal.Signals(-code).name}"
    return f"the worker ended with exit code {code}"
