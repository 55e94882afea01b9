"""An endpoint in the words of `az ml`."""

from __future__ import annotations

from phift.kinds.endpoint.wire import EndpointWire
from phift.kinds.exporting import Created, Exported, Exporting, created
from phift.kinds.shared.online import WRITE, endpoint_path
from phift.kinds.shared.wire import body_of, own_marks
from phift.state.desired import Desired, NoParts

__all__ = ["export"]


def export(exporting: Exporting, desired: Desired[NoParts]) -> Exported:
    """Return the files and commands of an endpoint. Its traffic follows after its deployment."""
    context = exporting.context
    path = endpoint_path(context, desired.name)
    tags = {**(desired.properties.get("tags") or {}), **own_marks(context, desired, path)}
    entity = EndpointWire().entity(desired, tags)
    how = Created(
        "online-endpoint",
        ("--name", desired.name),
        "managedOnlineEndpoint",
        "load_online_endpoint",
        path,
        WRITE,
    )
    return created(
        exporting, desired, how, (f"The endpoint {desired.name}.",), entity, body_of(context, desired, entity)
    )
