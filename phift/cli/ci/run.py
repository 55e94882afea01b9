"""A run of a workflow: the specs, the service that hosts the repository, and where results are written."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phift.cli.terminal import Terminal
from phift.forge import Forge, forge

if TYPE_CHECKING:
    from phift.phases import Connector, Request

__all__ = ["Run", "key_of"]

_LARGEST_SUMMARY = 1_000_000
"""Bytes of a step's summary that GitHub accepts, rounded down."""


@dataclass(frozen=True)
class Run:
    """requests: one for each spec, folders and globs expanded. key: identifies the comments and issues of the specs."""

    requests: Sequence[Request]
    connect: Connector
    terminal: Terminal
    forge: Forge
    key: str

    @classmethod
    def of(
        cls, requests: Sequence[Request], connect: Connector, terminal: Terminal, *, key: str, author: str = ""
    ) -> Run:
        """Return the run of this process's environment. Raises UsageError outside of a workflow."""
        return cls(requests, connect, terminal, forge(os.environ, author=author), key)

    def marker(self, what: str) -> str:
        """Return the first line of a comment or an issue."""
        return f"<!-- phift-{what}:{self.key} -->"

    def summarize(self, markdown: str) -> None:
        """Show Markdown on the page of the run."""
        if self.forge.summary:
            with open(self.forge.summary, "a", encoding="utf-8") as stream:
                stream.write(markdown[:_LARGEST_SUMMARY] + "\n\n")
            _command(self.forge.shows_summary)

    def output(self, **values: str) -> None:
        """Set results for later steps and jobs. The values have no line ends."""
        for name, value in values.items():
            if self.forge.output:
                with open(self.forge.output, "a", encoding="utf-8") as stream:
                    stream.write(f"{name}={value}\n")
            _command(self.forge.sets(name, value))


def _command(line: str) -> None:
    """Print a command of the service, which phift's output otherwise never contains (cli/pipelines.py)."""
    if line:
        sys.stdout.flush()
        sys.stdout.buffer.write(f"{line}\n".encode())
        sys.stdout.flush()


def key_of(specs: Iterable[Path], target: str | None) -> str:
    """Return the default key of a set of specs and a target."""
    words = re.sub(r"[^a-z0-9.]+", "-", "-".join(map(str, specs)).lower()).strip("-.")
    named = f"{words}.{re.sub(r'[^a-z0-9]+', '-', target.lower())}" if target else words
    return re.sub(r"-{2,}", "-", named) or "specs"
