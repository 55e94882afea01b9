"""What the planner sees of a live object, and of what surrounds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from phift.compile.ownership import Owner

__all__ = ["LiveObject", "Observed"]


class LiveObject(Protocol):
    """What the planner looks at in a live object, see phift.resources.base.Live."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def properties(self) -> Mapping[str, Any]: ...
    @property
    def marks(self) -> Mapping[str, str]: ...
    @property
    def owner(self) -> Owner: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def raw(self) -> Mapping[str, Any]: ...
    @property
    def overridden(self) -> frozenset[str]: ...


class Observed(Protocol):
    """See phift.resources.base.Observation."""

    @property
    def live(self) -> LiveObject | None: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...
