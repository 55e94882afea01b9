"""The scoring gateway: who may ask, which deployment answers, how many at once, how long, and what errors become."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import re
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from phift.emulator.core.tokens import TokenError
from phift.emulator.runtime.serving.container import Container, NeverReady
from phift.emulator.runtime.serving.durations import seconds_of
from phift.emulator.runtime.serving.upstream import Answer, UpstreamError, ask
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.endpoints.state import DEPLOYMENT
from phift.emulator.services.endpoints.traffic import in_force, pick
from phift.emulator.services.scoring.measured import Measured

__all__ = ["DEPLOYMENT_HEADER", "Asked", "Denied", "Relay", "Target", "authorize", "choose", "deliver", "find"]

logger = logging.getLogger("phift.emulator")

DEPLOYMENT_HEADER = "azureml-model-deployment"
_BAD_INPUT = b"x-phift-bad-input"
_SCORE = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action"
_AAD_AUDIENCES = frozenset({"https://ml.azure.com"})
_RECOVERY_SECONDS = 60.0
_WHOLE_BYTES = 1024 * 1024
_MAX_WAITING = 2  # times concurrency times instances (Azure docs)
_NOT_SENT_ON = frozenset(
    b"host connection keep-alive transfer-encoding content-length authorization te upgrade expect proxy-authorization "
    b"proxy-connection x-request-id x-ms-request-id azureml-model-deployment".split()
)
_NOT_SENT_BACK = frozenset(
    b"connection keep-alive transfer-encoding content-length server date x-request-id x-ms-request-id "
    b"x-ms-client-request-id x-phift-bad-input".split()
)
_CLIENT_ID = re.compile(r"[^A-Za-z0-9_-]")


class Denied(Exception):
    """The gateway's own refusal."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})

    def response(self, deployment: str = "") -> Response:
        body = {"error": {"code": self.code, "message": str(self)}}
        headers = {"Server": "azureml-frontdoor", "x-request-id": str(uuid.uuid4()), **self.headers}
        if deployment:
            headers[DEPLOYMENT_HEADER] = deployment
        return Response(json.dumps(body), self.status, headers=headers, media_type="application/json")


def authorize(emulator: Emulator, record: Mapping[str, Any], header: str) -> None:
    """Raises Denied 401 unless the Authorization header holds a good credential for the endpoint's authMode, 403 for a
    caller without the permission to score."""
    scheme, _, token = header.partition(" ")
    token = token.strip()
    document = record["document"]
    mode = document["properties"]["authMode"]
    if scheme.lower() != "bearer" or not token:
        text = "The request needs the header 'Authorization: Bearer <key or token>'."
        raise Denied(401, "key_auth_bad_header_forbidden" if mode == "Key" else "token_auth_bad_header", text)
    if mode == "Key":
        sent = token.encode()
        # both are compared in full, so that the duration reveals nothing
        good = [hmac.compare_digest(sent, key.encode()) for key in record["keys"].values()]
        if not any(good):
            raise Denied(401, "key_auth_access_denied", "The key is not one of this endpoint's keys.")
        return
    own = f"https://{document['name'].lower()}.{emulator.workspace.location}.inference.ml.azure.com"
    try:
        emulator.tokens.verify(token, frozenset({own}) if mode == "AMLToken" else _AAD_AUDIENCES)
    except (TokenError, ValueError, KeyError) as error:
        raise Denied(401, "token_auth_access_denied", f"The token is not accepted: {error}.") from error
    if mode == "AADToken" and not emulator.roles.allows(_SCORE):
        text = f"The caller is not allowed to perform {_SCORE} on this endpoint."
        raise Denied(403, "token_auth_access_denied", text)  # (assumed: scoring_refusal)


@dataclass(frozen=True)
class Asked:
    """A request on its way to a container. headers: those that the container gets, without an id. client_id: the
    caller's own id of it."""

    method: str
    target: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    client_id: str

    @classmethod
    async def read(cls, request: Request) -> Asked:
        """What a request asks, once its body is here."""
        body = await request.body()
        kept = [pair for pair in request.headers.raw if pair[0] not in _NOT_SENT_ON]
        client_id = request.headers.get("x-ms-client-request-id", "")
        return cls(request.method, _target(request), kept, body, client_id)


@dataclass(frozen=True)
class Target:
    """A deployment that serves. limit: requests that it has under way at most. seconds: its request timeout."""

    name: str
    container: Container
    limit: int
    seconds: float


def choose(emulator: Emulator, record: Mapping[str, Any], named: str) -> Target:
    """The deployment that a request names, or that the traffic of an endpoint's record picks. Raises Denied 404."""
    endpoint = record["document"]["name"]
    name = named or pick(in_force(record))
    if name is None:
        text = f"Endpoint {endpoint} has no deployment with positive traffic."
        raise Denied(404, "no_deployment", text)
    target = find(emulator, endpoint, name)
    if target is None:
        text = f"Endpoint {endpoint} has no deployment '{name}' that serves."
        raise Denied(404, "deployment_not_found", text)
    return target


def find(emulator: Emulator, endpoint: str, name: str) -> Target | None:
    """A deployment as it serves: not what an update under way, or one that failed, asks for. None for one that does
    not serve."""
    container = emulator.containers.find(endpoint, name)
    deployment = emulator.store.peek(DEPLOYMENT, endpoint, name)
    if deployment is None or container is None or deployment["served"] is None:
        return None
    served = deployment["served"]
    settings = served["properties"]["requestSettings"]
    limit = _MAX_WAITING * settings["maxConcurrentRequestsPerInstance"] * served["sku"]["capacity"]
    return Target(deployment["document"]["name"], container, limit, seconds_of(settings["requestTimeout"]))


async def deliver(target: Target, asked: Asked, measured: Measured) -> Response:
    """The answer of a deployment, or the gateway's own where it has none. measured: learns whose answer it is; a
    Relay counts itself when it has been sent, any other response is counted by the caller."""
    name, container = target.name, target.container
    measured.deployment = name
    if container.in_flight >= target.limit:
        text = f"Deployment {name} has {target.limit} requests under way, which is all it takes."
        return Denied(429, "too_many_requests", text).response(name)
    identifier = str(uuid.uuid4())
    container.enter()
    answer: Answer | None = None
    streaming = False
    try:
        if not container.ready:
            await container.wait_ready(_RECOVERY_SECONDS)
        async with asyncio.timeout(target.seconds):
            headers = [*asked.headers, (b"x-request-id", identifier.encode())]
            answer = await ask(container.socket, asked.method, asked.target, headers, asked.body)
            whole = b"" if _streams(answer) else await answer.read()
        measured.model_status = str(answer.status)
        streaming = _streams(answer)
        headers = _back(answer, name, identifier, asked.client_id)
        status = _status(answer, headers)
        if streaming:
            return _with_headers(Relay(answer, container, status, measured), headers)
        return _with_headers(Response(whole, status), headers)
    except TimeoutError:
        text = f"Deployment {name} did not answer within its request timeout of {target.seconds:g} s."
        return Denied(408, "request_timeout", text).response(name)
    except (UpstreamError, NeverReady) as error:
        lost = {"ms-azureml-model-error-statuscode": "502", "ms-azureml-model-error-reason": "container unavailable"}
        return Denied(424, "model_error", f"Deployment {name}: {error}.", lost).response(name)
    finally:
        if answer and not streaming:
            answer.close()
        if not streaming:
            container.leave()


def _target(request: Request) -> str:
    query = request.scope["query_string"].decode("latin-1")
    path: str = request.scope["raw_path"].decode("ascii").split("?")[0]
    return path + (f"?{query}" if query else "")


def _streams(answer: Answer) -> bool:
    """Whether the body is handed on as it comes, and not first read to its end."""
    return answer.length is None or answer.length > _WHOLE_BYTES


def _status(answer: Answer, headers: list[tuple[bytes, bytes]]) -> int:
    """Everything but 200 from a container becomes 424, with the container's own status in two headers. Input that
    breaks the contract of phift's own script stays a 400, as the caller can fix it."""
    if 200 <= answer.status < 300:
        return answer.status
    if any(name.lower() == _BAD_INPUT for name, _ in answer.headers):
        return 400
    headers.append((b"ms-azureml-model-error-statuscode", str(answer.status).encode()))
    headers.append((b"ms-azureml-model-error-reason", answer.reason.encode("latin-1", "replace") or b"model_error"))
    return 424


def _back(answer: Answer, deployment: str, identifier: str, client_id: str) -> list[tuple[bytes, bytes]]:
    headers = [(name.lower(), value) for name, value in answer.headers if name.lower() not in _NOT_SENT_BACK]
    headers += [
        (b"server", b"azureml-frontdoor"),
        (b"x-request-id", identifier.encode()),
        (DEPLOYMENT_HEADER.encode(), deployment.encode()),
        (b"azureml-model-session", deployment.encode()),  # recorded 2025-02
    ]
    if client_id:
        headers.append((b"x-ms-client-request-id", _CLIENT_ID.sub("", client_id)[:40].encode()))
    return headers


def _with_headers(response: Response, headers: list[tuple[bytes, bytes]]) -> Response:
    own = [pair for pair in response.raw_headers if pair[0] == b"content-length"]
    response.raw_headers = [*headers, *own]
    return response


class Relay(StreamingResponse):
    """The container's answer as it comes; also when the caller goes away, the container is left."""

    def __init__(self, answer: Answer, container: Container, status: int, measured: Measured) -> None:
        super().__init__(self._counted(answer), status)
        self._answer = answer
        self._container = container
        self._measured = measured
        self._sent = 0

    async def _counted(self, answer: Answer) -> AsyncIterator[bytes]:
        async for chunk in answer.stream():
            self._sent += len(chunk)
            yield chunk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._end()

    async def discard(self, seconds: float) -> None:
        """Read and drop the answer, for `seconds` at most."""
        try:
            async with asyncio.timeout(seconds):
                async for _ in self.body_iterator:
                    pass
        except (TimeoutError, UpstreamError) as error:
            logger.info("a mirrored answer broke off: %s", error or "timeout")
        finally:
            self._end()

    def _end(self) -> None:
        self._answer.close()
        self._container.leave()
        self._measured.done(self.status_code, self._sent)
