"""The one error that handlers raise, and the envelopes in which each host returns it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from phift.emulator.core.documents import timestamp

__all__ = [
    "OPERATIONS_PAGE",
    "GatewayError",
    "ServiceError",
    "arm_error",
    "blob_error",
    "data_plane_error",
    "detail",
    "gateway_error",
    "login_error",
    "not_supported",
]

OPERATIONS_PAGE = "docs/emulator.md#operations"
"""Where the documentation lists what is emulated; every 501 names it."""


class ServiceError(Exception):
    """What the service answers when it says no.

    status: HTTP status. code, message: the service's own. target: the field or resource meant.
    details: entries made with `detail`.
    inner: codes of the inner errors, outermost first, e.g. ("Immutable", "JobPropertyImmutable").
    parameters: the message's parameters as the service names them; message_format: the message with their names in it.
    component: which of the service's components says it. headers: added to the answer.
    info: further entries of Resource Manager's additionalInfo, such as the policy that was violated.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        target: str | None = None,
        details: Sequence[Mapping[str, Any]] = (),
        inner: Sequence[str] | str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        parameters: Mapping[str, str] | None = None,
        message_format: str | None = None,
        component: str = "managementfrontend",
        info: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.target = target
        self.details = [dict(entry) for entry in details]
        self.inner = (inner,) if isinstance(inner, str) else tuple(inner or ())
        self.headers = dict(headers or {})
        self.parameters = dict(parameters or {})
        self.message_format = message_format
        self.component = component
        self.info = [dict(entry) for entry in info]

    def body(self) -> dict[str, Any]:
        """The short form long-running operations carry: code and message, details and inner errors if there are any
        (assumed: operation_errors_nest)."""
        document: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target is not None:
            document["target"] = self.target
        if self.details:
            document["details"] = self.details
        if chain := _inner_chain(self.inner):
            document["additionalInfo"] = [{"type": "InnerError", "info": {"value": chain}}]
        return document


def not_supported(what: str) -> ServiceError:
    """501 for what Azure has and the emulator has not. what: a noun that names it, e.g. "Sweep jobs"."""
    message = f"{what} not supported by the emulator. Supported operations, and their differences: {OPERATIONS_PAGE}"
    return ServiceError(501, "NotImplemented", message)


class GatewayError(ServiceError):
    """What Resource Manager refuses before it asks a provider: callers without a token or a permission, api-versions,
    subscriptions and groups that do not exist. Other hosts answer it as any other error."""


def detail(code: str, message: str, target: str | None = None) -> dict[str, Any]:
    """One entry of a ServiceError's details."""
    entry: dict[str, Any] = {"code": code, "message": message, "details": [], "additionalInfo": []}
    if target is not None:
        entry["target"] = target
    return entry


def _inner_chain(codes: Sequence[str]) -> dict[str, Any] | None:
    chain: dict[str, Any] | None = None
    for code in reversed(codes):
        chain = {"code": code, "innerError": chain}
    return chain


def _json(status: int, body: Any, headers: Mapping[str, str]) -> Response:
    return Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        status_code=status,
        media_type="application/json; charset=utf-8",
        headers={"x-ms-response-type": "error", **headers},
    )


def arm_error(error: ServiceError, *, location: str) -> Response:
    """The resource manager's envelope: code, message, details and typed additionalInfo (recorded 2026-03)."""
    info: list[dict[str, Any]] = [
        {"type": "ComponentName", "info": {"value": "managementfrontend"}},
        {"type": "Correlation", "info": {"value": {"operation": uuid.uuid4().hex, "request": uuid.uuid4().hex[:16]}}},
        {"type": "Environment", "info": {"value": location}},
        {"type": "Location", "info": {"value": location}},
        {"type": "Time", "info": {"value": timestamp()}},
    ]
    if chain := _inner_chain(error.inner):
        info.append({"type": "InnerError", "info": {"value": chain}})
    if error.message_format and not error.parameters:  # recorded 2026-03
        info.append({"type": "MessageFormat", "info": {"value": error.message_format}})
    if error.parameters:
        info.append({"type": "MessageParameters", "info": {"value": error.parameters}})
    info += error.info
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.target is not None:
        body["target"] = error.target
    body |= {"details": error.details, "additionalInfo": info}
    return _json(error.status, {"error": body}, error.headers)


def gateway_error(error: ServiceError) -> Response:
    """What Resource Manager answers itself, before a provider is asked: code and message alone."""
    body = {"error": {"code": error.code, "message": error.message}}
    headers = {"x-ms-failure-cause": "gateway", **error.headers}
    return Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        status_code=error.status,
        media_type="application/json; charset=utf-8",
        headers=headers,
    )


def data_plane_error(error: ServiceError, *, location: str) -> Response:
    """The data plane's envelope: run history, the registries' management front end (recorded 2025-02)."""
    body = {
        "error": {
            "code": error.code,
            "severity": None,
            "message": error.message,
            "messageFormat": error.message_format,
            "messageParameters": error.parameters or None,
            "referenceCode": None,
            "detailsUri": None,
            "target": error.target,
            "details": error.details,
            "innerError": _inner_chain(error.inner),
            "debugInfo": None,
            "additionalInfo": None,
        },
        "correlation": {"operation": uuid.uuid4().hex, "request": uuid.uuid4().hex[:16]},
        "environment": location,
        "location": location,
        "time": timestamp(),
        "componentName": error.component,
        "statusCode": error.status,
    }
    return _json(error.status, body, error.headers)


def login_error(error: ServiceError) -> Response:
    """The identity platform's envelope."""
    return _json(error.status, {"error": error.code, "error_description": error.message}, error.headers)


def blob_error(error: ServiceError, *, head: bool) -> Response:
    """The blob service's envelope: the code as a header, and XML with a byte order mark unless the method is HEAD."""
    headers = {"x-ms-error-code": error.code, **error.headers}
    if error.status == 304:
        return Response(status_code=304, headers=headers)
    if head:
        answer = Response(status_code=error.status, headers={**headers, "Transfer-Encoding": "chunked"})
        del answer.headers["content-length"]  # recorded 2026-03: chunked, without body
        return answer
    text = _escape(f"{error.message}\nRequestId:{uuid.uuid4()}\nTime:{timestamp().replace('+00:00', 'Z')}")
    more = "".join(f"<{name}>{_escape(value)}</{name}>" for name, value in error.parameters.items())
    xml = (
        '\ufeff<?xml version="1.0" encoding="utf-8"?>'
        f"<Error><Code>{_escape(error.code)}</Code><Message>{text}</Message>{more}</Error>"
    )
    return Response(xml.encode(), status_code=error.status, media_type="application/xml", headers=headers)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
