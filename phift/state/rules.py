"""Field behaviour as data: how to treat differences between desired and live values, with reasons."""

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
    """How the service treats a field, and so how its differences are treated."""

    CASE_INSENSITIVE = "case_insensitive"
    """Texts that differ only in case are equal."""
    UNORDERED = "unordered"
    """Lists with the same members are equal."""
    SERVER_OWNED = "server_owned"
    """The service writes it; never compared."""
    INITIAL = "initial"
    """Managed at creation only."""
    IMMUTABLE = "immutable"
    """Cannot be changed in place: forces replacement."""
    NEUTRAL = "neutral"
    """A parameter without influence on the result of the training; not part of the digest of the job."""
    SECRET = "secret"
    """The value is not shown."""
    DEFAULT = "default"
    """The default of the service. A field removed from the spec is reset to it."""
    STAYS = "stays"
    """Cannot be reset, not even by a replacement: a field removed from the spec keeps its value."""


class Source(StrEnum):
    """The source of a rule."""

    RECORDED = "recorded"
    SDK = "sdk"
    DOCS = "docs"
    ASSUMED = "assumed"


@dataclass(frozen=True)
class Rule:
    """A rule for a field. field: a dotted path; `*` is a wildcard. value: of a default."""

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
    """Return the rules of a kind, in file order; empty if it has none."""
    source = files("phift.kinds").joinpath(kind, "rules.yaml")
    if not source.is_file():
        return ()
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries: Sequence[dict[str, Any]] = yaml.load(source.read_text(encoding="utf-8"), Loader=loader)
    return tuple(
        Rule(kind, r["field"], Behaviour(r["behaviour"]), r["reason"], Source(r["source"]), r.get("value"))
        for r in entries
    )
