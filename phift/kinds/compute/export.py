"""A cluster in the words of `az ml`."""

from __future__ import annotations

from dataclasses import replace

from phift.kinds.compute.parts import ComputeParts
from phift.kinds.compute.wire import WRITE, ComputeWire
from phift.kinds.exporting import Created, Exported, Exporting, created
from phift.kinds.shared.wire import body_of, own_marks
from phift.state.desired import Desired

__all__ = ["export"]


def export(exporting: Exporting, desired: Desired[ComputeParts]) -> Exported:
    """Return the files and commands of a cluster. Its password is an option of the command."""
    context, password = exporting.context, desired.parts.password
    path = f"{context.azure.workspace.arm_id}/computes/{desired.name}"
    tags = {**(desired.properties.get("tags") or {}), **own_marks(context, desired, path)}
    plain = replace(desired, parts=replace(desired.parts, password=None))
    entity = ComputeWire().entity(plain, tags)
    secrets = {"ssh_settings.admin_password": password.name} if password else {}
    how = Created("compute", ("--name", desired.name), "amlCompute", "load_compute", path, WRITE, secrets)
    return created(exporting, plain, how, (f"The cluster {desired.name}.",), entity, body_of(context, plain, entity))
