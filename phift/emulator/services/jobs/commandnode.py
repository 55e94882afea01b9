"""A node that runs a command: files in, the process, its log, files out."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping

from phift.emulator.runtime.child import spawn_child
from phift.emulator.runtime.commands.environment import RunIdentity, command_variables
from phift.emulator.runtime.commands.process import CommandFile
from phift.emulator.runtime.commands.sandbox import Sandbox, find_sandbox
from phift.emulator.runtime.commands.substitution import substitute
from phift.emulator.runtime.tracking.server import TrackingError
from phift.emulator.services.assets.locations import RegistryModel
from phift.emulator.services.blob.account import ARTIFACT_CONTAINER
from phift.emulator.services.jobs import reuse
from phift.emulator.services.jobs.codes import find_code
from phift.emulator.services.jobs.logs import STEP_LOG, LogCopy, RunLog, artifact_prefix
from phift.emulator.services.jobs.noderun import Assignment, JobFailure, JobTimeout, ReusableNode
from phift.emulator.services.jobs.outputs import place_uri
from phift.emulator.services.jobs.works import Command, Output
from phift.emulator.services.registry.publish import no_weights

__all__ = ["CommandNode"]

POLL_SECONDS = 0.1
LAST_LINE = 500
"""Characters of the log's last line in the error of a failed command."""
_TOKEN_SECONDS = 21 * 24 * 3600
"""The longest time that a job may run on the service."""
_AUDIENCE = "https://management.azure.com"
_ARTIFACTS = ("outputs", "logs")
_TAIL_BYTES = 64 * 1024
_DIRECT = "direct"
_FILES = "uri_file"


class CommandNode(ReusableNode[Command]):
    """Runs a command, whose run is the node's own."""

    def __init__(self, given: Assignment[Command]) -> None:
        super().__init__(given)
        self._working = given.folder / "wd"
        self._tracked = ""

    def _took_over(self, found: reuse.Reusable) -> None:
        [original] = found.steps
        record, job = self.record, self._job
        record.reused = original.run_id
        record.save(self._store)
        self._metrics.make_run(
            record.run_id, experiment=job.experiment, name=record.node, parent=record.parent, root=job.name
        )
        self._log.say(f"Run {self.record.run_id} ({self._work.node}) reuses run {original.run_id} of job {found.job}.")

    async def _execute(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._working.mkdir(parents=True)
        log = RunLog(self._blobs, self.record.run_id, STEP_LOG)
        sandbox = await asyncio.to_thread(find_sandbox)
        for line in self._first_lines(sandbox):
            log.append(f"{line}\n".encode())
        await self._fetch_code()
        hyperparameters = {name: str(value) for name, value in self.record.hyperparameters.items()}
        inputs = {**self._work.literals, **{name: await self._input(name) for name in self._work.inputs}}
        if self._work.node:  # of a sweep that is a node, they are inputs of its component
            inputs |= hyperparameters
        outputs = {output.component_name: self._output(output) for output in self._outputs}
        values = {"inputs": inputs, "outputs": outputs, "search_space": hyperparameters}
        variables = command_variables(self._context.workspace, await self._track(), inputs, outputs)
        try:
            own = {name: substitute(text, values) for name, text in self._work.variables.items()}
            command = substitute(self._work.command, values)
        except KeyError as error:
            raise JobFailure(f"The command refers to {error.args[0]}, which has no value.") from error
        code = await self._run(command, sandbox, {**variables, **own}, log)
        await self._keep_artifacts()
        await self._keep_outputs(complete=code == 0)
        if code:
            raise JobFailure(self._failure(code), "ExecutionFailed")
        reuse.remember(self._store, self._blobs, self.key, self._job.name, [self.record], self._work, self.places)

    def _first_lines(self, sandbox: Sandbox) -> list[str]:
        environment = self._work.environment or "of the component"
        return [
            f"The environment {environment} is not built: the command runs in that of phift.",
            f"Interpreter: {sys.executable}, Python {sys.version.split()[0]}.",
            sandbox.text,
        ]

    # files

    async def _fetch_code(self) -> None:
        """The code asset's files become the working folder. Raises JobFailure for one that is missing."""
        if not self._work.code:
            return
        code = find_code(self._context, self._work.code)
        if code is None:
            raise JobFailure(f"Code asset {self._work.code} does not exist.")
        await code.account.export(code.container, code.prefix, self._working, link=False)

    async def _input(self, name: str) -> str:
        """The path of an input, or its URI if the command reads it directly."""
        uri, kind, mode = self._work.inputs[name]
        place = self._place_of(uri, kind)
        if isinstance(place, RegistryModel):
            if place.folder is None:
                raise JobFailure(no_weights(place.name))
            target = self._folder / "inputs" / name
            await asyncio.to_thread(shutil.copytree, place.folder, target)
            return str(target)
        if mode.lower() == _DIRECT:
            return place_uri(self._context, place)
        from_node = uri.startswith("${{")
        if from_node and not any(reuse.blobs_at(self._blobs, place)):
            target = self._folder / "inputs" / name  # a node that wrote nothing leaves an empty folder
            target.mkdir(parents=True)
            return str(target)
        return str(await self._fetch(name, place, uri))

    def _output(self, output: Output) -> str:
        """The path that the command writes an output to, or its URI if it writes it directly."""
        if output.mode.lower() == _DIRECT:
            return place_uri(self._context, self._own_place(output))
        path = self._folder / "outputs" / output.component_name
        (path.parent if output.type == _FILES else path).mkdir(parents=True, exist_ok=True)
        return str(path)

    async def _keep_outputs(self, *, complete: bool) -> None:
        """Upload what the command has written, also if it failed, as a mount would have."""
        for output in self._outputs:
            place, path = self._own_place(output), self._folder / "outputs" / output.component_name
            if path.is_file():
                await self._blobs.put_file(place.container, place.path, path)
            elif path.is_dir():
                await self._blobs.put_folder(place.container, place.path + "/", path)
            self._keep(output, place, complete=complete)

    async def _keep_artifacts(self) -> None:
        """The folders `outputs` and `logs` of the working folder, and what was logged to MLflow, become artifacts."""
        prefix = artifact_prefix(self.record.run_id)
        for name in _ARTIFACTS:
            if (self._working / name).is_dir():
                await self._blobs.put_folder(ARTIFACT_CONTAINER, f"{prefix}{name}/", self._working / name)
        logged = self._platform.tracking.artifacts(self._tracked, self.record.run_id)
        if self._tracked and logged.is_dir():
            await self._blobs.put_folder(ARTIFACT_CONTAINER, prefix, logged)

    # the process

    async def _track(self) -> RunIdentity:
        """Make the MLflow run of the same id, which the command's own MLflow continues."""
        run, job = self.record, self._reload()
        tags = {"mlflow.rootRunId": run.root, **({"mlflow.parentRunId": run.parent} if run.parent else {})}
        name = run.display_name or run.node or job.display_name
        try:
            tracking = self._platform.tracking
            self._tracked = await tracking.make_run(run.run_id, job.experiment, name, time.time(), tags)
            await tracking.start_run(run.run_id)
        except TrackingError as error:
            self._log.say(f"Metrics of run {run.run_id} cannot be logged: {error}")
        token = self._context.tokens.mint(_AUDIENCE, self._context.cloud.client_id, seconds=_TOKEN_SECONDS)
        return RunIdentity(run.run_id, run.root, job.experiment, self._tracked, token)

    async def _run(self, command: str, sandbox: Sandbox, variables: Mapping[str, str], log: RunLog) -> int:
        """Run the process to its end; returns its exit code. Raises JobFailure if it was killed, JobTimeout if late."""
        shell = "bash" if shutil.which("bash") else "sh"
        file, output = self._folder / "command.json", self._folder / "std_log.txt"
        arguments = sandbox.arguments([shell, "-c", command], self._folder, self._working)
        CommandFile(arguments, str(self._working)).write(file)
        environment = {**self._context.client_environment(), **sandbox.variables(self._folder), **variables}
        self._child = await spawn_child(
            "phift.emulator.runtime.commands.process", str(file), log=output, environment=environment
        )
        if self._killed:
            self._child.kill()
        copy = LogCopy(output, log)
        deadline = time.monotonic() + self._work.timeout if self._work.timeout else None
        late = False
        while self._child.running:
            await asyncio.sleep(POLL_SECONDS)
            copy.copy()
            if deadline and time.monotonic() > deadline and not late:
                late = True
                self._child.kill()
        code = await self._child.wait()
        while copy.copy():
            await asyncio.sleep(0)
        if self._killed:
            await self._keep_artifacts()
            raise JobFailure("canceled")
        if late:
            await self._keep_artifacts()
            text = f"The run exceeded its timeout of {self._work.timeout:g} seconds and was canceled."
            log.append(f"{text}\n".encode())
            raise JobTimeout(text)
        return code

    def _failure(self, code: int) -> str:
        """What is reported of a command that failed (assumed: command_failure_text)."""
        if code == -signal.SIGKILL:
            return "Execution failed. The process was killed; the machine may have run out of memory."
        with (self._folder / "std_log.txt").open("rb") as stream:
            stream.seek(-min(_TAIL_BYTES, stream.seek(0, os.SEEK_END)), os.SEEK_END)
            lines = stream.read().decode("utf-8", errors="replace").splitlines()
        last = next((line for line in reversed(lines) if line.strip()), "")[:LAST_LINE]
        return (
            f"Execution failed. User process exited with status code {code}. Please check log file "
            f"'{STEP_LOG}' for error details." + (f" Error: {last}" if last else "")
        )
