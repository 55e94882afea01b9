"""Failures of a training job caused by the infrastructure, as data in infrastructure.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from phift.state.rules import Source

__all__ = ["Passing", "passing", "table"]


@dataclass(frozen=True)
class Passing:
    """A transient failure. Empty state, code or message match any value. reason: one clause."""

    reason: str
    source: Source
    state: str = ""
    code: str = ""
    message: str = ""

    def covers(self, state: str, code: str, message: str) -> bool:
        return self.state in {"", state} and self.code in {"", code} and self.message in message


@cache
def table() -> tuple[Passing, ...]:
    """Return all transient failures, in file order."""
    text = files("phift.kinds.job").joinpath("infrastructure.yaml").read_text(encoding="utf-8")
    entries: list[dict[str, Any]] = yaml.safe_load(text)
    return tuple(Passing(**{**entry, "source": Source(entry["source"])}) for entry in entries)


def passing(state: str, code: str, message: str) -> str:
    """Return why a failed job may succeed on a retry; empty if the author must fix the cause.

    state: of the job. code, message: of the error of the failed run.
    """
    return next((entry.reason for entry in table() if entry.covers(state, code, message)), "")
