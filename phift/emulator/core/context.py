"""The contexts of a running emulator: what all its workspaces share, and what the services of one are given."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Protocol

from phift.emulator.core.clock import Clock
from phift.emulator.core.environment import client_environment
from phift.emulator.core.faults import Faults
from phift.emulator.core.operations import Operations
from phift.emulator.core.pace import FAST, Pace
from phift.emulator.core.quota import Quota
from phift.emulator.core.requestlog import RequestLog
from phift.emulator.core.roles import Roles
from phift.emulator.core.store import Store
from phift.emulator.core.tasks import Tasks
from phift.emulator.core.tokens import Tokens
from phift.emulator.core.workspace import Workspace

__all__ = ["Cloud", "Context", "Control", "Hook"]

_HOOK_SECONDS = 8.0

logger = logging.getLogger("phift.emulator")


class Control(Protocol):
    """What admin requests ask of the server around the emulator."""

    stopping: asyncio.Event

    def status(self) -> dict[str, Any]: ...

    def remember(self, **settings: Any) -> None: ...

    async def reset(self) -> None: ...


Hook = Callable[[], Awaitable[None]]


class Cloud:
    """What all workspaces and registries of one home share: the tenant's tokens, the store of the home, the pace.

    home: absolute folder that holds all state. proxy_url: the emulator's own, with the secret. contexts: those of the
    workspaces and registries; the first is the home's own workspace.
    """

    def __init__(
        self,
        home: Path,
        *,
        tenant_id: str,
        signing_key: bytes,
        client_id: str,
        client_secret: str,
        pace: Pace = FAST,
        proxy_url: str = "",
        ca_file: Path | None = None,
    ) -> None:
        self.home = home
        self.pace = pace
        self.noise = False
        self.control: Control | None = None
        self.proxy_url = proxy_url
        self.ca_file = ca_file or home / "tls" / "bundle.pem"
        self.client_id = client_id
        self.client_secret = client_secret
        self.store = Store(home / "store.sqlite3")
        self.clock = Clock(self.store)
        self.roles = Roles(self.store)
        self.request_log = RequestLog(_folder(home, "logs") / "requests.log")
        self.faults = Faults()
        self.tokens = Tokens(signing_key, tenant_id)
        self.contexts: list[Context] = []
        self._found: dict[tuple[str, str, str], Context] = {}
        """Contexts of workspaces, as requests spell their names."""

    @property
    def first(self) -> Context:
        """The context of the home's own workspace."""
        return self.contexts[0]

    @property
    def busy(self) -> bool:
        """Whether a workspace has work that keeps the emulator from stopping when idle."""
        return any(ask() for context in self.contexts for ask in context.busy)

    def workspaces(self, location: str = "") -> Iterator[Context]:
        """The contexts of workspaces, of one region where it is named."""
        return (
            context
            for context in self.contexts
            if context.workspace.kind == "workspaces" and location.casefold() in ("", context.workspace.location)
        )

    def workspace(self, subscription: str, group: str, name: str) -> Context | None:
        """The context of a workspace; names are case-insensitive."""
        key = (subscription, group, name)
        found = self._found.get(key)
        if found in self.contexts:
            return found
        asked = [part.casefold() for part in key]
        found = next((each for each in self.workspaces() if _names(each.workspace) == asked), None)
        if found is not None:
            self._found[key] = found
        return found

    def registry(self, name: str) -> Context | None:
        """The context of a registry that was created in the home; names are case-insensitive."""
        found = (each for each in self.contexts if each.workspace.kind == "registries")
        return next((each for each in found if each.workspace.name.casefold() == name.casefold()), None)

    async def start(self) -> None:
        """Start all workspaces and registries, before anything is served."""
        for context in self.contexts:
            await context.start()

    async def stop(self) -> None:
        """Stop all workspaces and registries, the home's own last, and close what they share."""
        for context in reversed(self.contexts):
            await context.stop()
        self.close()

    def close(self) -> None:
        """Close what a cloud without running contexts has open."""
        self.request_log.close()
        self.store.close()


class Context:
    """What all services of one workspace, or registry, share.

    folder: holds all its state, that of the cloud's home for the home's own workspace.
    """

    def __init__(self, cloud: Cloud, workspace: Workspace, folder: Path | None = None) -> None:
        self.cloud = cloud
        self.home = folder or cloud.home
        self.workspace = workspace
        self.store = Store(folder / "store.sqlite3", cloud.store) if folder else cloud.store
        self.tasks = Tasks()
        self.operations = Operations(self.store, workspace, self.tasks, lambda: self.pace)
        self.quota = Quota(
            self.store,
            workspace.location if cloud.contexts and workspace.location != cloud.first.workspace.location else "",
            lambda: (each.quota for each in cloud.workspaces(workspace.location)),
        )
        self.on_start: list[Hook] = []
        self.on_stop: list[Hook] = []
        self.busy: list[Callable[[], bool]] = []
        """Questions that keep the emulator from stopping when idle, e.g. "does a job run?"."""
        cloud.contexts.append(self)

    @property
    def pace(self) -> Pace:
        return self.cloud.pace

    @property
    def clock(self) -> Clock:
        return self.cloud.clock

    @property
    def roles(self) -> Roles:
        return self.cloud.roles

    @property
    def tokens(self) -> Tokens:
        return self.cloud.tokens

    def folder(self, *names: str) -> Path:
        """A folder of its own, made on demand and readable by its owner only."""
        return _folder(self.home, *names)

    def client_environment(self) -> dict[str, str]:
        """The variables with which an unmodified Azure client in a child process reaches this workspace."""
        return client_environment(
            proxy_url=self.cloud.proxy_url,
            ca_file=str(self.cloud.ca_file),
            subscription_id=self.workspace.subscription_id,
            resource_group=self.workspace.resource_group,
            workspace_name=self.workspace.name,
            tenant_id=self.workspace.tenant_id,
            client_id=self.cloud.client_id,
            client_secret=self.cloud.client_secret,
        )

    def spawn(self, coro: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """A background task, cancelled at stop; an exception that ends it is logged."""
        return self.tasks.spawn(coro, name=name)

    async def start(self) -> None:
        """Resume operations and run the recovery hooks, before anything is served."""
        self.operations.resume()
        for hook in self.on_start:
            await hook()

    async def stop(self) -> None:
        """Run the stop hooks and cancel the background tasks; the store of its own is closed."""
        for hook in self.on_stop:
            try:
                async with asyncio.timeout(_HOOK_SECONDS):
                    await hook()
            except Exception:
                logger.exception("stop hook %s failed", getattr(hook, "__qualname__", hook))
        await self.tasks.cancel()
        if self.store is not self.cloud.store:
            self.store.close()


def _folder(home: Path, *names: str) -> Path:
    path = home.joinpath(*names)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _names(workspace: Workspace) -> list[str]:
    names = (workspace.subscription_id, workspace.resource_group, workspace.name)
    return [name.casefold() for name in names]
