"""All containers of one emulator: started, replaced without losing a request, restored after a restart."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from phift.emulator.core.context import Context
from phift.emulator.core.errors import ServiceError
from phift.emulator.runtime.serving.container import Container, NeverReady
from phift.emulator.runtime.serving.launch import Launch, rehearses, workers_for

__all__ = ["INITIALIZER_LOG", "SERVER_LOG", "Supervisor", "log_folder"]

logger = logging.getLogger("phift.emulator")

Key = tuple[str, str]

_SOCKETS = "phift-"
SERVER_LOG = "inference-server.log"
INITIALIZER_LOG = "storage-initializer.log"


class Supervisor:
    """The containers by endpoint and deployment name (case-insensitive)."""

    def __init__(self, context: Context, download: Callable[[Launch], Awaitable[None]]) -> None:
        """download: puts model and code into a launch's folder; raises ServiceError for what cannot be served."""
        self._context = context
        self._download = download
        self._containers: dict[Key, Container] = {}
        self._starting = 0
        self._sockets: Path | None = None
        self._count = 0

    def find(self, endpoint: str, name: str) -> Container | None:
        """The container that answers for a deployment now."""
        return self._containers.get(_key(endpoint, name))

    @property
    def busy(self) -> bool:
        """A container is being started."""
        return self._starting > 0

    async def deploy(self, endpoint: str, name: str, launch: Launch, instances: int) -> None:
        """Serve a deployment by a container of `launch` and end the one before it once that is drained.

        Raises ServiceError (BadArgument, ResourceNotReady) with nothing changed when the new one does not come up.
        """
        old = self.find(endpoint, name)
        if old and launch.same_container(old.launch):
            return
        await self._download(launch)
        container = self._container(endpoint, name, launch)
        container.say(workers_for(instances)[1])
        if rehearses() and not launch.entry_script:
            container.say("a rehearsal: the model is not loaded, answers are not a model's")
        if launch.code:
            container.say("the script runs with the packages of phift's own environment, whatever environment is named")
        self._starting += 1
        try:
            container.start(self._context.spawn)
            await container.wait_ready()
        except NeverReady as error:
            await container.stop()
            raise ServiceError(400, "ResourceNotReady", _not_ready(str(error))) from error
        except BaseException:
            container.kill()
            raise
        finally:
            self._starting -= 1
        self._containers[_key(endpoint, name)] = container
        if old:
            self._context.spawn(self._retire(old), name=f"retire {old.launch.label}")

    async def remove(self, endpoint: str, name: str) -> None:
        """End a deployment's container, once drained, and remove its files and logs."""
        container = self._containers.pop(_key(endpoint, name), None)
        if container:
            await self._retire(container)
        folder = log_folder(self._context, endpoint, name)
        await asyncio.to_thread(shutil.rmtree, folder, True)
        if not any(folder.parent.iterdir()):
            folder.parent.rmdir()

    def recover(self, endpoint: str, name: str, launch: Launch) -> None:
        """Start the container that served when the emulator went down; requests wait for it meanwhile."""
        if not Path(launch.folder).is_dir():
            logger.warning("deployment %s: its folder %s is missing; creating it again", launch.label, launch.folder)
            self._context.spawn(self.deploy(endpoint, name, launch, launch.workers), name=f"again {launch.label}")
            return
        container = self._container(endpoint, name, launch, proven=True)
        container.say("started again with the emulator")
        container.start(self._context.spawn)
        self._containers[_key(endpoint, name)] = container

    async def stop(self) -> None:
        """End all containers at once, for the emulator is stopping."""
        for container in self._containers.values():
            container.kill()
        self._containers.clear()
        if self._sockets:
            shutil.rmtree(self._sockets, ignore_errors=True)

    async def _retire(self, container: Container) -> None:
        await container.drain(container.launch.timeout_ms / 1000 + 1)
        if container.launch.entry_script:
            await container.stop()
        else:
            container.kill()  # our script has nothing to tidy up, and gunicorn takes two seconds to end politely
        await asyncio.to_thread(shutil.rmtree, container.launch.folder, True)

    def _container(self, endpoint: str, name: str, launch: Launch, *, proven: bool = False) -> Container:
        context = self._context
        return Container(
            launch,
            log_folder(context, endpoint, name) / SERVER_LOG,
            self._socket(),
            fast=context.pace.hurried,
            proven=proven,
            # a script of the user's may speak to Azure; ours has no business on any network
            environment=context.client_environment() if launch.entry_script else {},
        )

    def _socket(self) -> Path:
        """A path for one more socket. Short, as it has 107 bytes at most, so not under home; a killed emulator's folder
        is removed by the next one."""
        if self._sockets is None:
            note = self._context.folder("deployments") / ".sockets"
            former = Path(note.read_text(encoding="utf-8")) if note.exists() else None
            if former and former.parent == Path(tempfile.gettempdir()) and former.name.startswith(_SOCKETS):
                shutil.rmtree(former, ignore_errors=True)
            self._sockets = Path(tempfile.mkdtemp(prefix=_SOCKETS))
            note.write_text(str(self._sockets), encoding="utf-8")
        self._count += 1
        return self._sockets / str(self._count)


def log_folder(context: Context, endpoint: str, name: str) -> Path:
    """Where a deployment's files and logs are."""
    return context.folder("deployments", endpoint.casefold(), name.casefold())


def _not_ready(why: str) -> str:
    return (
        f"User container has crashed or terminated or its probes have failed: {why}. Please see troubleshooting guide, "
        "available here: https://aka.ms/oe-tsg#error-resourcenotready"
    )


def _key(endpoint: str, name: str) -> Key:
    return endpoint.casefold(), name.casefold()
