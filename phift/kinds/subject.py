"""What the checks look at: the spec, what it compiled to, the facts, and what is live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from phift.address import Address
from phift.azure.facts import RemoteFacts
from phift.diagnostics import Diagnostic
from phift.plan.model import PlannedResource
from phift.spec import LoadedSpec
from phift.state.desired import Desired, Stack
from phift.state.facts import Facts, Size
from phift.state.live import Live, Observation

__all__ = ["Subject"]


@dataclass(frozen=True)
class Subject:
    """observed: by address. planned: what the planner decided, in order."""

    loaded: LoadedSpec
    stack: Stack
    facts: Facts
    observed: Mapping[Address, Observation]
    planned: tuple[PlannedResource, ...]
    remote: RemoteFacts
    """Reads further facts where a check needs them."""

    def live(self, desired: Desired[Any]) -> Live | None:
        """The live object of a desired resource."""
        seen = self.observed.get(desired.address)
        return seen.live if seen else None

    def size_of(self, compute: Desired[Any]) -> tuple[str, Size | None]:
        """The VM size a compute has or will have, and what is known of it."""
        live = self.live(compute)
        name = str(
            (live.properties.get("size") if live and not live.ours else None) or compute.properties.get("size") or ""
        )
        return name, self.facts.size(name)

    def at(self, path: str, finding: Diagnostic) -> Diagnostic:
        """The finding with the place in the spec that the dotted path has."""
        return replace(finding, mark=self.loaded.mark(path), path=path)
