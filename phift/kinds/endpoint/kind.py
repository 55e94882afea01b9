"""The kind `endpoint`: a managed online endpoint."""

from __future__ import annotations

from phift.kinds.base import Kind, Wire
from phift.kinds.endpoint.checks import endpoint_named
from phift.kinds.endpoint.compile import endpoint
from phift.kinds.endpoint.words import result, status
from phift.kinds.exporting import Exported, Exporting
from phift.kinds.shared.permissions import writing
from phift.state.desired import Desired, NoParts
from phift.state.live import Observation
from phift.state.traits import Traits

__all__ = ["ENDPOINT"]


def _wire() -> Wire[NoParts, Observation]:
    from phift.kinds.endpoint.wire import EndpointWire

    return EndpointWire()


def _export(exporting: Exporting, desired: Desired[NoParts], seen: object) -> Exported:
    from phift.kinds.endpoint.export import export

    return export(exporting, desired)


ENDPOINT = Kind(
    name="endpoint",
    traits=Traits(
        adoptable=True,
        hosts=True,
        single=True,
        tags_on_arm=True,
        instead="Run `phift destroy`, then `phift apply`. This deletes its deployments; nothing is trained again.",
        billed_in="onlineEndpoints",
    ),
    compile=endpoint,
    load_wire=_wire,
    export=_export,
    blocks=("endpoint",),
    permissions=writing("onlineEndpoints"),
    checks=(endpoint_named,),
    status=status,
    result=result,
)
