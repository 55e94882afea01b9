"""Admin requests, on the proxy's own port: status, request log, faults, pace, stop."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from starlette.responses import Response

from phift.emulator.core import assumed
from phift.emulator.core.assumed import ASSUMED
from phift.emulator.core.context import Control
from phift.emulator.core.documents import empty, reply
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.pace import PACES, pace_of
from phift.emulator.core.quota import Quota
from phift.emulator.core.routing import Host, Route
from phift.emulator.services.emulator import Call

__all__ = ["ROUTES"]

_FIRST_YEAR, _LAST_YEAR = 2015, 2100


def _control(call: Call) -> Control:
    if call.emulator.cloud.control is None:
        raise ServiceError(409, "NoServer", "This emulator is not run by a server.")
    return call.emulator.cloud.control


async def _status(call: Call) -> Response:
    return reply(_control(call).status())


async def _requests(call: Call) -> Response:
    count = call.number("count")
    return reply({"value": call.emulator.cloud.request_log.tail(100 if count is None else count)})


async def _stop(call: Call) -> Response:
    _control(call).stopping.set()
    return reply({"stopping": True}, 202)


async def _reset(call: Call) -> Response:
    await _control(call).reset()
    return empty(204)


async def _faults(call: Call) -> Response:
    return reply({"value": call.emulator.cloud.faults.list()})


async def _add_fault(call: Call) -> Response:
    return reply({"id": call.emulator.cloud.faults.add(await call.object()).id}, 201)


async def _clear_faults(call: Call) -> Response:
    call.emulator.cloud.faults.clear()
    return empty(204)


async def _settings(call: Call) -> Response:
    pace = call.emulator.cloud.pace
    return reply({"pace": pace.name, "speed": pace.speed, "noise": call.emulator.cloud.noise})


async def _change_settings(call: Call) -> Response:
    """Kept over restarts. pace: fast or faithful. speed: how many times faster than Azure the faithful pace goes; it is
    1 again when a pace comes without it. noise: true or false."""
    body: dict[str, Any] = await call.object()
    if unknown := sorted(set(body) - {"pace", "speed", "noise"}):
        raise ServiceError(400, "RequestInvalid", f"Unknown setting: {', '.join(unknown)}")
    speed = body.get("speed", 1)
    if isinstance(speed, bool) or not isinstance(speed, int | float) or speed < 1:
        raise ServiceError(400, "RequestInvalid", "speed must be a number of at least 1")
    name = body.get("pace", call.emulator.cloud.pace.name)
    if not isinstance(name, str) or name not in PACES:
        raise ServiceError(400, "RequestInvalid", f"pace must be one of: {', '.join(PACES)}")
    if "pace" in body or "speed" in body:
        body |= {"pace": name, "speed": speed}
        call.emulator.cloud.pace = pace_of(name, speed)
        call.emulator.cloud.clock.set(speed=call.emulator.pace.speed)
    if "noise" in body:
        if not isinstance(body["noise"], bool):
            raise ServiceError(400, "RequestInvalid", "noise must be true or false")
        call.emulator.cloud.noise = body["noise"]
    if call.emulator.cloud.control:
        call.emulator.cloud.control.remember(**body)
    return await _settings(call)


async def _clock(call: Call) -> Response:
    clock = call.emulator.clock
    return reply({"now": clock.now().isoformat(), "speed": clock.speed})


async def _change_clock(call: Call) -> Response:
    """{"now": a time of ISO 8601 with its offset}: the service's clock continues from it until a reset; null: it
    follows the machine's again, at the pace's speed."""
    body = await call.object()
    if set(body) != {"now"}:
        raise ServiceError(400, "RequestInvalid", "The clock needs now, and nothing else.")
    clock = call.emulator.clock
    if body["now"] is None:
        clock.follow()
        clock.set(speed=call.emulator.pace.speed)
    else:
        clock.set(now=_moment(body["now"]))
    return await _clock(call)


def _moment(text: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise ValueError
    except (ValueError, TypeError):
        message = f"now must be a time like 2026-01-31T12:00:00Z, not {text!r}"
        raise ServiceError(400, "RequestInvalid", message) from None
    return moment


def _of_region(call: Call) -> Quota:
    """The quota of the region that ?location= names, in which there must be a workspace; of the home's own without."""
    if not (location := call.query("location")):
        return call.emulator.quota
    found = next(call.emulator.cloud.workspaces(location), None)
    if found is None:
        raise ServiceError(400, "RequestInvalid", f"There is no workspace in {location}")
    return found.quota


async def _quota(call: Call) -> Response:
    return reply({"limits": _of_region(call).limits(), "used": _of_region(call).used()})


async def _change_quota(call: Call) -> Response:
    """Limits in vCPUs by family name (as vmSizes writes it), dedicatedCores or lowPriorityCores."""
    body = await call.object()
    known = _of_region(call).limits()
    for name, vcpus in body.items():
        if name not in known or not isinstance(vcpus, int) or isinstance(vcpus, bool) or vcpus < 0:
            message = f"Not a quota: {name}={vcpus!r}. Names: {', '.join(known)}"
            raise ServiceError(400, "RequestInvalid", message)
    for name, vcpus in body.items():
        _of_region(call).set_limit(name, vcpus)
    return await _quota(call)


async def _assumed(call: Call) -> Response:
    """What is assumed of the service, and whether it holds now."""
    store = call.emulator.store
    return reply({name: {**asdict(each), "holds": assumed.holds(store, name)} for name, each in ASSUMED.items()})


async def _assume(call: Call) -> Response:
    """{name: true or false}; kept until a reset."""
    body = await call.object()
    for name, value in body.items():
        if name not in ASSUMED or not ASSUMED[name].switchable or not isinstance(value, bool):
            names = ", ".join(name for name, each in ASSUMED.items() if each.switchable)
            raise ServiceError(400, "RequestInvalid", f"Not an assumption: {name}={value!r}. Names: {names}")
    for name, value in body.items():
        assumed.switch(call.emulator.store, name, value)
    return await _assumed(call)


ROUTES = (
    Route(Host.ADMIN, "GET", "/assumed", _assumed),
    Route(Host.ADMIN, "PUT", "/assumed", _assume),
    Route(Host.ADMIN, "GET", "/status", _status),
    Route(Host.ADMIN, "GET", "/requests", _requests),
    Route(Host.ADMIN, "POST", "/stop", _stop),
    Route(Host.ADMIN, "POST", "/reset", _reset),
    Route(Host.ADMIN, "GET", "/clock", _clock),
    Route(Host.ADMIN, "PUT", "/clock", _change_clock),
    Route(Host.ADMIN, "GET", "/faults", _faults),
    Route(Host.ADMIN, "POST", "/faults", _add_fault),
    Route(Host.ADMIN, "DELETE", "/faults", _clear_faults),
    Route(Host.ADMIN, "GET", "/quota", _quota),
    Route(Host.ADMIN, "PUT", "/quota", _change_quota),
    Route(Host.ADMIN, "GET", "/settings", _settings),
    Route(Host.ADMIN, "PUT", "/settings", _change_settings),
)
