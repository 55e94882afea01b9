"""An autoscale setting as a document of Azure Resource Manager: `az monitor autoscale` does not express all of it."""

from __future__ import annotations

from phift.kinds.autoscale.parts import AutoscaleParts
from phift.kinds.autoscale.wire import AutoscaleWire
from phift.kinds.exporting import Exported, Exporting, arm_uri, file_name, put_by_rest, require_no_secrets
from phift.kinds.shared.monitor import SETTINGS_API, settings_path
from phift.kinds.shared.wire import own_marks
from phift.state.desired import Desired

__all__ = ["export"]


def export(exporting: Exporting, desired: Desired[AutoscaleParts]) -> Exported:
    """Return the files and commands of an autoscale setting."""
    require_no_secrets(desired)
    context = exporting.context
    path = f"{settings_path(context.azure.workspace)}/{desired.name}"
    tags = {**(desired.properties.get("tags") or {}), **own_marks(context, desired, path)}
    file = file_name(desired, "json")
    uri = arm_uri(context, path, SETTINGS_API)
    put = f"written {uri} ||\n    {put_by_rest(uri, file)}"
    title = (f"The autoscale setting {desired.name}, which belongs to Azure Monitor.",)
    return Exported(title, (put,), {file: AutoscaleWire().document(context, desired, tags, None)})
