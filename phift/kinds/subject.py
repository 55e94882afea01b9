"""The input of the checks: the spec, the compiled stack, the facts, and the live objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from phift.address import Address
from phift.azure.facts import RemoteFacts
from phift.diagnostics import Diagnostic
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.spec import LoadedSpec
from phift.state.desired import Desired, Stack
from phift.state.facts import Facts, Size
from phift.state.live import Live, Observation

__all__ = ["Subject"]


@dataclass(frozen=True)
class Subject:
    """The input of the checks.

    observed: by address. planned: the planned resources, in order.
    """

    loaded: LoadedSpec
    stack: Stack
    facts: Facts
    observed: Mapping[Address, Observation]
    planned: tuple[PlannedResource, ...]
    remote: RemoteFacts
    """Reads further facts where a check needs them."""

    def live(self, desired: Desired[Any]) -> Live | None:
        """Return the live object of a desired resource, or None."""
        seen = self.observed.get(desired.address)
        return seen.live if seen else None

    def action(self, desired: Desired[Any]) -> Action:
        """Return the planned action on a desired resource."""
        return next((p.action for p in self.planned if p.address == desired.address), Action.NO_OP)

    def size_of(self, compute: Desired[Any]) -> tuple[str, Size | None]:
        """Return the current or future VM size of a compute, and its facts."""
        name = str(self.effective(compute).get("size") or compute.properties.get("size") or "")
        return name, self.facts.size(name)

    def effective(self, desired: Desired[Any]) -> Mapping[str, Any]:
        """Return the properties that a resource has after the apply: the live ones where phift does not write it."""
        live = self.unmanaged(desired)
        return live.properties if live is not None else desired.properties

    def unmanaged(self, desired: Desired[Any]) -> Live | None:
        """Return the live object if phift does not write it, because the spec only refers to it or others own it."""
        live = self.live(desired)
        return live if live is not None and not (desired.owned and live.ours) else None

    def at(self, path: str, finding: Diagnostic) -> Diagnostic:
        """Return the finding with the position of a dotted path in the spec."""
        return replace(finding, mark=self.loaded.mark(path), path=path)
