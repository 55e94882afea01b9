"""What is in the body of a job PUT, checked as the service checks it before it accepts a job.

Texts of input validation are not recorded (assumed: job_validation_texts): status, code and the named input are what
clients can rely on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from phift.emulator.core.errors import OPERATIONS_PAGE, ServiceError, not_supported
from phift.emulator.services.assets.environments import check_environment
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.jobs.bindings import objects
from phift.emulator.services.jobs.commands import distributed, read_job_command
from phift.emulator.services.jobs.nodes import as_node, read_pipeline
from phift.emulator.services.jobs.sweep.settings import read_sweep
from phift.emulator.services.jobs.works import Command, Training

__all__ = ["JOB_TYPES", "Submission", "check_name", "read_submission"]

JOB_TYPES = ("Pipeline", "Command", "Sweep")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_NOT_HERE = ("AutoML", "Spark", "Labeling", "FineTuning", "Distillation", "Import", "Base")
_OBJECTS = ("inputs", "outputs", "jobs", "tags", "properties", "settings")


@dataclass(frozen=True)
class Submission:
    """properties: of the request. works: its nodes in the order they run, none when the job is accepted but cannot run
    here, for `refusal`."""

    properties: dict[str, Any]
    works: tuple[Training | Command, ...] = ()
    refusal: str = ""
    tags: dict[str, str] = field(default_factory=dict)


def check_name(name: str) -> None:
    """Raises ServiceError 400 for a name no job may have; those left are safe as names of folders."""
    if not _NAME.fullmatch(name):
        raise ServiceError(
            400,
            "RequestInvalid",
            "Resource name is invalid. Resource name can only contain alphanumeric characters, dashes, and underscores,"
            " with a limit of 255 characters.",
        )


def read_submission(emulator: Emulator, body: Mapping[str, Any]) -> Submission:
    """The job in a PUT body. Raises ServiceError 400 for what is malformed, 404 for what does not exist, 501 for types
    of jobs that are not emulated."""
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise ServiceError(400, "RequestInvalid", "The request needs an object 'properties'.", target="properties")
    job_type = properties.get("jobType")
    if job_type in _NOT_HERE:
        raise not_supported(f"{job_type} jobs are")
    if job_type not in JOB_TYPES:
        raise ServiceError(400, "RequestInvalid", f"Unknown jobType '{job_type}'.", target="properties.jobType")
    for name in _OBJECTS:
        if not isinstance(properties.get(name) or {}, dict):
            raise ServiceError(400, "RequestInvalid", f"'{name}' must be an object.", target=f"properties.{name}")
    tags = {str(key): str(value) for key, value in (properties.get("tags") or {}).items()}
    read = {"Pipeline": _pipeline, "Command": _command, "Sweep": _sweep}[job_type]
    works, refusal = read(emulator, properties)
    return Submission(properties, tuple(works), refusal, tags)


def _pipeline(emulator: Emulator, properties: dict[str, Any]) -> tuple[list[Training | Command], str]:
    nodes: dict[str, Any] = properties.get("jobs") or {}
    if not nodes and properties.get("componentId"):
        nodes = as_node(properties)
    if not nodes:
        raise ServiceError(
            400, "UserError", "Pipeline job needs at least one node in 'jobs'.", target="properties.jobs"
        )
    return read_pipeline(emulator, properties, nodes)


def _command(emulator: Emulator, properties: dict[str, Any]) -> tuple[list[Training | Command], str]:
    _check_command(emulator, properties, "properties")
    return _of_command(
        read_job_command(emulator, properties, properties), properties.get("distribution"), properties.get("resources")
    )


def _sweep(emulator: Emulator, properties: dict[str, Any]) -> tuple[list[Training | Command], str]:
    """The work is the command of all trials."""
    trial = objects(properties.get("trial"))
    _check_command(emulator, trial, "properties.trial")
    _, timeout = read_sweep(properties)
    command = replace(read_job_command(emulator, properties, trial), timeout=timeout)
    resources = trial.get("resources") or properties.get("resources")
    return _of_command(command, trial.get("distribution"), resources)


def _check_command(emulator: Emulator, sent: Mapping[str, Any], target: str) -> None:
    for name in ("command", "environmentId"):
        if not sent.get(name):
            raise ServiceError(400, "UserError", f"A command job needs '{name}'.", target=f"{target}.{name}")
    check_environment(emulator, str(sent["environmentId"]), own=True)


def _of_command(command: Command, distribution: Any, resources: Any) -> tuple[list[Training | Command], str]:
    if why := distributed(distribution, objects(resources)):
        return [], f"The command is not run here: {why}. What the emulator has: {OPERATIONS_PAGE}"
    return [command], ""
