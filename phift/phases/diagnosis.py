"""What doctor finds: the facts of Azure that a stack relies on, and whether they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Diagnosis", "Fact", "Result"]


class Result(StrEnum):
    """Whether a fact holds in a workspace."""

    HOLDS = "holds"
    DIFFERS = "differs"
    UNCHECKED = "not checked"


@dataclass(frozen=True)
class Fact:
    """A fact that a stack relies on. source: where it comes from (documented, recorded, assumed). seen: what was read.
    matters: what phift does with it."""

    name: str
    statement: str
    source: str
    result: Result
    seen: str
    matters: str


@dataclass(frozen=True)
class Diagnosis:
    """The facts, and the redacted recording of the requests."""

    stack: str
    workspace: str
    facts: tuple[Fact, ...]
    recording: Mapping[str, Any] = field(repr=False)

    @property
    def differs(self) -> bool:
        return any(fact.result is Result.DIFFERS for fact in self.facts)
