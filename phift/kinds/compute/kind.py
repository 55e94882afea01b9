"""The kind `compute`: an AmlCompute cluster of the stack, or a reference that is never written."""

from __future__ import annotations

from phift.kinds.base import Kind, Wire
from phift.kinds.compute.checks import compute_state, gpu_count, region, size_allowed, size_offered
from phift.kinds.compute.compile import computes
from phift.kinds.compute.demand import demand
from phift.kinds.compute.parts import ComputeParts
from phift.kinds.compute.rate import rate, wanted_rate
from phift.kinds.compute.secrets import require_password
from phift.kinds.compute.tier import choose_tier, with_tier
from phift.kinds.compute.unwatched import unwatched
from phift.kinds.compute.words import status
from phift.kinds.exporting import Exported, Exporting
from phift.kinds.shared.permissions import writing
from phift.state.desired import Desired
from phift.state.live import Observation
from phift.state.traits import Traits

__all__ = ["COMPUTE"]


def _wire() -> Wire[ComputeParts, Observation]:
    from phift.kinds.compute.wire import ComputeWire

    return ComputeWire()


def _export(exporting: Exporting, desired: Desired[ComputeParts], seen: object) -> Exported | None:
    from phift.kinds.compute.export import export

    return export(exporting, desired) if desired.owned else None


COMPUTE = Kind(
    name="compute",
    traits=Traits(
        deadline=1800.0,
        shared=True,
        adoptable=True,
        tags_on_arm=True,
        replaceable=True,
        billed_in="computes",
    ),
    compile=computes,
    load_wire=_wire,
    export=_export,
    blocks=("compute.*",),
    permissions=writing("computes"),
    complete=choose_tier,
    decided=with_tier,
    require_ready=require_password,
    checks=(compute_state, size_allowed, size_offered, gpu_count, region),
    demand=demand,
    rate=rate,
    wanted_rate=wanted_rate,
    status=status,
    unwatched=unwatched,
)
