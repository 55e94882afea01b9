"""The process in which one command runs: `python -m phift.emulator.runtime.commands.process FILE`.

It starts what the file says, ends with the same exit code, and dies with the emulator. Nothing that the command started
outlives it, as nothing outlives a container.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from phift.emulator.runtime.child import kill_below, watch_lifeline

__all__ = ["CommandFile"]

_CANNOT_START = 127  # as a shell says of a program that it does not find
_PR_SET_CHILD_SUBREAPER = 36
_SIGNAL = 128  # as a shell says of a program that a signal ended


@dataclass(frozen=True)
class CommandFile:
    """What the emulator passes to the process. arguments: of the program to start. folder: its working folder."""

    arguments: list[str]
    folder: str

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> CommandFile:
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def _adopt_orphans() -> None:
    """Become the parent of what the command leaves behind, so that it can be found."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def main() -> int:
    watch_lifeline()
    _adopt_orphans()
    command = CommandFile.read(Path(sys.argv[1]))
    try:
        code = subprocess.run(command.arguments, cwd=command.folder, stdin=subprocess.DEVNULL, check=False).returncode
    except OSError as error:
        sys.stderr.write(f"{command.arguments[0]} cannot be started: {error.strerror or error}\n")
        return _CANNOT_START
    kill_below(os.getpid())
    return code if code >= 0 else _SIGNAL - code


if __name__ == "__main__":
    sys.exit(main())
