"""One node of a job from its first step to its last: what the training of a component and a command have in common."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from phift.emulator.core.context import Context
from phift.emulator.core.errors import ServiceError
from phift.emulator.runtime.child import Work
from phift.emulator.runtime.tracking.metrics import MetricsSender
from phift.emulator.runtime.tracking.server import TrackingServer
from phift.emulator.runtime.training.workers import Workers
from phift.emulator.services.assets.locations import BlobPlace, RegistryModel, place_of
from phift.emulator.services.blob.account import BlobAccount
from phift.emulator.services.jobs import reuse
from phift.emulator.services.jobs.logs import RunLog
from phift.emulator.services.jobs.outputs import output_place
from phift.emulator.services.jobs.record import Job, Run, Status, find_job
from phift.emulator.services.jobs.works import Command, Output, Training, node_output

__all__ = [
    "Assignment",
    "JobFailure",
    "JobTimeout",
    "NodeCanceled",
    "NodeRun",
    "Platform",
    "RegisterOutput",
    "ReusableNode",
]

W = TypeVar("W", bound=Training | Command)
_REUSABLE = ("pipeline", "step")
"""The kinds of runs that are nodes of a pipeline: a single command and a trial always run."""

RegisterOutput = Callable[[Output, BlobPlace, str], str]
"""Registers an output as the asset that it names, from its place and the job's name; returns the asset's version."""


@dataclass(frozen=True)
class Platform:
    """What nodes run on: the emulator's context, storage account, tracking server, training processes and assets."""

    context: Context
    blobs: BlobAccount
    tracking: TrackingServer
    workers: Workers
    register: RegisterOutput


class JobFailure(Exception):
    """A node, and so its job, cannot continue. code: UserError, SystemError or ExecutionFailed."""

    def __init__(self, message: str, code: str = "UserError") -> None:
        super().__init__(message)
        self.code = code


class NodeCanceled(JobFailure):
    """A node was canceled by itself."""


class JobTimeout(JobFailure):
    """A node has run for as long as it may."""


@dataclass(frozen=True)
class Assignment(Generic[W]):
    """What a node is given. folder: its own, removed at the end. log: of the job. earlier: the nodes that have
    completed, by path."""

    platform: Platform
    job: Job
    work: W
    record: Run
    folder: Path
    log: RunLog
    metrics: MetricsSender
    earlier: Mapping[str, NodeRun[Any]]


class NodeRun(ABC, Generic[W]):
    """Runs one node. It may be killed at any time; the node then is as the last event left it.

    record: its run. places: where its outputs lie, once it has completed. key: what it was made of, so that it can be
    reused.
    """

    def __init__(self, given: Assignment[W]) -> None:
        self._platform = given.platform
        self._context = given.platform.context
        self._blobs = given.platform.blobs
        self._store = given.platform.context.store
        self._job = given.job
        self._work = given.work
        self._folder = given.folder
        self._log = given.log
        self._metrics = given.metrics
        self._earlier = given.earlier
        self._outputs = given.work.kept
        self._child: Work | None = None
        self._killed = False
        self.record = given.record
        self.places: dict[str, BlobPlace] = {}
        self.key = ""

    def kill(self) -> None:
        """End its processes now."""
        self._killed = True
        if self._child:
            self._child.kill()

    async def run(self) -> None:
        """Run the node to its end, or reuse the outputs of an earlier job. Raises JobFailure when it fails."""
        try:
            if not await self._reuse():
                await self._execute()
        except ServiceError as error:
            raise JobFailure(error.message) from error
        except OSError as error:
            where = error.filename or "job folder"
            raise JobFailure(f"{error.strerror or error}: {where}", "SystemError") from error
        finally:
            if self._child:
                self._child.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def locate(self) -> None:
        """Know where the outputs lie of a node that completed before the emulator was stopped."""
        self.places = {output.component_name: self._own_place(output) for output in self._outputs}

    @abstractmethod
    async def _execute(self) -> None:
        """Do the node's work. Raises JobFailure, or ServiceError and OSError, which become one."""

    async def _reuse(self) -> bool:
        """Return whether an earlier job's node is reused."""
        return False

    async def _link(self, source: BlobPlace, target: BlobPlace, staging: Path) -> None:
        """The blobs of both are one file until one of them is overwritten."""
        account = self._blobs
        if not any(reuse.blobs_at(account, source)):
            return
        if account.exists(source.container, source.path):
            [file] = await account.export(source.container, source.path, staging)
            await account.put_file(target.container, target.path, file)
            return
        await account.export(source.container, source.path + "/", staging)
        await account.put_folder(target.container, target.path + "/", staging)

    def _place_of(self, uri: str, kind: str) -> BlobPlace | RegistryModel:
        if bound := node_output(uri):
            return self._earlier[bound.node].places[bound.name]
        return place_of(self._context, uri, kind)

    async def _fetch(self, name: str, place: BlobPlace, uri: str) -> Path:
        """The input's blobs as a file or folder of the node. Raises JobFailure if there is none."""
        account, target = self._blobs, self._folder / "inputs" / name
        is_file = account.exists(place.container, place.path)
        try:
            # copies, not links: a step may write into its inputs, the store must never notice
            prefix = place.path if is_file else place.path + "/" if place.path else ""
            await account.export(place.container, prefix, target, link=False)
        except ServiceError as error:
            raise JobFailure(f"input {name}: nothing is at {uri}") from error
        return target / Path(place.path).name if is_file else target

    def _own_place(self, output: Output) -> BlobPlace:
        """The job's own outputs go where the user says; those that only other nodes read go under the node's run."""
        owner = self._job.name if output.job_name and self.record.kind != "trial" else self.record.run_id
        return output_place(self._context, owner, output.job_name or output.component_name, output.uri)

    def _keep(self, output: Output, place: BlobPlace, *, complete: bool = True) -> None:
        """An output lies at its place. One that is complete is registered, if it names an asset."""
        self.places[output.component_name] = place
        if output.asset_name and complete:
            version = self._platform.register(output, place, self.record.run_id)
            self._log.say(f"Output {output.component_name} is registered as {output.asset_name}:{version}.")

    def _reload(self) -> Job:
        """The job as it is now: its metadata may be changed while it runs."""
        self._job = find_job(self._store, self._job.name) or self._job
        return self._job

    def _new_run(self, parent: Run, kind: str, node: str, component: str, reused: str = "") -> Run:
        """A run below the node's own, which runs from now on."""
        run = Run.child(parent, kind=kind, node=node, component=component)
        run.compute, run.reused = self.record.compute, reused
        run.enter(Status.RUNNING, self._store)
        job = self._reload()
        job.runs.append(run.run_id)
        job.save(self._store)
        self._metrics.make_run(run.run_id, experiment=job.experiment, name=node, parent=parent.run_id, root=job.name)
        return run


class ReusableNode(NodeRun[W]):
    """Runs a node, or uses the outputs of an earlier job's node that was made of the same."""

    def __init__(self, given: Assignment[W]) -> None:
        super().__init__(given)
        if given.record.kind in _REUSABLE:
            self.key = self._key()

    def _key(self) -> str:
        keys = {name: each.key for name, each in self._earlier.items()}
        return reuse.key(self._store, self._blobs, self._work, keys, self._place_of, self._job.settings)

    @abstractmethod
    def _took_over(self, found: reuse.Reusable) -> None:
        """Record that the outputs of an earlier job's node are used."""

    async def _reuse(self) -> bool:
        """Whether an earlier job's node is reused: its steps are reported as reused, its outputs are linked."""
        found = reuse.find(self._store, self._blobs, self.key, [output.component_name for output in self._outputs])
        if found is None:
            return False
        staging = self._folder / "reused"
        for output in self._outputs:
            source, target = found.places[output.component_name], self._own_place(output)
            shutil.rmtree(staging, ignore_errors=True)
            await self._link(source, target, staging)
            self._keep(output, target)
        job = self._reload()
        job.reused |= {
            output.job_name: [found.job, found.outputs[output.component_name]]
            for output in self._outputs
            if output.job_name and found.outputs.get(output.component_name)
        }
        job.save(self._store)
        self._took_over(found)
        return True
