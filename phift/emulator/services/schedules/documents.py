"""Documents of schedules, and the jobs that they create."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from phift.emulator.core.documents import system_data, touched
from phift.emulator.core.errors import ServiceError, not_supported
from phift.emulator.core.validation import text_map
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.jobs.record import SCHEDULE_ID, find_job
from phift.emulator.services.schedules.state import Schedule
from phift.emulator.services.schedules.triggers import BadTrigger, read_trigger

__all__ = ["job_body", "job_name", "refusal", "written"]

_OTHER_ACTIONS = ("CreateMonitor", "ImportData", "InvokeBatchEndpoint")
_TYPES = ("Pipeline", "Command", "Spark")
_TRIGGER_TIME = "${{creation_context.trigger_time}}"
_TEMPLATED = ("inputs", "outputs", "jobs")


def written(emulator: Emulator, name: str, body: Mapping[str, Any], old: Schedule | None) -> Schedule:
    """The stored schedule. Raises ServiceError for what the service refuses; nothing is stored or started."""
    sent = body.get("properties")
    if not isinstance(sent, dict):
        raise refusal("The field properties is required.", "properties")
    for field in ("action", "trigger"):
        if not isinstance(sent.get(field), dict):
            raise refusal(f"The field {field} is required.", f"properties.{field}")
    enabled = sent.get("isEnabled")
    if enabled is not None and not isinstance(enabled, bool):
        raise refusal("isEnabled must be true or false.", "properties.isEnabled")
    now = emulator.clock.now()
    created = old.created if old else now.timestamp()
    _check_trigger(sent["trigger"], datetime.fromtimestamp(created, UTC))
    document = {
        "id": f"{emulator.workspace.arm_id}/schedules/{name}",
        "name": name,
        "type": "Microsoft.MachineLearningServices/workspaces/schedules",
        "properties": {
            "description": sent.get("description"),
            "tags": text_map(sent.get("tags"), "tags"),
            "properties": text_map(sent.get("properties"), "properties"),
            "displayName": sent.get("displayName"),
            "isEnabled": True if enabled is None else enabled,
            "provisioningState": "Updating" if old else "Creating",
            "trigger": {
                "timeZone": "UTC",
                **{key: value for key, value in sent["trigger"].items() if value is not None},
            },
            "action": {"actionType": "CreateJob", "jobDefinition": _definition(emulator, sent["action"])},
        },
        "systemData": touched(old.document["systemData"]) if old else system_data(),
    }
    return Schedule(document, created)


def _check_trigger(sent: Mapping[str, Any], created: datetime) -> None:
    try:
        read_trigger(sent, created)
    except BadTrigger as error:
        raise refusal(str(error), f"properties.trigger.{error.field}") from error
    except LookupError as error:
        raise refusal(f"The time zone '{sent.get('timeZone')}' is unknown.", "properties.trigger.timeZone") from error


def _definition(emulator: Emulator, action: Mapping[str, Any]) -> dict[str, Any]:
    """The job that the schedule creates, whole: one that only names a job is completed from that."""
    kind = action.get("actionType")
    if kind in _OTHER_ACTIONS:
        raise not_supported(f"Schedules with the action {kind} are")
    if kind != "CreateJob":
        raise refusal(f"The action type {kind!r} is invalid.", "properties.action.actionType")
    sent = action.get("jobDefinition")
    if not isinstance(sent, dict):
        raise refusal("The field jobDefinition is required.", "properties.action.jobDefinition")
    job_type = sent.get("jobType")
    if job_type not in _TYPES:
        text = f"Schedules create pipeline, command and Spark jobs, not jobs of type {job_type!r}."
        raise refusal(text, "properties.action.jobDefinition.jobType")
    source = sent.get("sourceJobId")
    if not source or sent.get("jobs"):
        return dict(sent)
    name = str(source).rpartition("/")[2].removeprefix("azureml:")
    job = find_job(emulator.store, name)
    if job is None:
        raise ServiceError(404, "UserError", f"Job {name} not found.", inner=("NotFound", "JobNotFound"))
    own = {key: value for key, value in sent.items() if value not in (None, "", {}, [])}
    return {**job.submitted, **own, "sourceJobId": source}


def job_name(schedule: Schedule, moment: datetime, number: int = 0) -> str:
    """NAME-20260131T120000Z (Azure docs); a number follows where several are created in one second."""
    return f"{schedule.name}-{moment:%Y%m%dT%H%M%SZ}{f'-{number}' if number else ''}"


def job_body(schedule: Schedule, moment: datetime) -> dict[str, Any]:
    """The body of the PUT that creates a job for a moment: the definition with the trigger's time in its inputs,
    outputs and nodes, and the schedule's name among its properties."""
    definition: dict[str, Any] = dict(schedule.properties["action"]["jobDefinition"])
    time = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    filled = {key: _filled(definition[key], time) for key in _TEMPLATED if definition.get(key)}
    properties = {**(definition.get("properties") or {}), SCHEDULE_ID: schedule.name}
    names = {"displayName": job_name(schedule, moment), "experimentName": definition.get("experimentName") or None}
    return {"properties": {**definition, **filled, **names, "properties": properties}}


def _filled(value: Any, time: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, time) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, time) for each in value]
    return value.replace(_TRIGGER_TIME, time) if isinstance(value, str) else value


def refusal(message: str, target: str | None = None) -> ServiceError:
    """400 in the words of the emulator (assumed: schedule_texts)."""
    return ServiceError(400, "UserError", message, target=target, inner="BadArgument")
