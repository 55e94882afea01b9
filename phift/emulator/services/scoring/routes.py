"""The hosts of online endpoints: {endpoint}.{location}.inference.ml.azure.com."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from phift.emulator.core.routing import Host, Route
from phift.emulator.services.emulator import Call, Emulator, emulators
from phift.emulator.services.endpoints.state import ENDPOINT
from phift.emulator.services.endpoints.traffic import mirror_in_force, sampled
from phift.emulator.services.scoring.gateway import (
    DEPLOYMENT_HEADER,
    Asked,
    Denied,
    Relay,
    authorize,
    choose,
    deliver,
)
from phift.emulator.services.scoring.measured import Measured
from phift.emulator.services.scoring.mirroring import mirror

__all__ = ["ROUTES"]


async def _score(call: Call) -> Response:
    """Any path of the container: /score, /swagger.json, / for its health, or what a script of the user's adds."""
    request = call.request
    name, _, rest = call.hostname.partition(".")
    for emulator in emulators(call.emulator.cloud):
        if rest == f"{emulator.workspace.location}.inference.ml.azure.com" and (
            record := emulator.store.peek(ENDPOINT, name)
        ):
            break
    else:
        return Denied(404, "endpoint_not_found", f"There is no endpoint at {call.hostname}.").response()
    emulator.metrics.connected(name, request.scope["state"]["connection"])
    measured = Measured(emulator.metrics, name)
    try:
        response = await _answer(emulator, record, request, measured)
    except Denied as denied:
        response = denied.response()
    if not isinstance(response, Relay):
        measured.done(response.status_code, len(response.body))
    return response


async def _answer(emulator: Emulator, record: dict[str, Any], request: Request, measured: Measured) -> Response:
    """The answer of the deployment that the request names or the traffic picks. One that names none may be mirrored."""
    authorize(emulator, record, request.headers.get("authorization", ""))
    asked = await Asked.read(request)
    measured.received = len(asked.body)
    named = request.headers.get(DEPLOYMENT_HEADER, "")
    target = choose(emulator, record, named)
    if not named and (copied := sampled(mirror_in_force(record))):
        mirror(emulator, record["document"]["name"], copied, asked)
    return await deliver(target, asked, measured)


ROUTES = tuple(
    Route(Host.INFERENCE, method, path, _score, public=True)
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS")
    for path in ("/", "/{path:path}")
)
