"""The kind `deployment`: a managed online deployment, named by the digest of values that require a new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from phift.kinds.base import Kind, Wire
from phift.kinds.deployment.checks import code_exists, deployment_count, others_kept, size_allowed, size_offered
from phift.kinds.deployment.compile import deployment
from phift.kinds.deployment.count import with_serving_count
from phift.kinds.deployment.demand import demand
from phift.kinds.deployment.parts import DeploymentObservation, DeploymentParts
from phift.kinds.deployment.plan import decide, removals
from phift.kinds.deployment.rate import rate, wanted_rate
from phift.kinds.deployment.secrets import require_secrets
from phift.kinds.deployment.unwatched import unwatched
from phift.kinds.deployment.words import status
from phift.kinds.exporting import Exported, Exporting
from phift.kinds.shared.permissions import writing
from phift.plan.model import Decided
from phift.state.desired import Desired
from phift.state.traits import Traits

__all__ = ["DEPLOYMENT"]


def _wire() -> Wire[DeploymentParts, DeploymentObservation]:
    from phift.kinds.deployment.wire import DeploymentWire

    return DeploymentWire()


def _decided(desired: Desired[DeploymentParts], decided: Decided) -> Desired[DeploymentParts]:
    """Set the endpoint of a deployment that is no longer in the spec, from the plan."""
    return replace(desired, parts=DeploymentParts(decided.endpoint, keep=decided.keep)) if decided.endpoint else desired


def _export(
    exporting: Exporting, desired: Desired[DeploymentParts], seen: DeploymentObservation | None
) -> Exported | None:
    from phift.kinds.deployment.export import export

    return export(exporting, desired)


def _edits(desired: Desired[DeploymentParts]) -> Iterator[Mapping[str, Any]]:
    """Yield an environment variable more, which requires a new deployment."""
    yield {"deployment": {"environment_variables": {"PHIFT_CHECK": "1"}}}


DEPLOYMENT = Kind(
    name="deployment",
    traits=Traits(deadline=7200.0, hosted=True, serves=True, tags_on_arm=True, replaceable=True, adoptable=True),
    compile=deployment,
    load_wire=_wire,
    export=_export,
    blocks=("deployment",),
    edits=_edits,
    permissions=writing("onlineEndpoints/deployments"),
    decide=decide,
    removals=removals,
    checks=(size_allowed, size_offered, deployment_count, others_kept, code_exists),
    demand=demand,
    rate=rate,
    wanted_rate=wanted_rate,
    decided=_decided,
    as_read=with_serving_count,
    require_ready=require_secrets,
    status=status,
    unwatched=unwatched,
)
