"""The process that has imported what jobs need: `python -m phift.emulator.runtime.training.warm DESCRIPTOR HOME`.

It runs one job after the other and forks each step of them, so that a step begins with its libraries imported. What a
later step needs is imported while an earlier one runs. HOME is not used: it says in a list of processes whose it is.

DESCRIPTOR is that of a socket. A line {"folder": ...} comes in for each job; {"step": pid} goes out for each step, and
{"ended": exit code} at the end of the job, minus the signal's number when a signal ended a step.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from phift.emulator.runtime.child import kill_group, watch_lifeline
from phift.emulator.runtime.training.steps import PIPELINES, step_function
from phift.emulator.runtime.training.steps.libraries import imports_of
from phift.emulator.runtime.training.worker import JobFile, quiet, run_step, without_unused_libraries
from phift.startup import importing

__all__ = ["LOG", "main"]

LOG = "worker.log"
"""The file in a job's folder that takes what its processes print."""


class _Parent:
    """The process between two forks. channel: to the emulator. lifeline: of the emulator, None without one."""

    def __init__(self, channel: socket.socket, lifeline: int | None) -> None:
        self._channel = channel
        self._lifeline = lifeline

    def serve(self) -> None:
        """Run the jobs that are asked for, until the emulator closes the channel."""
        with self._channel.makefile("r", encoding="utf-8") as requests:
            for line in requests:
                folder = Path(json.loads(line)["folder"])
                _print_to(folder / LOG)
                self._tell(ended=self._run(folder))
                _print_to(Path(os.devnull))

    def _run(self, folder: Path) -> int:
        job = JobFile.read(folder)
        steps = PIPELINES[job.component]
        for index, (step, module) in enumerate(steps):
            _prepare(module)
            pid = self._fork(folder, job, step, module)
            for _, later in steps[index + 1 :]:
                _prepare(later, unless_ended=pid)
            _, status = os.waitpid(pid, 0)
            kill_group(pid)  # what the step started
            if code := os.waitstatus_to_exitcode(status):
                return code
        return 0

    def _fork(self, folder: Path, job: JobFile, step: str, module: str) -> int:
        """Start a step; return its process id, which the emulator knows before the step begins."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(writing)
            self._become(reading, folder, job, step, module)
        os.close(reading)
        self._tell(step=pid)
        os.write(writing, b"!")
        os.close(writing)
        return pid

    def _become(self, starting: int, folder: Path, job: JobFile, step: str, module: str) -> NoReturn:
        code = 1
        try:
            os.setsid()
            watch_lifeline(self._lifeline)
            os.close(self._channel.detach())  # or the emulator would not see it end with the parent
            if os.read(starting, 1):  # else the parent is gone, and nobody waits for this step
                os.close(starting)
                code = 0 if run_step(folder, job, step, module) else 1
        except BaseException:  # noqa: BLE001  must not get back into the parent's loop, whatever it is
            traceback.print_exc()
        finally:
            # no exit handler runs, and no buffer is written, twice: those here are the parent's
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    stream.flush()
            os._exit(code)

    def _tell(self, **message: Any) -> None:
        self._channel.sendall(json.dumps(message).encode() + b"\n")


def _prepare(module: str, unless_ended: int = 0) -> None:
    """Import what a step needs. unless_ended: a process; once it has ended no further part is imported."""
    step_function(module)  # light, and from now on the same for all jobs, whatever becomes of the files
    for part in imports_of(module):
        if unless_ended and _has_ended(unless_ended):
            return
        # whatever this raises, the step meets again and reports
        with suppress(Exception), importing():
            part()


def _has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _print_to(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.close(descriptor)


def main() -> None:
    lifeline = watch_lifeline()
    quiet()
    without_unused_libraries()
    _Parent(socket.socket(fileno=int(sys.argv[1])), lifeline).serve()


if __name__ == "__main__":
    main()
