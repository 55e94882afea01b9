"""One emulator being served: its services, application and proxy, started, reset and stopped together."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from starlette.types import Receive, Scope, Send

from phift import __version__
from phift.emulator.compose import compose
from phift.emulator.core.app import Application
from phift.emulator.core.context import Cloud
from phift.emulator.core.pace import pace_of
from phift.emulator.core.workspace import Workspace
from phift.emulator.host.gate import Gate, proxy_url, shown_url
from phift.emulator.host.home import Home, Identity
from phift.emulator.host.proxy import Proxy
from phift.emulator.host.tls import Authority
from phift.emulator.runtime.serving import launch
from phift.emulator.runtime.training.rehearsal import rehearses
from phift.emulator.services.emulator import Emulator

__all__ = ["Server", "workspace_of"]


def workspace_of(identity: Identity) -> Workspace:
    """The workspace that a home's identity describes."""
    return Workspace(
        subscription_id=identity.subscription_id,
        resource_group=identity.resource_group,
        name=identity.workspace_name,
        location=identity.location,
        workspace_id=identity.workspace_id,
        tenant_id=identity.tenant_id,
        storage_account=identity.storage_account,
        container=identity.container,
        created_at=identity.created_at,
    )


class Server:
    """Serves a home. The caller holds the home's lock."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.identity = home.identity()
        self.stopping = asyncio.Event()
        self.started = time.time()
        self._authority = Authority(home.path / "tls")
        self._proxy = Proxy(self, self._authority, Gate(self.identity.proxy_secret))
        self._ready = asyncio.Event()
        self._emulator: Emulator
        self._application: Application

    @property
    def emulator(self) -> Emulator:
        return self._emulator

    @property
    def port(self) -> int:
        return self._proxy.port

    @property
    def proxy_url(self) -> str:
        """With the home's secret in it."""
        return proxy_url(self.identity.proxy_secret, self.port)

    @property
    def ca_file(self) -> str:
        return str(self._authority.bundle)

    @property
    def idle_seconds(self) -> float:
        """Seconds since the last request ended; 0 while something is being done."""
        busy = self._application.in_flight or self._emulator.cloud.busy
        return 0.0 if busy else time.monotonic() - self._application.last_request

    async def start(self, port: int = 0) -> None:
        """Bind the port, recover what was under way, then serve. Raises OSError when the port is taken."""
        await self._proxy.bind(port)
        await self._open()
        await self._proxy.serve()

    async def stop(self) -> None:
        """End what is being answered and everything in the background; state stays."""
        await self._proxy.close()
        await self.emulator.cloud.stop()

    async def reset(self) -> None:
        """Start over with an empty workspace, on the same port and under the same identity."""
        self._ready.clear()
        await self.emulator.cloud.stop()
        self.home.wipe()
        await self._open()

    def remember(self, **settings: Any) -> None:
        """Keep settings over restarts."""
        self.home.remember(**settings)

    def status(self) -> dict[str, Any]:
        """The status document. It contains no secret."""
        workspace = self.emulator.workspace
        return {
            "version": __version__,
            "pid": os.getpid(),
            "home": str(self.home.path),
            "proxy_url": shown_url(self.port),
            "ca_file": self.ca_file,
            "subscription_id": workspace.subscription_id,
            "resource_group": workspace.resource_group,
            "workspace_name": workspace.name,
            "location": workspace.location,
            "uptime_seconds": round(time.time() - self.started, 1),
            "idle_seconds": round(self.idle_seconds, 1),
            "busy": self.emulator.cloud.busy,
            "jobs": "rehearsed: nothing is trained" if rehearses() else "trained",
            "deployments": "rehearsed: no model is loaded" if launch.rehearses() else "served",
            "pace": self.emulator.pace.name,
            "speed": self.emulator.pace.speed,
            "noise": self.emulator.cloud.noise,
            "faults": len(self.emulator.cloud.faults.list()),
        }

    async def _open(self) -> None:
        identity, settings = self.identity, self.home.settings()
        cloud = Cloud(
            self.home.path,
            tenant_id=identity.tenant_id,
            signing_key=bytes.fromhex(identity.signing_key),
            client_id=identity.client_id,
            client_secret=identity.client_secret,
            pace=pace_of(settings.get("pace", "fast"), settings.get("speed", 1)),
            proxy_url=self.proxy_url,
            ca_file=self._authority.bundle,
        )
        if cloud.clock.speed != cloud.pace.speed:
            cloud.clock.set(speed=cloud.pace.speed)
        cloud.noise = bool(settings.get("noise", False))
        cloud.control = self
        self._emulator = Emulator(cloud, workspace_of(identity))
        self._application = compose(self._emulator)
        await cloud.start()
        self._ready.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._ready.wait()
        await self._application(scope, receive, send)
