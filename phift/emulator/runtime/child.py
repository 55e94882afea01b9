"""Child processes that never outlive the emulator.

Each leads its own process group, so that it and all it starts can be killed at once, together with those below it that
lead groups of their own, as the workers of torchrun do. It inherits the reading end of
a pipe (its lifeline) whose writing end only the emulator holds: when the emulator is gone, however it went, the child
reads the end of file and kills its group.

Only the standard library is imported here: children import this before anything else.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

__all__ = ["Child", "Work", "kill_below", "kill_group", "spawn_child", "watch_lifeline"]

_LIFELINE = "PHIFT_LIFELINE"


class Work(Protocol):
    """What runs in a process, or in several one after the other, for a caller who waits for its end."""

    @property
    def running(self) -> bool: ...

    async def wait(self) -> int:
        """The exit code; minus the signal's number when a signal ended it."""

    def kill(self) -> None:
        """Kill it, and all that it started, at once. Harmless when it has ended."""


class Child:
    """A running child process. process: as asyncio knows it."""

    def __init__(self, process: asyncio.subprocess.Process, lifeline: int) -> None:
        self.process = process
        self._lifeline = lifeline

    @property
    def running(self) -> bool:
        return self.process.returncode is None

    async def wait(self) -> int:
        """The exit code; minus the signal's number when a signal ended it. What it started is killed too."""
        code = await self.process.wait()
        self.kill()
        return code

    def kill(self) -> None:
        """Kill the process and all below it at once. Harmless when it is gone."""
        if self.running:
            kill_below(self.process.pid)
        kill_group(self.process.pid)
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    async def stop(self, grace: float = 2.0) -> int:
        """Ask the process to end, kill its group after `grace` seconds; returns the exit code."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), grace)
        self.kill()
        return await self.process.wait()


def kill_group(leader: int) -> None:
    """Kill the process group that a process leads. Harmless when it is gone."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def kill_below(ancestor: int) -> None:
    """Kill the processes below one, also those that lead process groups of their own, where the system lists them."""
    below, parents = {ancestor}, _parents()
    # in the order of their numbers a child may come before its parent, as numbers are given out again
    while added := {process for process, parent in parents.items() if parent in below} - below:
        below |= added
    for process in below - {ancestor}:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGKILL)


def _parents() -> dict[int, int]:
    """The parent of each process; nothing on systems without /proc."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            # the name of the program, in parentheses, may contain any characters
            parents[int(entry.parent.name)] = int(entry.read_bytes().rpartition(b")")[2].split()[1])
    return parents


async def spawn_child(
    module: str,
    *arguments: str,
    log: Path,
    environment: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
    pass_fds: Sequence[int] = (),
) -> Child:
    """Start `python -m module arguments`; raises OSError when that is impossible.

    log: file its output is appended to. environment: variables on top of ours. prefix: options of the interpreter.
    pass_fds: file descriptors that it inherits under the same numbers.
    """
    reading, writing = os.pipe()
    try:
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *prefix,
                "-P",  # the folder where it runs can contain modules of strangers
                "-m",
                module,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=(reading, *pass_fds),
                env={**os.environ, **(environment or {}), _LIFELINE: str(reading)},
            )
    except BaseException:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    return Child(process, writing)


def watch_lifeline(descriptor: int | None = None) -> int | None:
    """Call first thing in a child: die with the emulator. Without a lifeline (started by hand) nothing is watched.

    descriptor: that of the lifeline, for a child that was forked; by default it is taken from the environment. Returns
    it, so that forks of this process can watch it too.
    """
    if descriptor is None:
        inherited = os.environ.pop(_LIFELINE, None)
        if inherited is None:
            return None
        descriptor = int(inherited)

    def wait() -> None:
        os.read(descriptor, 1)
        kill_below(os.getpid())
        os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
    return descriptor
