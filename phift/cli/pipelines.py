"""Keep the output of phift from acting on the runner of GitHub Actions or on an agent of Azure Pipelines.

Both execute commands that they read in the output, and phift prints names and answers that strangers write. The runner
executes `::command::` at the beginning of a line and `##[command]` anywhere, the agent `##vso[...]` anywhere.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping
from typing import Any, TextIO

__all__ = ["guard_streams"]

_RUNNER = re.compile(r"##\[|^\s*::(?!(?:error|warning) )", re.MULTILINE)
"""Except the annotations of views/github.py, which escape what they quote."""
_AGENT = re.compile(r"##vso\[")


def guard_streams(environ: Mapping[str, str], *streams: TextIO) -> None:
    """In a workflow or a pipeline, break the commands in everything that is written to these streams.

    A stream that is redirected to a file is not changed.
    """
    commands = [mark for name, mark in (("GITHUB_ACTIONS", _RUNNER), ("TF_BUILD", _AGENT)) if environ.get(name)]
    for stream in streams if commands else ():
        if not _is_file(stream):
            for command in commands:
                _guard(stream, command)


def _is_file(stream: TextIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):  # not a stream of the system
        return False


def _guard(stream: Any, command: re.Pattern[str]) -> None:
    write: Callable[[str], int] = stream.write

    def guarded(text: str) -> int:
        return write(command.sub(_broken, text))

    stream.write = guarded


def _broken(command: re.Match[str]) -> str:
    """Return the beginning of a command with a space in its mark."""
    return command[0].replace("::", ": :").replace("##", "## ")
