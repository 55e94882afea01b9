"""A node that trains a component of the registry: files in, a worker process, its events, files out."""

from __future__ import annotations

import asyncio
import shutil
import signal

from phift.emulator.runtime.child import Work
from phift.emulator.runtime.training import rehearsal
from phift.emulator.runtime.training.events import Event, EventReader, Metrics, Progress, StepEnded, StepStarted
from phift.emulator.runtime.training.worker import JobFile
from phift.emulator.services.assets.locations import RegistryModel
from phift.emulator.services.jobs import reuse
from phift.emulator.services.jobs.logs import STEP_LOG, LogCopy, RunLog
from phift.emulator.services.jobs.noderun import Assignment, JobFailure, ReusableNode
from phift.emulator.services.jobs.record import Run, Status
from phift.emulator.services.jobs.works import Training
from phift.emulator.services.registry.publish import no_weights

__all__ = ["TrainedNode"]

POLL_SECONDS = 0.15
LAST_LINES = 30


class TrainedNode(ReusableNode[Training]):
    """Runs a fine-tuning component of the registry, whose steps are runs below its own."""

    def __init__(self, given: Assignment[Training]) -> None:
        super().__init__(given)
        self._steps: dict[str, Run] = {}
        self._copies: list[LogCopy] = []

    def _took_over(self, found: reuse.Reusable) -> None:
        for step in found.steps:
            run = self._new_run(self.record, "step", step.node, step.component, reused=step.run_id)
            run.enter(Status.COMPLETED, self._store)
            self._log.say(f"Run {run.run_id} ({run.node}) reuses run {step.run_id} of job {found.job}.")

    async def _execute(self) -> None:
        job_file = await self._prepare()
        job_file.write(self._folder)
        worker, settings = rehearsal.worker_for(self._reload().tags, self._work.node)
        variables = {**_environment(self._work), **settings}
        self._child = await self._platform.workers.start(worker, self._folder, variables)
        if self._killed:
            self._child.kill()
        await self._follow(self._child)
        code = await self._child.wait()
        if self._killed:
            raise JobFailure("canceled")
        failed = next((run for run in self._steps.values() if run.status is Status.FAILED), None)
        if failed:
            raise JobFailure(f"{failed.node}: {failed.error}", failed.error_code)
        if code != 0:
            self._say_last_words()
            raise JobFailure(f"{self._current_step()}: {_how_it_ended(code)}", "SystemError")
        await self._keep_outputs()
        steps = list(self._steps.values())
        reuse.remember(self._store, self._blobs, self.key, self._job.name, steps, self._work, self.places)

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
        for name, (uri, kind, *_) in self._work.inputs.items():
            place = self._place_of(uri, kind)
            if isinstance(place, RegistryModel):
                if place.folder is None:
                    raise JobFailure(no_weights(place.name, "or give them as pytorch_model_path or huggingface_id"))
                paths[name], stand_in = str(place.folder), place.stand_in
            else:
                paths[name] = str(await self._fetch(name, place, uri))
        return JobFile(self._job.name, self._work.component, self._work.parameters, paths, stand_in)

    async def _follow(self, child: Work) -> None:
        reader = EventReader(self._folder / "events.jsonl")
        while True:
            running = child.running
            for event in reader.read():
                self._take(event)
            for copy in self._copies:
                while copy.copy():
                    await asyncio.sleep(0)
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
        run = self._new_run(self.record, "step", event.step, event.step)
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
        for output in self._outputs:
            name, shown = output.component_name, output.job_name or output.component_name
            source = self._folder / "outputs" / name
            if not source.is_dir():
                raise JobFailure(f"output {shown}: the pipeline makes no {name}")
            place = self._own_place(output)
            await account.put_folder(place.container, place.path + "/", source)
            self._keep(output, place)
            self._log.say(f"Output {shown}: {place.path}/")

    def _say_last_words(self) -> None:
        """What a worker that ended without a word to us wrote to its own output, in the job's log."""
        text = (self._folder / "worker.log").read_text(encoding="utf-8", errors="replace")
        for line in text.splitlines()[-LAST_LINES:]:
            self._log.say(line)

    def _current_step(self) -> str:
        return next(reversed(self._steps), "before the first step")


def _environment(work: Training) -> dict[str, str]:
    # a job that names no hub model has no business on any network
    return {} if work.parameters.get("huggingface_id") else {"HF_HUB_OFFLINE": "1"}


def _how_it_ended(code: int) -> str:
    if code == -signal.SIGKILL:
        return "the worker was killed; the machine may have run out of memory"
    if code < 0:
        return f"the worker was ended by {signal.Signals(-code).name}"
    return f"the worker ended with exit code {code}"
