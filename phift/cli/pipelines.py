"""Keep the output of phift from acting on an Azure Pipelines agent.

The agent executes `##vso[...]` wherever it is in a line, and phift prints names that strangers write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

__all__ = ["guard_streams"]

_COMMAND = "##vso["


def guard_streams(environ: Mapping[str, str], *streams: TextIO) -> None:
    """In Azure Pipelines, break commands of the agent in everything that is written to these streams."""
    if environ.get("TF_BUILD"):
        for stream in streams:
            _guard(stream)


def _guard(stream: Any) -> None:
    write = stream.write

    def guarded(text: str) -> int:
        return int(write(text.replace(_COMMAND, "## vso[")))

    stream.write = guarded
