"""One node of a pipeline from its first step to its last: files in, a worker process, its events, files out."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

from phift.emulator.core.context import Context
from phift.emulator.core.errors import ServiceError
from phift.emulator.runtime import foundation
from phift.emulator.runtime.child import Child, spawn_child
from phift.emulator.runtime.tracking.metrics import MetricsSender
from phift.emulator.runtime.training import rehearsal
from phift.emulator.runtime.training.events import Event, EventReader, Metrics, Progress, StepEnded, StepStarted
from phift.emulator.runtime.training.worker import JobFile
from phift.emulator.services.assets.locations import BlobPlace, RegistryModel, place_of
from phift.emulator.services.blob.account import BlobAccount
from phift.emulator.services.jobs import reuse
from phift.emulator.services.jobs.logs import STEP_LOG, LogCopy, RunLog
from phift.emulator.services.jobs.nodes import Work, node_output
from phift.emulator.services.jobs.outputs import output_place
from phift.emulator.services.jobs.record import Job, Run, Status, find_job
from phift.emulator.services.registry.publish import no_weights, stands_in

__all__ = ["JobFailure", "NodeRun"]

POLL_SECONDS = 0.15
LAST_LINES = 30


class JobFailure(Exception):
    """A node, and so its job, cannot continue. code: UserError or SystemError."""

    def __init__(self, message: str, code: str = "UserError") -> None:
        super().__init__(message)
        self.code = code


class NodeRun:
    """Runs one node. It may be cancelled at any time; the node then is as the last event left it.

    places: where its outputs lie, once it has completed. key: what it was made of, so that it can be reused.
    """

    def __init__(
        self,
        context: Context,
        blobs: BlobAccount,
        job: Job,
        work: Work,
        folder: Path,
        *,
        log: RunLog,
        metrics: MetricsSender,
        earlier: Mapping[str, NodeRun],
    ) -> None:
        self._context = context
        self._blobs = blobs
        self._store = context.store
        self._job = job
        self._work = work
        self._folder = folder
        self._log = log
        self._metrics = metrics
        self._earlier = earlier
        self._steps: dict[str, Run] = {}
        self._copies: list[LogCopy] = []
        self._child: Child | None = None
        self._canceled = False
        self.places: dict[str, BlobPlace] = {}
        self.key: str = reuse.key(
            context.store, blobs, work, {name: each.key for name, each in earlier.items()}, self._place_of, job.settings
        )
        self.run_record = self._new_run(
            job.run(context.store), "pipeline", work.node, f"{work.component}:{work.version}"
        )

    def kill(self) -> None:
        """End its processes now."""
        self._canceled = True
        if self._child:
            self._child.kill()

    async def run(self) -> None:
        """Run the node to its end, or reuse the outputs of an earlier job. Raises JobFailure when it fails."""
        self._log.say(f"Submitting 1 runs, first five are: {self.run_record.run_id[:8]}:{self.run_record.run_id}")
        try:
            if not await self._reuse():
                await self._train()
        except ServiceError as error:
            raise JobFailure(error.message) from error
        except OSError as error:
            where = error.filename or "job folder"
            raise JobFailure(f"{error.strerror or error}: {where}", "SystemError") from error
        finally:
            if self._child:
                self._child.kill()
        self.run_record.enter(Status.COMPLETED, self._store)
        shutil.rmtree(self._folder, ignore_errors=True)

    def failed(self, failure: JobFailure) -> None:
        """Records that the node has failed."""
        self.run_record.error, self.run_record.error_code = str(failure), failure.code
        self.run_record.enter(Status.FAILED, self._store)

    # reuse

    async def _reuse(self) -> bool:
        """Whether an earlier job's node is reused: its steps are reported as reused, its outputs are linked."""
        wanted = [output["component_name"] for output in self._work.outputs]
        found = reuse.find(self._store, self._blobs, self.key, wanted)
        if found is None:
            return False
        account = self._blobs
        staging = self._folder / "reused"
        for output in self._work.outputs:
            name = output["component_name"]
            source, target = found.places[name], self._own_place(output)
            shutil.rmtree(staging, ignore_errors=True)
            # links: the blobs of both are one file until one of them is overwritten
            await account.export(source.container, source.path + "/", staging)
            await account.put_folder(target.container, target.path + "/", staging)
            self.places[name] = target
        job = self._reload()
        job.reused |= {
            output["job_name"]: [found.job, found.outputs[output["component_name"]]]
            for output in self._work.outputs
            if output["job_name"] and found.outputs.get(output["component_name"])
        }
        job.save(self._store)
        for step in found.steps:
            run = self._new_run(self.run_record, "step", step.node, step.component, reused=step.run_id)
            run.enter(Status.COMPLETED, self._store)
            self._log.say(f"Run {run.run_id} ({run.node}) reuses run {step.run_id} of job {found.job}.")
        return True

    # training

    async def _train(self) -> None:
        job_file = await self._prepare()
        job_file.write(self._folder)
        worker, settings = rehearsal.worker_for(self._reload().tags, self._work.node)
        self._child = await spawn_child(
            worker,
            str(self._folder),
            log=self._folder / "worker.log",
            environment={**_environment(self._work), **settings},
        )
        if self._canceled:
            self._child.kill()
        await self._follow(self._child)
        code = await self._child.wait()
        if self._canceled:
            raise JobFailure("canceled")
        failed = next((run for run in self._steps.values() if run.status is Status.FAILED), None)
        if failed:
            raise JobFailure(f"{failed.node}: {failed.error}", failed.error_code)
        if code != 0:
            self._say_last_words()
            raise JobFailure(f"{self._current_step()}: {_how_it_ended(code)}", "SystemError")
        await self._keep_outputs()
        reuse.remember(self._store, self.key, self._job.name, list(self._steps.values()), self._work, self.places)

    async def _prepare(self) -> JobFile:
        """The node's folder with its inputs as files; what an earlier attempt left is removed, checkpoints apart."""
        for name in ("inputs", "work", "steps"):
            shutil.rmtree(self._folder / name, ignore_errors=True)
        if str(self._work.parameters.get("resume_from_checkpoint")).lower() != "true":
            shutil.rmtree(self._folder / "outputs", ignore_errors=True)
        (self._folder / "events.jsonl").unlink(missing_ok=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        paths: dict[str, str] = {}
        stand_in = False
        for name, (uri, kind) in self._work.inputs.items():
            place = self._place_of(uri, kind)
            if isinstance(place, RegistryModel):
                if not stands_in(place.name):
                    raise JobFailure(
                        f"{no_weights(place.name)} Give real weights as pytorch_model_path or huggingface_id."
                    )
                paths[name], stand_in = str(foundation.WEIGHTS), True
            else:
                paths[name] = str(await self._fetch(name, place, uri))
        return JobFile(self._job.name, self._work.component, self._work.parameters, paths, stand_in)

    def _place_of(self, uri: str, kind: str) -> BlobPlace | RegistryModel:
        if bound := node_output(uri):
            return self._earlier[bound.node].places[bound.name]
        return place_of(self._context, uri, kind)

    async def _fetch(self, name: str, place: BlobPlace, uri: str) -> Path:
        account = self._blobs
        target = self._folder / "inputs" / name
        is_file = account.exists(place.container, place.path)
        try:
            # copies, not links: a step may write into its inputs, the store must never notice
            prefix = place.path if is_file else place.path + "/"
            await account.export(place.container, prefix, target, link=False)
        except ServiceError as error:
            raise JobFailure(f"input {name}: nothing is at {uri}") from error
        return target / Path(place.path).name if is_file else target

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
        run = self._new_run(self.run_record, "step", event.step, event.step)
        self._steps[event.step] = run
        log = RunLog(self._blobs, run.run_id, STEP_LOG)
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

    async def _keep_outputs(self) -> None:
        account = self._blobs
        for output in self._work.outputs:
            name = output["component_name"]
            source = self._folder / "outputs" / name
            if not source.is_dir():
                raise JobFailure(f"output {output['job_name'] or name}: the pipeline makes no {name}")
            place = self._own_place(output)
            await account.put_folder(place.container, place.path + "/", source)
            self.places[name] = place
            self._log.say(f"Output {output['job_name'] or name}: {place.path}/")

    def _own_place(self, output: Mapping[str, str]) -> BlobPlace:
        """The job's own outputs go where the user says; those that only other nodes read go under the node's run."""
        if output["job_name"]:
            return output_place(self._context, self._job.name, output["job_name"], output["uri"])
        return output_place(self._context, self.run_record.run_id, output["component_name"], "")

    # records

    def _reload(self) -> Job:
        """The job as it is now: its metadata may be changed while it runs."""
        self._job = find_job(self._store, self._job.name) or self._job
        return self._job

    def _new_run(self, parent: Run, kind: str, node: str, component: str, reused: str = "") -> Run:
        run = Run.child(parent, kind=kind, node=node, component=component)
        run.compute, run.reused = self._work.compute, reused
        run.enter(Status.RUNNING, self._store)
        job = self._reload()
        job.runs.append(run.run_id)
        job.save(self._store)
        self._metrics.make_run(run.run_id, experiment=job.experiment, name=node, parent=parent.run_id, root=job.name)
        return run

    def _say_last_words(self) -> None:
        """What a worker that ended without a word to us wrote to its own output, in the job's log."""
        text = (self._folder / "worker.log").read_text(encoding="utf-8", errors="replace")
        for line in text.splitlines()[-LAST_LINES:]:
            self._log.say(line)

    def _current_step(self) -> str:
        return next(reversed(self._steps), "before the first step")


def _environment(work: Work) -> dict[str, str]:
    # a job that names no hub model has no business on any network
    return {} if work.parameters.get("huggingface_id") else {"HF_HUB_OFFLINE": "1"}


def _how_it_ended(code: int) -> str:
    if code == -signal.SIGKILL:
        return "the worker was killed; the machine may have run out of memory"
    if code < 0:
        return f"the worker was ended by {signal.Signals(-code).name}"
    return f"the worker ended with exit code {code}"
