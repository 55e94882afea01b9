"""The process in which one command runs: `python -m phift.emulator.runtime.commands.process FILE`.

It starts what the file says, ends with the same exit code, and dies with the emulator.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from phift.emulator.runtime.child import watch_lifeline

__all__ = ["CommandFile"]

_CANNOT_START = 127  # as a shell says of a program that it does not find
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


def main() -> int:
    watch_lifeline()
    command = CommandFile.read(Path(sys.argv[1]))
    try:
        code = subprocess.run(command.arguments, cwd=command.folder, stdin=subprocess.DEVNULL, check=False).returncode
    except OSError as error:
        sys.stderr.write(f"{command.arguments[0]} cannot be started: {error.strerror or error}\n")
        return _CANNOT_START
    return code if code >= 0 else _SIGNAL - code


if __name__ == "__main__":
    sys.exit(main())
