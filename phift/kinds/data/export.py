"""A data version in the words of `az ml`."""

from __future__ import annotations

from phift.data.cache import prepared
from phift.errors import InvalidSpecError, RefusedError, UsageError
from phift.kinds.data.parts import DataParts
from phift.kinds.data.wire import DataWire, facts_of
from phift.kinds.exporting import Created, Exported, Exporting, version
from phift.kinds.shared.versions import version_labels
from phift.state.desired import Desired

__all__ = ["export"]


def export(exporting: Exporting, desired: Desired[DataParts]) -> Exported:
    """Return the files and commands of a data version, with its prepared rows.

    Raises RefusedError for unfit rows, and what phift.data.prepare raises for other causes.
    """
    recipe, context, wire = desired.parts.recipe, exporting.context, DataWire()
    if recipe is None:
        raise UsageError(f"the source of {desired.address} cannot be identified")
    try:
        rows = prepared(recipe)
    except InvalidSpecError as error:
        raise RefusedError(error.diagnostics) from None
    place = f"rows/{desired.address.name}.jsonl"
    path = f"{context.azure.workspace.arm_id}/data/{desired.name}/versions/{desired.digest}"
    tags, bag = version_labels(context, desired, path, None)
    # `az ml` ignores the properties in the YAML of a data asset; phift reads its marks from tags too.
    entity = wire.entity(desired, place, {**tags, **bag, **facts_of(recipe, rows)}, {})
    select = ("--name", desired.name, "--version", desired.digest)
    how = Created("data", select, "data", "load_data", path, wire.api_version)
    title = (f"{rows.rows:,} prepared rows, uploaded as a data asset.",)
    return version(exporting, desired, how, title, entity, {place: rows.path}, {"path": place})
