"""The kind `data`: a uri_file asset whose version is the digest of its recipe."""

from __future__ import annotations

from phift.data.recipe import Recipe
from phift.kinds.base import Kind, Wire
from phift.kinds.context import Context
from phift.kinds.data.checks import classes, rows
from phift.kinds.data.compile import data_versions
from phift.kinds.data.parts import DataParts
from phift.kinds.data.words import WORDS, status
from phift.kinds.exporting import Exported, Exporting
from phift.kinds.shared.permissions import archiving
from phift.plan.versions import decide_version
from phift.state.desired import Desired
from phift.state.live import Live, Observation
from phift.state.traits import Nature, Traits

__all__ = ["DATA"]

_HOUR = 3600.0


def _wire() -> Wire[DataParts, Observation]:
    from phift.kinds.data.wire import DataWire

    return DataWire()


def _stored(context: Context, live: Live) -> bool:
    from phift.kinds.data.wire import DataWire

    return DataWire().stored(context, live)


def _recipe(desired: Desired[DataParts]) -> Recipe | None:
    return desired.parts.recipe


def _seconds(desired: Desired[DataParts]) -> float:
    from phift.kinds.data.progress import seconds_for

    return _HOUR if desired.parts.recipe is None else seconds_for(desired.parts.recipe)


def _export(exporting: Exporting, desired: Desired[DataParts], seen: object) -> Exported:
    from phift.kinds.data.export import export

    return export(exporting, desired)


def _objects(context: Context, desired: Desired[DataParts]) -> list[str]:
    from phift.kinds.shared.versions import versions_in

    return [str(raw["name"]) for raw in versions_in(context, f"data/{desired.name}")]


DATA = Kind(
    name="data",
    traits=Traits(nature=Nature.VERSION, deadline=_HOUR),
    compile=data_versions,
    load_wire=_wire,
    export=_export,
    blocks=("data.*", "data.from", "data"),
    objects=_objects,
    permissions=archiving("data/versions"),
    decide=decide_version,
    checks=(rows, classes),
    recipe=_recipe,
    seconds=_seconds,
    stored=_stored,
    words=WORDS,
    status=status,
)
