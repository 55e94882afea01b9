"""The workspace of a spec as a value, and stacks and endpoints that several specs define in one workspace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from phift.compile.naming import endpoint_name
from phift.spec import LoadedSpec

__all__ = ["doubles", "place_of"]


def place_of(loaded: LoadedSpec) -> tuple[str, ...]:
    """Return a comparable identity of the target workspace of a spec. Specs with the same value share a session."""
    target = loaded.target
    if target.local:
        return ("local",)
    if target.workspace is None:
        return ("environment",)  # of AZURE_* variables or config.json, the same for all specs of a run
    named = target.workspace
    return tuple(part.lower() for part in (named.subscription_id, named.resource_group, named.name))


def doubles(loaded: Sequence[LoadedSpec]) -> list[tuple[str, list[LoadedSpec]]]:
    """Return each stack that several specs define, in words (`the stack NAME`), with these specs; if there is none,
    each such endpoint."""
    stacks: dict[tuple[object, str], list[LoadedSpec]] = defaultdict(list)
    endpoints: dict[tuple[object, str], list[LoadedSpec]] = defaultdict(list)
    for spec in loaded:
        place = place_of(spec)
        stacks[place, spec.stack].append(spec)
        if spec.spec.endpoint is not None:
            name = spec.spec.endpoint.name or endpoint_name(spec.stack, "/".join(place))
            endpoints[place, name.lower()].append(spec)
    found = [(f"the stack {name}", specs) for (_, name), specs in stacks.items() if len(specs) > 1]
    return found or [(f"the endpoint {name}", specs) for (_, name), specs in endpoints.items() if len(specs) > 1]
