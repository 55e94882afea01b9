"""The worker processes of jobs, from the emulator's side: one that has its libraries imported is kept for a while."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from phift.emulator.runtime.child import Child, Work, kill_group, spawn_child
from phift.emulator.runtime.training.warm import LOG
from phift.emulator.runtime.training.worker import TRAINING

__all__ = ["ENVIRONMENT", "IDLE_SECONDS", "Workers"]

logger = logging.getLogger("phift.emulator")

IDLE_SECONDS = 120.0
"""How long a process that has imported half a gigabyte of libraries waits for another job."""
ENVIRONMENT = {
    # glibc: memory of tensors is kept for the next ones, not returned to the system and zeroed at every operation
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    # numpy and pyarrow: no threads, which a fork would not have
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""What libraries read when they are loaded into a worker."""


class Workers:
    """Starts the workers of jobs.

    home: of the emulator. idle_seconds: how long a process is kept after its last job.
    """

    def __init__(self, home: Path, idle_seconds: float = IDLE_SECONDS) -> None:
        self._home = home
        self._idle_seconds = idle_seconds
        self._idle: _Warm | None = None
        self._expiry: asyncio.TimerHandle | None = None

    async def start(self, worker: str, folder: Path, environment: Mapping[str, str]) -> Work:
        """Run the job whose folder this is; raises OSError when no process can be started.

        worker: the module that runs it; only the one that trains is kept warm. environment: variables on top of the
        emulator's. Libraries read them when they are imported, so a process that was started with others is not used.
        """
        # elsewhere system libraries that were loaded before a fork may not work after it
        if worker != TRAINING or sys.platform != "linux":
            return await spawn_child(worker, str(folder), log=folder / LOG, environment={**ENVIRONMENT, **environment})
        if kept := self._take(environment):
            work = kept.run(folder, self._keep)
            if await work.begins():
                return work
        warm = await _Warm.spawn(self._home, folder / LOG, environment)
        return warm.run(folder, self._keep)

    async def stop(self) -> None:
        """End the process that is kept."""
        if warm := self._take_any():
            warm.kill()
            await warm.ended()

    def _take(self, environment: Mapping[str, str]) -> _Warm | None:
        warm = self._take_any()
        if warm is None:
            return None
        if warm.alive and warm.environment == dict(environment):
            return warm
        warm.kill()
        return None

    def _take_any(self) -> _Warm | None:
        if self._expiry:
            self._expiry.cancel()
        warm, self._idle, self._expiry = self._idle, None, None
        return warm

    def _keep(self, warm: _Warm) -> None:
        """The newest is kept: it has imported at least as much as the other."""
        if before := self._take_any():
            before.kill()
        self._idle = warm
        self._expiry = asyncio.get_running_loop().call_later(self._idle_seconds, self._expire)

    def _expire(self) -> None:
        if warm := self._take_any():
            logger.info("the training process ends after %g s without a job", self._idle_seconds)
            warm.kill()


class _Job:
    """A job in a warm process."""

    def __init__(self, warm: _Warm) -> None:
        self._warm = warm
        self._code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._begun = asyncio.Event()
        self._step = 0

    @property
    def running(self) -> bool:
        return not self._code.done()

    async def wait(self) -> int:
        return await asyncio.shield(self._code)

    def kill(self) -> None:
        """The warm process ends too: it may be importing, and is not to begin another step."""
        if self.running:
            self._warm.kill()
            self.kill_step()

    async def begins(self) -> bool:
        """Whether its first step begins; if not, the process had ended before it saw the job."""
        await self._begun.wait()
        return self._step != 0

    def enter(self, step: int) -> None:
        """A step begins. step: its process."""
        self._step = step
        self._begun.set()

    def kill_step(self) -> None:
        if self._step:
            kill_group(self._step)

    def end(self, code: int) -> None:
        self._begun.set()
        if self.running:
            self._code.set_result(code)


class _Warm:
    """One process of warm.py. environment: the variables it was started with, on top of the emulator's."""

    def __init__(
        self,
        child: Child,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        environment: Mapping[str, str],
    ) -> None:
        self.environment = dict(environment)
        self._child = child
        self._reader = reader
        self._writer = writer
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def spawn(cls, home: Path, log: Path, environment: Mapping[str, str]) -> _Warm:
        """Raises OSError when no process can be started."""
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_unix_connection(sock=ours)
            try:
                child = await spawn_child(
                    "phift.emulator.runtime.training.warm",
                    str(theirs.fileno()),
                    str(home),
                    log=log,
                    environment={**ENVIRONMENT, **environment},
                    pass_fds=(theirs.fileno(),),
                )
            except BaseException:
                writer.close()
                raise
        return cls(child, reader, writer, environment)

    @property
    def alive(self) -> bool:
        return self._child.running

    def kill(self) -> None:
        """End the process at once. A step that runs is not ended by this."""
        self._child.kill()
        self._writer.close()

    async def ended(self) -> None:
        """Return when the process is gone."""
        await self._child.wait()

    def run(self, folder: Path, done: Callable[[_Warm], None]) -> _Job:
        """Begin a job. done: called with this process when the job has ended and another one can be run."""
        job = _Job(self)
        self._writer.write(json.dumps({"folder": str(folder)}).encode() + b"\n")
        self._task = asyncio.create_task(self._follow(job, done), name="training process")
        return job

    async def _follow(self, job: _Job, done: Callable[[_Warm], None]) -> None:
        try:
            while line := await self._reader.readline():
                message = json.loads(line)
                if "step" in message:
                    job.enter(message["step"])
                    continue
                done(self)
                job.end(message["ended"])
                return
        except (ConnectionError, ValueError) as error:
            logger.warning("the training process broke off: %s", error)
        finally:
            if job.running:
                # its death is the worker's: nobody begins the next step, and nobody waits for this one
                self.kill()
                job.kill_step()
                code = await self._child.wait()
                job.end(code or 1)
