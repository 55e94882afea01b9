"""Telemetry ends here: it carries subscription ids and must not leave the machine."""

from __future__ import annotations

from starlette.responses import Response

from phift.emulator.core.documents import reply
from phift.emulator.core.routing import Host, Route
from phift.emulator.services.emulator import Call

__all__ = ["ROUTES"]


async def _accept(call: Call) -> Response:
    await call.request.body()
    return reply({"itemsReceived": 1, "itemsAccepted": 1, "errors": []})


ROUTES = tuple(
    Route(Host.TELEMETRY, method, "/{rest:path}", _accept, public=True) for method in ("GET", "POST", "PUT", "OPTIONS")
)
