"""One container: an inference server process that is probed, restarted when it dies, drained before it is stopped."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from phift.emulator.core.documents import timestamp
from phift.emulator.runtime.child import Child, spawn_child
from phift.emulator.runtime.serving.launch import Launch
from phift.emulator.runtime.serving.probes import Probe, healthy

__all__ = ["Container", "NeverReady"]

logger = logging.getLogger("phift.emulator")

_ATTEMPTS = 2  # how often it may die before it has ever been ready
_BACK_OFF = (0.5, 2.0, 5.0, 15.0, 60.0)  # seconds before restart 1, 2, ...; the last one is kept
_CALM_SECONDS = 120.0  # a container that ran this long begins with the shortest back-off again
_STOP_SECONDS = 5.0
_NOTHING: Mapping[str, str] = {}


class NeverReady(Exception):
    """The container did not become ready; the text says why."""


class Container:
    """The container of one deployment.

    log: file that what it prints goes to. socket: where it listens, in a folder of our own. fast: the emulator's pace
    is fast. proven: it has been ready in an earlier life of the emulator, so it is never given up. environment:
    variables below the launch's own.
    """

    def __init__(
        self,
        launch: Launch,
        log: Path,
        socket: Path,
        *,
        fast: bool,
        proven: bool = False,
        environment: Mapping[str, str] = _NOTHING,
    ) -> None:
        self.launch = launch
        self._environment = dict(environment)
        self.in_flight = 0
        self._log = log
        self._fast = fast
        self._proven = proven
        self._late = False
        self._ready = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._failure = ""
        self._child: Child | None = None
        self._stopping = False
        self.socket = socket
        self._task: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        return self._ready.is_set()

    @property
    def pid(self) -> int | None:
        return self._child.process.pid if self._child and self._child.running else None

    def start(self, spawn: Callable[..., asyncio.Task[None]]) -> None:
        """Begin to run it, for good: it is restarted whenever it dies. spawn: makes the background task."""
        self._task = spawn(self._keep_running(), name=f"container {self.launch.label}")

    async def wait_ready(self, seconds: float | None = None) -> None:
        """Return once it is ready. Raises NeverReady when it failed or `seconds` (None: no limit) are over."""
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._ready.wait())]
        if self._task:
            waits.append(asyncio.ensure_future(asyncio.shield(self._task)))
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not self.ready:
            raise NeverReady(self._failure or "the container is not ready yet")

    def enter(self) -> None:
        """A request is on its way to it."""
        self.in_flight += 1
        self._idle.clear()

    def leave(self) -> None:
        """A request to it has been answered."""
        self.in_flight -= 1
        if not self.in_flight:
            self._idle.set()

    async def drain(self, seconds: float) -> None:
        """Wait until no request is on its way, `seconds` at most."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            self.say(f"{self.in_flight} requests were still being answered after {seconds:g} s")

    async def stop(self) -> None:
        """End the process and remove its socket. May be called twice."""
        self._stopping = True
        if self._child:
            await self._child.stop(_STOP_SECONDS)
        if self._task:
            self._task.cancel()
        self.socket.unlink(missing_ok=True)

    def kill(self) -> None:
        """End the process at once: the emulator is stopping."""
        self._stopping = True
        if self._task:
            self._task.cancel()
        if self._child:
            self._child.kill()
        self.socket.unlink(missing_ok=True)

    def say(self, text: str) -> None:
        """A line of the emulator's own in the container's log."""
        with self._log.open("a", encoding="utf-8") as stream:
            stream.write(f"{timestamp()} phift: {text}\n")

    async def _keep_running(self) -> None:
        deaths = 0
        try:
            while not self._stopping:
                began = time.monotonic()
                try:
                    how = await self._run_once()
                except OSError as error:
                    how = f"the inference server cannot be started: {error.strerror or error}"
                if self._stopping:
                    return
                was_ready, self._failure = self.ready, how
                self._ready.clear()
                if not self._proven and (self._late or deaths + 1 >= _ATTEMPTS):
                    self.say(f"{how}; given up")
                    return
                if was_ready and time.monotonic() - began > _CALM_SECONDS:
                    deaths = 0
                pause = _BACK_OFF[min(deaths, len(_BACK_OFF) - 1)]
                deaths += 1
                self.say(f"{how}; it is started again in {pause:g} s")
                await asyncio.sleep(pause)
        finally:
            self._ready.clear()
            if self._child:
                self._child.kill()

    async def _run_once(self) -> str:
        """Start the process and watch it until it is gone or has failed; say how that went. `ready` tells then
        whether it ever was."""
        self.socket.unlink(missing_ok=True)
        self._child = child = await spawn_child(
            "phift.emulator.runtime.serving.process",
            str(self.socket),
            str(self.launch.workers),
            log=self._log,
            environment={**self._environment, **self.launch.environment()},
        )
        exited = asyncio.ensure_future(child.wait())
        probing = asyncio.ensure_future(self._probe())
        try:
            await asyncio.wait({exited, probing}, return_when=asyncio.FIRST_COMPLETED)
            if exited.done():
                return f"the inference server {_ending(exited.result())}"
            return probing.result()
        finally:
            probing.cancel()
            child.kill()
            if not exited.done():
                await exited

    async def _probe(self) -> str:
        """Probe until the container has failed; return the reason."""
        readiness = Probe.read(self.launch.readiness).at_start(fast=self._fast)
        if not await self._until_ready(readiness):
            self._late = True
            return f"the readiness probe GET / had no good answer within {readiness.deadline:g} s"
        self._proven = True
        self._ready.set()
        self.say("ready")
        return await self._until_dead(Probe.read(self.launch.liveness))

    async def _until_ready(self, probe: Probe) -> bool:
        await asyncio.sleep(probe.initial_delay)
        good, deadline = 0, time.monotonic() + probe.failures * probe.period
        while time.monotonic() < deadline:
            good = good + 1 if await healthy(self.socket, probe.timeout) else 0
            if good >= probe.successes:
                return True
            await asyncio.sleep(probe.period)
        return False

    async def _until_dead(self, probe: Probe) -> str:
        bad = 0
        while bad < probe.failures:
            await asyncio.sleep(probe.period)
            bad = 0 if await healthy(self.socket, probe.timeout) else bad + 1
        return f"the liveness probe GET / failed {bad} times in a row"


def _ending(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
