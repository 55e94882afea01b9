"""Field behaviour as data: how differences between wanted and live are to be taken, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

__all__ = ["Behaviour", "Rule", "Source", "rules_of"]


class Behaviour(StrEnum):
    CASE_INSENSITIVE = "case_insensitive"
    """Texts that differ only in case are equal."""
    UNORDERED = "unordered"
    """Lists with the same members are equal."""
    SERVER_OWNED = "server_owned"
    """The service writes it; never compared."""
    INITIAL = "initial"
    """Ours only at creation."""
    IMMUTABLE = "immutable"
    """Cannot be changed in place: forces replacement."""
    NEUTRAL = "neutral"
    """A parameter that does not change what is trained: no part of the job's digest."""
    SECRET = "secret"
    """The value is not shown."""
    DEFAULT = "default"
    """What the service puts where nothing is said: a field that leaves the spec goes back to it."""
    STAYS = "stays"
    """Neither changed in place nor by a new object: a field that leaves the spec keeps its value."""


class Source(StrEnum):
    """How we know."""

    RECORDED = "recorded"
    SDK = "sdk"
    DOCS = "docs"
    ASSUMED = "assumed"


@dataclass(frozen=True)
class Rule:
    """field: a dotted path, `*` matches within it. value: of a default."""

    kind: str
    field: str
    behaviour: Behaviour
    reason: str
    source: Source
    value: Any = None

    def covers(self, path: str) -> bool:
        return fnmatchcase(path, self.field)


@cache
def rules_of(kind: str) -> tuple[Rule, ...]:
    """The rules of a kind, in file order; empty when there are none."""
    source = files("phift.kinds").joinpath(kind, "rules.yaml")
    if not source.is_file():
        return ()
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries: Sequence[dict[str, Any]] = yaml.load(source.read_text(encoding="utf-8"), Loader=loader)
    return tuple(
        Rule(kind, r["field"], Behaviour(r["behaviour"]), r["reason"], Source(r["source"]), r.get("value"))
        for r in entries
    )
