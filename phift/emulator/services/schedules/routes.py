"""Schedules: created and changed by PUT, disabled before they are deleted, triggered once by POST."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from phift.emulator.core.documents import empty, reply
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.listing import page
from phift.emulator.core.operations import RESULT, Operation
from phift.emulator.core.routing import WS, Host, Route
from phift.emulator.core.validation import check_asset_name, check_members, strict_object
from phift.emulator.services.emulator import Call
from phift.emulator.services.schedules.documents import refusal, written
from phift.emulator.services.schedules.state import Schedule, all_schedules, find_schedule

__all__ = ["ROUTES"]

_TIMEOUT = "PT30M"


async def _put(call: Call) -> Response:
    """201 for a new schedule, 200 for a change; either is an operation."""
    emulator, name = call.emulator, call.params["name"]
    check_asset_name(name)
    body = await strict_object(call, "ScheduleResource")
    old = find_schedule(emulator.store, name)
    if old is not None and old.properties["provisioningState"] == "Deleting":
        raise ServiceError(409, "Conflict", f"The schedule {old.name} is being deleted.")
    schedule = written(emulator, old.name if old else name, body, old)
    location = f"https://management.azure.com{schedule.document['id']}?api-version={call.api_version}"
    operation = _begin(call, schedule, "schedule.written", location)
    return reply(schedule.document, 200 if old else 201, operation.headers)


def _begin(call: Call, schedule: Schedule, finish: str, location: str) -> Operation:
    """Store a schedule, and start the operation that completes its change."""
    with call.emulator.store.transaction():
        schedule.save(call.emulator.store)
        return call.emulator.operations.start(
            "schedule",
            schedule.name,
            finish=finish,
            location=location,
            timeout=_TIMEOUT,
            api_version=call.api_version,
        )


async def _get(call: Call) -> Response:
    return reply(_existing(call).document)


async def _list(call: Call) -> Response:
    """listViewType: EnabledOnly (the default), DisabledOnly or All."""
    view = (call.query("listViewType") or "EnabledOnly").rsplit(".", 1)[-1].replace("_", "").lower()
    documents = (
        schedule.document
        for schedule in list(all_schedules(call.emulator.store))
        if view == "all" or schedule.properties["isEnabled"] == (view != "disabledonly")
    )
    return page(call, documents)


async def _delete(call: Call) -> Response:
    schedule = find_schedule(call.emulator.store, call.params["name"])
    if schedule is None:
        return Response(status_code=204)
    if schedule.properties["isEnabled"]:
        raise refusal(f"The schedule {schedule.name} is enabled. Disable it before you delete it.", "isEnabled")
    schedule.properties["provisioningState"] = "Deleting"
    schedule.due = None
    operation = _begin(call, schedule, "schedule.deleted", RESULT)
    return empty(202, operation.headers)


async def _trigger(call: Call) -> Response:
    """Create a job now, whatever the trigger says; the schedule must be enabled. scheduleTime: what counts as the
    trigger's time."""
    schedule = _existing(call)
    body = await call.object(needed=False)
    check_members(call, body, "TriggerOnceRequest")
    if not schedule.works:
        raise refusal(f"The schedule {schedule.name} is not enabled.", "isEnabled")
    name = call.emulator.schedules.fire(schedule, _moment(call, body.get("scheduleTime")))
    return reply({"scheduleActionType": "CreateJob", "submissionId": name})


def _moment(call: Call, text: str | None) -> datetime:
    if not text:
        return call.emulator.clock.now()
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise refusal(f"scheduleTime must be a time of ISO 8601, not {text!r}.", "scheduleTime") from None


def _existing(call: Call) -> Schedule:
    schedule = find_schedule(call.emulator.store, call.params["name"])
    if schedule is None:
        message = f"Schedule {call.params['name']} not found."
        raise ServiceError(404, "UserError", message, inner=("NotFound", "ScheduleNotFound"))
    return schedule


_PATH = WS + "/schedules/{name}"

ROUTES = (
    Route(Host.ARM, "GET", WS + "/schedules", _list),
    Route(Host.ARM, "GET", _PATH, _get),
    Route(Host.ARM, "PUT", _PATH, _put),
    Route(Host.ARM, "DELETE", _PATH, _delete),
    Route(Host.ARM, "POST", _PATH + "/trigger", _trigger),
)
