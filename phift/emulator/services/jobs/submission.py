"""What is in the body of a job PUT, checked as the service checks it before it accepts a job.

Texts of input validation are not recorded (assumed: job_validation_texts): status, code and the named input are what
clients can rely on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from phift.emulator.core.errors import OPERATIONS_PAGE, ServiceError, not_supported
from phift.emulator.runtime.training.steps import PIPELINES
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.jobs.nodes import Work, as_node, in_order, read_node

__all__ = ["Submission", "check_name", "read_submission"]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_TYPES = ("Pipeline", "Command")
_NOT_HERE = ("Sweep", "AutoML", "Spark", "Labeling", "FineTuning")
_NO_COMMANDS = (
    f"not run here: the embedded Azure ML trains models and runs no commands of others. What it has: {OPERATIONS_PAGE}"
)
_NO_OTHERS = (
    "not trained here: the embedded Azure ML trains pipelines whose nodes are all of component "
    f"{', '.join(PIPELINES)}. What it has: {OPERATIONS_PAGE}"
)


@dataclass(frozen=True)
class Submission:
    """properties: of the request. works: its nodes in the order they run, none when the job is accepted but cannot be
    trained here, for `refusal`."""

    properties: dict[str, Any]
    works: tuple[Work, ...] = ()
    refusal: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    def work_documents(self) -> list[dict[str, Any]]:
        return [asdict(work) for work in self.works]


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
    """The job in a PUT body. Raises ServiceError 400 for what is malformed and 404 for what does not exist."""
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise ServiceError(400, "RequestInvalid", "The request needs an object 'properties'.", target="properties")
    job_type = properties.get("jobType")
    if job_type not in _TYPES:
        if job_type in _NOT_HERE:
            raise not_supported(f"{job_type} jobs are")
        raise ServiceError(400, "RequestInvalid", f"Unknown jobType '{job_type}'.", target="properties.jobType")
    for name in ("inputs", "outputs", "jobs", "tags", "properties", "settings"):
        if not isinstance(properties.get(name) or {}, dict):
            raise ServiceError(400, "RequestInvalid", f"'{name}' must be an object.", target=f"properties.{name}")
    tags = {str(key): str(value) for key, value in (properties.get("tags") or {}).items()}
    if job_type == "Command":
        return _command(properties, tags)
    nodes: dict[str, Any] = properties.get("jobs") or {}
    if not nodes and properties.get("componentId"):
        nodes = as_node(properties)
    if not nodes:
        raise ServiceError(
            400, "UserError", "Pipeline job needs at least one node in 'jobs'.", target="properties.jobs"
        )
    works = [read_node(emulator, name, properties, nodes) for name in nodes]
    trained = [work for work in works if work is not None]
    if len(trained) < len(works):
        return Submission(properties, refusal=_NO_OTHERS, tags=tags)
    return Submission(properties, tuple(in_order(trained)), tags=tags)


def _command(properties: dict[str, Any], tags: dict[str, str]) -> Submission:
    """A command job is accepted as the service accepts it, and fails when its turn comes."""
    for name in ("command", "environmentId"):
        if not properties.get(name):
            raise ServiceError(400, "UserError", f"A command job needs '{name}'.", target=f"properties.{name}")
    return Submission(properties, refusal=_NO_COMMANDS, tags=tags)
