"""The kind `autoscale`: the autoscale setting of a deployment."""

from __future__ import annotations

from phift.kinds.autoscale.checks import has_metrics, is_balanced, within_limits, within_quota
from phift.kinds.autoscale.compile import autoscale
from phift.kinds.autoscale.parts import AutoscaleObservation, AutoscaleParts
from phift.kinds.autoscale.plan import decide, without_strays
from phift.kinds.autoscale.strays import strays
from phift.kinds.autoscale.unwatched import unwatched
from phift.kinds.autoscale.words import status
from phift.kinds.base import Kind, Wire
from phift.kinds.exporting import Exported, Exporting
from phift.kinds.shared.permissions import writing
from phift.state.desired import Desired
from phift.state.traits import Traits

__all__ = ["AUTOSCALE"]


def _wire() -> Wire[AutoscaleParts, AutoscaleObservation]:
    from phift.kinds.autoscale.wire import AutoscaleWire

    return AutoscaleWire()


def _export(
    exporting: Exporting, desired: Desired[AutoscaleParts], seen: AutoscaleObservation | None
) -> Exported | None:
    from phift.kinds.autoscale.export import export

    return export(exporting, desired)


AUTOSCALE = Kind(
    name="autoscale",
    traits=Traits(deadline=300.0, accompanies=True, tags_on_arm=True, replaceable=True),
    compile=autoscale,
    load_wire=_wire,
    export=_export,
    blocks=("deployment.autoscale",),
    permissions=writing("autoscaleSettings", below="Microsoft.Insights"),
    decide=decide,
    checks=(has_metrics, is_balanced, within_quota, within_limits),
    strays=strays,
    without_strays=without_strays,
    status=status,
    unwatched=unwatched,
)
