"""The context of a running emulator: what every handler and background task is given."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from phift.emulator.core.faults import Faults
from phift.emulator.core.operations import Operations
from phift.emulator.core.pace import FAST, Pace
from phift.emulator.core.quota import Quota
from phift.emulator.core.requestlog import RequestLog
from phift.emulator.core.store import Store
from phift.emulator.core.tokens import Tokens
from phift.emulator.host.home import Home

__all__ = ["Control", "Emulator", "Hook", "Workspace"]

_HOOK_SECONDS = 8.0

logger = logging.getLogger("phift.emulator")


@dataclass(frozen=True)
class Workspace:
    """The one workspace that is served.

    location: region name. workspace_id: its GUID. container: the default blob container.
    """

    subscription_id: str
    resource_group: str
    name: str
    location: str
    workspace_id: str
    tenant_id: str
    storage_account: str
    container: str
    created_at: str

    @property
    def arm_id(self) -> str:
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.name}"
        )


class Control(Protocol):
    """What admin requests ask of the server around the emulator."""

    stopping: asyncio.Event
    home: Home

    def status(self) -> dict[str, Any]: ...

    async def reset(self) -> None: ...


Hook = Callable[["Emulator"], Awaitable[None]]


class Emulator:
    """One running emulator. home: absolute folder that holds all its state. proxy_url: its own, with the secret."""

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
        self.request_log = RequestLog(self.folder("logs") / "requests.log")
        self.faults = Faults()
        self.tokens = Tokens(signing_key, workspace.tenant_id)
        self.operations = Operations(self)
        self.quota = Quota(self)
        self.on_start: list[Hook] = []
        self.on_stop: list[Hook] = []
        self.busy: list[Callable[[Emulator], bool]] = []
        """Questions that keep the emulator from stopping when idle, e.g. "does a job run?"."""
        self._tasks: set[asyncio.Task[Any]] = set()

    def folder(self, *names: str) -> Path:
        """A folder under home, made on demand and readable by its owner only."""
        path = self.home.joinpath(*names)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def client_environment(self) -> dict[str, str]:
        """The variables with which an unmodified Azure client in a child process reaches this emulator."""
        from phift.emulator.host.lifecycle import client_environment

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
        task = asyncio.get_running_loop().create_task(coro, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("background task %s failed", task.get_name(), exc_info=error)

    async def start(self) -> None:
        """Resumes operations and runs the recovery hooks, before anything is served."""
        self.operations.resume()
        for hook in self.on_start:
            await hook(self)

    async def stop(self) -> None:
        """Runs the stop hooks, cancels the background tasks and closes the store."""
        for hook in self.on_stop:
            try:
                async with asyncio.timeout(_HOOK_SECONDS):
                    await hook(self)
            except Exception:
                logger.exception("stop hook %s failed", getattr(hook, "__qualname__", hook))
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.request_log.close()
        self.store.close()
