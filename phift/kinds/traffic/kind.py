"""The kind `traffic`: the traffic split, which is part of the document of the endpoint and read back after a write."""

from __future__ import annotations

from dataclasses import replace

from phift.kinds.base import Kind, Wire
from phift.kinds.exporting import Exported, Exporting
from phift.kinds.shared.permissions import writing
from phift.kinds.traffic.compile import traffic
from phift.kinds.traffic.parts import TrafficObservation, TrafficParts
from phift.kinds.traffic.plan import decide, shares
from phift.plan.model import Decided
from phift.state.desired import Desired
from phift.state.live import Live
from phift.state.traits import Traits

__all__ = ["TRAFFIC"]


def _wire() -> Wire[TrafficParts, TrafficObservation]:
    from phift.kinds.traffic.wire import TrafficWire

    return TrafficWire()


def _decided(desired: Desired[TrafficParts], decided: Decided) -> Desired[TrafficParts]:
    return replace(desired, parts=replace(desired.parts, split=decided.split, take_over=decided.take_over))


def _identity(live: Live) -> str:
    return shares(live.properties["traffic"])


def _export(exporting: Exporting, desired: Desired[TrafficParts], seen: object) -> Exported:
    from phift.kinds.traffic.export import export

    return export(exporting, desired)


TRAFFIC = Kind(
    name="traffic",
    # An empty split is not an object; poll reads it back.
    traits=Traits(deadline=1800.0, leaves_object=False, hosted=True, routes=True),
    compile=traffic,
    load_wire=_wire,
    export=_export,
    blocks=("rollout",),
    permissions=writing("onlineEndpoints"),
    decide=decide,
    decided=_decided,
    identity=_identity,
)
