"""The workspace's tracking URI: MLflow's own server behind Azure's path, with the gaps Azure has (field reports).

`logged-models` is not there (404, empty body), traces are refused (403). The model registry is that of the workspace's
models. All else is passed on.
"""

from __future__ import annotations

import re

from starlette.responses import Response

from phift.emulator.core.errors import ServiceError
from phift.emulator.core.routing import WS, Host, Route
from phift.emulator.core.validation import lenient_object
from phift.emulator.runtime.tracking.server import TrackingError
from phift.emulator.services.emulator import Call
from phift.emulator.services.mlflow.models import answer, known
from phift.emulator.services.mlflow.sources import DOWNLOADS, artifact

__all__ = ["ROUTES"]

_DOWNLOADS = re.compile(rf"[\d.]+/mlflow-artifacts/artifacts(?:/{DOWNLOADS}/(?P<path>.+))?/?")

_PASSED_ON = ("content-type", "accept", "user-agent")
_PASSED_BACK = ("content-type", "content-disposition")
_SEGMENTS = f"/mlflow/version{WS}/api/".count("/")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


async def tracking(call: Call) -> Response:
    """Pass the request on to the tracking server, which is started when it does not run."""
    rest = call.params["rest"]
    parts = rest.lower().split("/")
    if "logged-models" in parts:
        return Response(status_code=404)
    if "traces" in parts:
        raise ServiceError(403, "Forbidden", "Traces are not available in this workspace.")
    _, _, resource = rest.partition("/mlflow/")
    if known(resource):
        return await answer(call, resource)
    if found := _DOWNLOADS.fullmatch(rest):
        asked = found["path"] or ""
        if asked or call.query("path").strip("/").startswith(f"{DOWNLOADS}/"):
            return await artifact(call, asked)
    raw_path: bytes = call.request.scope.get("raw_path") or call.request.scope["path"].encode()
    # the path as it was sent, from /api/ on: artifact names may hold encoded characters
    target = "/api/" + "/".join(raw_path.decode("ascii").split("?")[0].split("/")[_SEGMENTS:])
    if query := call.request.url.query:
        target += f"?{query}"
    body = await call.request.body()
    if body and "mlflow-artifacts" not in parts:
        await lenient_object(call, "MlflowRequest")  # MLflow's server fails on what is not of these kinds
    headers = {name: value for name in _PASSED_ON if (value := call.request.headers.get(name))}
    try:
        passed = await call.emulator.tracking.request(call.request.method, target, body, headers)
    except TrackingError as error:
        raise ServiceError(503, "ServiceUnavailable", str(error)) from error
    back = {name: passed.headers[name] for name in _PASSED_BACK if name in passed.headers}
    return Response(passed.body, passed.status, headers=back)


ROUTES = tuple(
    Route(Host.DATA_PLANE, method, f"/mlflow/{version}{WS}/api/{{rest:path}}", tracking)
    for version in ("v1.0", "v2.0")
    for method in _METHODS
)
