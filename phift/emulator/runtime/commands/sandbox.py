"""Where a command runs: in a sandbox of bubblewrap, if that works on this machine, and else as any program of the user.

In the sandbox the file system is read-only, but for the folder of the command itself, which also is its home and its
/tmp. It sees its own processes alone. The network is that of the machine: the emulator's proxy is on loopback.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Sandbox", "find_sandbox"]

_PROBE_SECONDS = 5.0
_READ_ONLY = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")
_ISOLATED = ("--unshare-pid", "--unshare-ipc", "--die-with-parent")


@dataclass(frozen=True)
class Sandbox:
    """How commands are started. program: path of bwrap, "" for no sandbox."""

    program: str

    @property
    def text(self) -> str:
        """What the log says of it."""
        if self.program:
            return "The command runs in a sandbox (bwrap): it can write to its own folder only."
        return "The command runs as you, without a sandbox: bwrap does not work on this machine."

    def arguments(self, command: Sequence[str], folder: Path, working: Path) -> list[str]:
        """The program and arguments that run `command`. folder: what it may write to. working: its working folder."""
        if not self.program:
            return list(command)
        writable = ["--bind", str(folder), str(folder)]
        temporary = _temporary(folder)
        if not _under_tmp(folder):
            writable += ["--bind", str(temporary), "/tmp"]
        options = [*_READ_ONLY, *writable, *_ISOLATED, "--chdir", str(working)]
        return [self.program, *options, "--", *command]

    def variables(self, folder: Path) -> Mapping[str, str]:
        """The variables that name places that the command can write to."""
        if not self.program:
            return {}
        home = folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        return {"HOME": str(home), "TMPDIR": str(_temporary(folder))}


@cache
def find_sandbox() -> Sandbox:
    """Return the sandbox of this machine. Runs bwrap once, for at most five seconds."""
    program = shutil.which("bwrap")
    if program is None:
        return Sandbox("")
    probe = [program, *_READ_ONLY, *_ISOLATED, "--", sys.executable, "-c", "pass"]
    try:
        done = subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return Sandbox("")
    return Sandbox(program if done.returncode == 0 else "")


def _temporary(folder: Path) -> Path:
    path = folder / "tmp"
    path.mkdir(parents=True, exist_ok=True)
    return path


def _under_tmp(folder: Path) -> bool:
    """Whether an own /tmp would hide the interpreter, phift or the home."""
    needed = (folder, Path(sys.executable), Path(sys.prefix), Path(__file__))
    return any(path.is_relative_to("/tmp") for path in needed)
