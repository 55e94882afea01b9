"""The context of a running emulator: what every service and background task is given."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

from phift.emulator.core.clock import Clock
from phift.emulator.core.environment import client_environment
from phift.emulator.core.faults import Faults
from phift.emulator.core.operations import Operations
from phift.emulator.core.pace import FAST, Pace
from phift.emulator.core.quota import Quota
from phift.emulator.core.requestlog import RequestLog
from phift.emulator.core.store import Store
from phift.emulator.core.tasks import Tasks
from phift.emulator.core.tokens import Tokens
from phift.emulator.core.workspace import Workspace

__all__ = ["Context", "Control", "Hook"]

_HOOK_SECONDS = 8.0

logger = logging.getLogger("phift.emulator")


class Control(Protocol):
    """What admin requests ask of the server around the emulator."""

    stopping: asyncio.Event

    def status(self) -> dict[str, Any]: ...

    def remember(self, **settings: Any) -> None: ...

    async def reset(self) -> None: ...


Hook = Callable[[], Awaitable[None]]


class Context:
    """What all services of one running emulator share.

    home: absolute folder that holds all its state. proxy_url: its own, with the secret.
    """

    def __init__(
        self,
        home: Path,
        workspace: Workspace,
        *,
        signing_key: bytes,
        client_id: str,
        client_secret: str,
        pace: Pace = FAST,
        proxy_url: str = "",
        ca_file: Path | None = None,
    ) -> None:
        self.home = home
        self.workspace = workspace
        self.pace = pace
        self.noise = False
        self.control: Control | None = None
        self.proxy_url = proxy_url
        self.ca_file = ca_file or home / "tls" / "bundle.pem"
        self.client_id = client_id
        self.client_secret = client_secret
        self.store = Store(home / "store.sqlite3")
        self.clock = Clock(self.store)
        self.request_log = RequestLog(self.folder("logs") / "requests.log")
        self.faults = Faults()
        self.tokens = Tokens(signing_key, workspace.tenant_id)
        self.tasks = Tasks()
        self.operations = Operations(self.store, workspace, self.tasks, lambda: self.pace)
        self.quota = Quota(self.store)
        self.on_start: list[Hook] = []
        self.on_stop: list[Hook] = []
        self.busy: list[Callable[[], bool]] = []
        """Questions that keep the emulator from stopping when idle, e.g. "does a job run?"."""

    def folder(self, *names: str) -> Path:
        """A folder under home, made on demand and readable by its owner only."""
        path = self.home.joinpath(*names)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def client_environment(self) -> dict[str, str]:
        """The variables with which an unmodified Azure client in a child process reaches this emulator."""
        return client_environment(
            proxy_url=self.proxy_url,
            ca_file=str(self.ca_file),
            subscription_id=self.workspace.subscription_id,
            resource_group=self.workspace.resource_group,
            workspace_name=self.workspace.name,
            tenant_id=self.workspace.tenant_id,
            client_id=self.client_id,
            client_secret=self.client_secret,
        )

    def spawn(self, coro: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """A background task, cancelled at stop; an exception that ends it is logged."""
        return self.tasks.spawn(coro, name=name)

    async def start(self) -> None:
        """Resumes operations and runs the recovery hooks, before anything is served."""
        self.operations.resume()
        for hook in self.on_start:
            await hook()

    async def stop(self) -> None:
        """Runs the stop hooks, cancels the background tasks and closes the store."""
        for hook in self.on_stop:
            try:
                async with asyncio.timeout(_HOOK_SECONDS):
                    await hook()
            except Exception:
                logger.exception("stop hook %s failed", getattr(hook, "__qualname__", hook))
        await self.tasks.cancel()
        self.request_log.close()
        self.store.close()
