"""An emulator in this process, without sockets: requests go from phift's pipeline straight to the application.

For tests of thousands of applies. Jobs and deployments are rehearsed, and operations end at once; whatever depends on
the network, on TLS or on times is tested against a served emulator (support.py).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest
from requests.structures import CaseInsensitiveDict

from phift.azure.credentials import CachedCredential, LocalCredential
from phift.azure.retry import Retry
from phift.azure.session import Azure
from phift.azure.transport import Http
from phift.emulator.compose import compose
from phift.emulator.core.app import Application
from phift.emulator.core.context import Cloud
from phift.emulator.core.pace import Pace
from phift.emulator.host.home import Home
from phift.emulator.host.server import workspace_of
from phift.emulator.runtime.serving.launch import Launch
from phift.emulator.runtime.serving.supervisor import Supervisor, log_folder
from phift.emulator.runtime.tracking.server import TrackingError, TrackingServer
from phift.emulator.runtime.training.rehearsal import rehearse
from phift.emulator.runtime.training.workers import Workers
from phift.emulator.services.deployments.prepare import download
from phift.emulator.services.emulator import Emulator
from phift.spec import LoadedSpec
from phift.workspace import WorkspaceId

__all__ = ["InProcess", "hurried"]

_AT_ONCE = Pace("fast", default=0.0, retry_after_ms=1)


@contextmanager
def hurried() -> Iterator[None]:
    """Jobs and deployments are rehearsed, metrics are dropped, and phift polls and retries at once, while it lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
        patch.setenv("PHIFT_EMULATOR_DEPLOYMENTS", "rehearse")
        patch.setattr("phift.apply.waits._FIRST", 0.005)
        patch.setattr("phift.apply.waits._GROWTH", 1.1)
        patch.setattr(Retry, "_pause", lambda retry, error, number: 0.005)
        patch.setattr(TrackingServer, "_start", _no_tracking)
        patch.setattr("phift.emulator.runtime.tracking.metrics.RETRY_SECONDS", 0)
        patch.setattr(Workers, "start", _rehearsed)
        yield


async def _no_tracking(server: TrackingServer) -> Path:
    """Rehearsed metrics are the same for every job: a process that stores them is of no use here."""
    raise TrackingError("metrics are not stored in this process")


class _Rehearsal:
    """A job that is rehearsed in a thread of this process."""

    def __init__(self, folder: Path) -> None:
        self._task = asyncio.get_running_loop().run_in_executor(None, rehearse, folder)

    @property
    def running(self) -> bool:
        return not self._task.done()

    async def wait(self) -> int:
        return 0 if await self._task else 1

    def kill(self) -> None:
        """Let it end: it takes no time."""


async def _rehearsed(workers: Workers, worker: str, folder: Path, variables: Mapping[str, str]) -> _Rehearsal:
    return _Rehearsal(folder)


class _Connection:
    """Stands for the connection of a client, which the emulator counts."""


class InProcess:
    """One emulator and its event loop, which runs in a thread of its own until `close`."""

    def __init__(self, home: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.requests: list[tuple[str, str, int]] = []
        """Method, URL without its query, and status of each answer, oldest first."""
        self._run(self._open(Home(home)))

    async def _open(self, home: Home) -> None:
        identity = home.identity()
        self._cloud = Cloud(
            home.path,
            tenant_id=identity.tenant_id,
            signing_key=bytes.fromhex(identity.signing_key),
            client_id=identity.client_id,
            client_secret=identity.client_secret,
            pace=_AT_ONCE,
            proxy_url="",
            ca_file=Path(),
        )
        self.emulator = Emulator(self._cloud, workspace_of(identity))
        self._application: Application = compose(self.emulator)
        self.emulator.containers = _NoContainers(self.emulator, partial(download, self.emulator, self.emulator.blobs))
        self._identity = identity
        await self._cloud.start()

    def close(self) -> None:
        """Stop the emulator and its loop."""
        self._run(self._cloud.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def azure(self) -> Azure:
        """Return a session with its workspace."""
        one = self._identity
        route = SimpleNamespace(
            proxy_url="",
            ca_file=Path(),
            tenant_id=one.tenant_id,
            client_id=one.client_id,
            client_secret=one.client_secret,
        )
        http = Http(None, route, transport=_Straight(self))
        credential = CachedCredential(LocalCredential(route, http))
        here = WorkspaceId(one.subscription_id, one.resource_group, one.workspace_name)
        return Azure(here, http.authorized(credential), credential)

    def connector(self, loaded: LoadedSpec) -> Azure:
        """A phases.Connector."""
        return self.azure()

    def inside(self, change: Any) -> Any:
        """Call a function on the loop of the emulator, where its state may be changed."""

        async def call() -> Any:
            return change()

        return self._run(call())

    def ask(self, method: str, url: str, headers: list[tuple[bytes, bytes]], content: bytes) -> tuple[int, Any, bytes]:
        """Return the status, the headers and the content of an answer."""
        found = self._run(self._answer(method, url, headers, content))
        self.requests.append((method, url.partition("?")[0], found[0]))
        return found

    async def _answer(
        self, method: str, url: str, headers: list[tuple[bytes, bytes]], content: bytes
    ) -> tuple[int, Any, bytes]:
        parts = urlsplit(url)
        given = [{"type": "http.request", "body": content, "more_body": False}]
        status, answered, body = 0, CaseInsensitiveDict[str](), b""

        async def receive() -> dict[str, Any]:
            return given.pop() if given else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            nonlocal status, body
            if message["type"] == "http.response.start":
                status = message["status"]
                answered.update({k.decode("latin-1"): v.decode("latin-1") for k, v in message["headers"]})
            elif message["type"] == "http.response.body":
                body += message.get("body", b"")

        scope = {
            "type": "http",
            "method": method,
            "scheme": "https",
            "http_version": "1.1",
            "server": (parts.hostname, 443),
            "client": ("127.0.0.1", 1),
            "root_path": "",
            "state": {"connection": _Connection()},
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [*headers, (b"host", (parts.hostname or "").encode())],
        }
        await self._application(scope, receive, send)
        return status, answered, body

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


class _NoContainers(Supervisor):
    """Deployments whose files are checked and whose containers count as ready; nothing answers requests."""

    async def deploy(self, endpoint: str, name: str, launch: Launch, instances: int) -> None:
        log_folder(self._context, endpoint, name).mkdir(parents=True, exist_ok=True)
        await self._download(launch)


class _Straight(HttpTransport[Any, Any]):
    """The transport of an in-process emulator."""

    def __init__(self, home: InProcess) -> None:
        self._home = home

    def send(self, request: HttpRequest, **options: Any) -> Any:
        content = request.content
        sent = content.encode() if isinstance(content, str) else content or b""
        headers = [(k.lower().encode("latin-1"), str(v).encode("latin-1")) for k, v in request.headers.items()]
        status, answered, body = self._home.ask(request.method, request.url, headers, sent)
        return SimpleNamespace(status_code=status, headers=answered, read=lambda: body, request=request)

    def open(self) -> None:
        """Do nothing: it has no connections."""

    def close(self) -> None:
        """Do nothing: it has no connections."""

    def __exit__(self, *ended: Any) -> None:
        self.close()
