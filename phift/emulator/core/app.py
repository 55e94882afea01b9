"""The ASGI application: counts every request, passes it through the middleware, adds the common headers and logs it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from phift.emulator.core.context import Cloud
from phift.emulator.core.exchanges import ExchangeLog
from phift.emulator.core.hosts import hostname_of
from phift.emulator.core.marks import Marks
from phift.emulator.core.middleware import MIDDLEWARE, Exchange, chain, errors
from phift.emulator.core.routing import Host, Route, Router, host_kind

__all__ = ["Application"]

logger = logging.getLogger("phift.emulator")


class Application:
    """The ASGI application of one emulator."""

    def __init__(self, cloud: Cloud, routes: Iterable[Route]) -> None:
        self.last_request = time.monotonic()
        self.in_flight = 0
        self._cloud = cloud
        self._router = Router(routes)
        self._marks = Marks(cloud.first.workspace, cloud.clock)
        log = ExchangeLog.from_environment(os.environ)
        inside = MIDDLEWARE.index(errors)
        self._answer = chain(MIDDLEWARE if log is None else (*MIDDLEWARE[:inside], log, *MIDDLEWARE[inside:]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        hostname = hostname_of(scope)
        kind = host_kind(hostname)
        if kind is Host.ADMIN and scope["scheme"] == "https":
            kind = None  # on the proxy's own port only, never inside a tunnel
        exchange = Exchange(self._cloud.first, self._router, kind, hostname, request)
        marked = _Marked(send, self._marks, exchange)
        with self._counted(kind):
            try:
                response = await self._answer(exchange)
                await response(scope, receive, marked)
            except ClientDisconnect:
                logger.info("%s %s%s: the client went away", request.method, hostname, scope["path"])
            finally:
                self._cloud.request_log.write(
                    request.method, hostname, scope["path"], marked.status, marked.milliseconds
                )

    @contextmanager
    def _counted(self, kind: Host | None) -> Iterator[None]:
        """Count a request as in flight, except for admin requests: looking at the emulator is not using it."""
        counts = kind is not Host.ADMIN
        self.in_flight += counts
        try:
            yield
        finally:
            self.in_flight -= counts
            if counts:
                self.last_request = time.monotonic()


class _Marked:
    """`send` that adds the common headers to the response. status: of the response, 0 before there is one."""

    def __init__(self, send: Send, marks: Marks, exchange: Exchange) -> None:
        self.status = 0
        self._send = send
        self._marks = marks
        self._exchange = exchange
        self._started = time.perf_counter()

    @property
    def milliseconds(self) -> float:
        """Since the request began."""
        return (time.perf_counter() - self._started) * 1000

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own, request = message["headers"], self._exchange.request
            added = self._marks.headers(self._exchange.kind, request.method, request.scope["path"], own, self._started)
            message["headers"] = [*own, *added]
        await self._send(message)
