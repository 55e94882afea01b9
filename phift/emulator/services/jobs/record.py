"""Stored jobs and runs."""

from __future__ import annotations

import time
import uuid
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from phift.emulator.core.clock import Clock
from phift.emulator.core.documents import timestamp
from phift.emulator.core.store import Store

__all__ = ["SCHEDULE_ID", "Job", "Run", "Status", "all_jobs", "find_job", "find_run", "jobs_of_status"]

_JOB, _RUN = "job", "run"
SCHEDULE_ID = "azureml.scheduleId"
"""The property by which a job names the schedule that created it (assumed: scheduled_jobs)."""


class Status(StrEnum):
    """The service's words for the state of a job or run."""

    NOT_STARTED = "NotStarted"
    QUEUED = "Queued"
    PREPARING = "Preparing"
    RUNNING = "Running"
    FINALIZING = "Finalizing"
    CANCEL_REQUESTED = "CancelRequested"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"

    @property
    def ended(self) -> bool:
        return self in (Status.COMPLETED, Status.FAILED, Status.CANCELED)


@dataclass
class Run:
    """An entry of run history: the job itself, a pipeline or sweep inside it, one of its steps, or a trial.

    parent, root: run ids; "" and the own id for a job. kind: job, pipeline, sweep, step or trial. node: its name in the
    parent. component: `name:version`, "" for a job. started, ended: seconds since the epoch, 0 until then.
    compute: name of the cluster, "" for serverless. reused: the run whose work this one takes over, "" for none.
    path: of a node, as `works` has it, "" for the steps of a trained component. display_name: "" to show `node`.
    hyperparameters: of a trial. results: properties that the service adds to a sweep that is a node.
    """

    run_id: str
    root: str
    parent: str
    kind: str
    node: str
    component: str
    number: int
    status: Status = Status.NOT_STARTED
    created: str = field(default_factory=timestamp)
    modified: str = field(default_factory=timestamp)
    started: float = 0.0
    ended: float = 0.0
    error: str = ""
    error_code: str = ""
    revision: int = 1
    compute: str = ""
    reused: str = ""
    path: str = ""
    display_name: str = ""
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)

    @classmethod
    def child(cls, parent: Run, *, kind: str, node: str, component: str, path: str = "", display_name: str = "") -> Run:
        """A new run below `parent`, with a GUID of its own."""
        number = int(time.time())
        return cls(
            str(uuid.uuid4()),
            parent.root,
            parent.run_id,
            kind,
            node,
            component,
            number,
            path=path,
            display_name=display_name,
        )

    def save(self, store: Store) -> None:
        self.modified = timestamp()
        self.revision += 1
        store.put(_RUN, self.run_id, body=asdict(self))

    def enter(self, status: Status, store: Store) -> None:
        """Change the status, noting when the run began or ended by the service's clock."""
        if status is Status.RUNNING and not self.started:
            self.started = Clock(store).time()
        if status.ended:
            self.ended = self.started if self.reused else Clock(store).time()
        self.status = status
        self.save(store)

    @classmethod
    def load(cls, body: dict[str, Any]) -> Run:
        return cls(**{**body, "status": Status(body["status"])})


@dataclass
class Job:
    """A submitted job.

    submitted: the `properties` of the request as it was first sent. tags, properties, display_name, description,
    archived: as later writes changed them. works: what submission made of its nodes (see `works.Work`), none for a job
    that cannot run here, for `refusal`. attempts: how often it started. runs: ids of the runs below it, oldest first.
    reused: outputs that another job made, by name: [job, its name for the output]. results: properties that the service
    adds to a sweep, such as its best trial.
    """

    name: str
    submitted: dict[str, Any]
    tags: dict[str, str]
    properties: dict[str, Any]
    display_name: str
    description: str | None
    archived: bool
    created: str
    works: list[dict[str, Any]]
    refusal: str = ""
    attempts: int = 0
    runs: list[str] = field(default_factory=list)
    reused: dict[str, list[str]] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """Of a pipeline, as they were sent."""
        return self.submitted.get("settings") or {}

    @property
    def job_type(self) -> str:
        return str(self.submitted.get("jobType", ""))

    @property
    def experiment(self) -> str:
        return str(self.submitted.get("experimentName") or "Default")

    def save(self, store: Store) -> None:
        store.put(_JOB, self.name, body=asdict(self))

    def delete(self, store: Store) -> None:
        """Remove the job and its runs from the store."""
        with store.transaction():
            for run_id in (*self.runs, self.name):
                store.delete(_RUN, run_id)
            store.delete(_JOB, self.name)

    def run(self, store: Store) -> Run:
        """The job's own run."""
        run = find_run(store, self.name)
        if run is None:
            raise LookupError(f"job {self.name} has no run")
        return run


def find_job(store: Store, name: str) -> Job | None:
    body = store.get(_JOB, name)
    return None if body is None else Job(**body)


def find_run(store: Store, run_id: str) -> Run | None:
    body = store.get(_RUN, run_id)
    return None if body is None else Run.load(body)


def all_jobs(store: Store) -> list[Job]:
    """In order of creation."""
    return [Job(**body) for body in store.list(_JOB)]


def jobs_of_status(store: Store, *, ended: bool) -> list[tuple[Job, Run]]:
    """Jobs with their own runs, in order of creation."""
    pairs = ((job, job.run(store)) for job in all_jobs(store))
    return [(job, run) for job, run in pairs if run.status.ended is ended]
