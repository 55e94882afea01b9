"""The hosts of online endpoints: {endpoint}.{location}.inference.ml.azure.com."""

from __future__ import annotations

from starlette.responses import Response

from phift.emulator.core.routing import Host, Route
from phift.emulator.services.emulator import Call, emulators
from phift.emulator.services.endpoints.state import ENDPOINT
from phift.emulator.services.scoring.gateway import Denied, authorize, forward

__all__ = ["ROUTES"]


async def _score(call: Call) -> Response:
    """Any path of the container: /score, /swagger.json, / for its health, or what a script of the user's adds."""
    name, _, rest = call.hostname.partition(".")
    try:
        for emulator in emulators(call.emulator.cloud):
            if rest == f"{emulator.workspace.location}.inference.ml.azure.com" and (
                record := emulator.store.get(ENDPOINT, name)
            ):
                break
        else:
            raise Denied(404, "endpoint_not_found", f"There is no endpoint at {call.hostname}.")
        authorize(emulator, record, call.request.headers.get("authorization", ""))
        return await forward(emulator, record, call.request)
    except Denied as denied:
        return denied.response()


ROUTES = tuple(
    Route(Host.INFERENCE, method, path, _score, public=True)
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS")
    for path in ("/", "/{path:path}")
)
