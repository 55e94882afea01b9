"""The origins of the values of a plan: which line of which file, which override, which default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from phift.kinds.registry import KINDS
from phift.plan.model import PlannedResource
from phift.spec import Origin, OriginKind, Rendered

__all__ = ["Origins", "label_of", "labels_of", "origin_of"]

Origins = Mapping[str, str]
"""The label of the origin of each value of the spec, by dotted path."""

_EVERYWHERE = frozenset({"tags", "description", "base_model"})
"""Top-level values that resources show under the same name."""


def labels_of(values: Iterable[Rendered], spec_path: str) -> dict[str, str]:
    """Return the labels by dotted path. Files are named relative to the folder of the spec."""
    folder = Path(spec_path).parent
    return {one.path: label_of(one.origin, folder) for one in values}


def label_of(origin: Origin, folder: Path) -> str:
    """Return `quickstart.yaml:36`, `target prod (quickstart.yaml:70)` or `model default Phi-3:16`."""
    place = ""
    if origin.mark and origin.mark.file:
        file = Path(origin.mark.file)
        shown = file.relative_to(folder) if file.is_relative_to(folder) else file
        place = f"{shown}:{origin.mark.line}" if origin.mark.line else str(shown)
    if origin.kind is OriginKind.SPEC:
        return place or str(origin)
    return f"{origin} ({place})" if place else str(origin)


def origin_of(resource: PlannedResource, path: str, origins: Origins) -> str:
    """Return the label of the origin of a property of a resource, "" for one that the spec does not state."""
    for block in KINDS[resource.address.kind].blocks:
        place = block.replace("*", resource.address.name)
        # A path that begins like the block ends with it: `parameters.learning_rate` in `finetune.parameters`.
        inside = path.removeprefix(f"{place.rpartition('.')[2]}.")
        for name in (path, inside):
            if found := origins.get(f"{place}.{name}"):
                return found
    return origins.get(path, "") if path.partition(".")[0] in _EVERYWHERE else ""
