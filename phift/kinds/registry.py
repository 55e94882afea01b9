"""All resource kinds in the order of dependencies, in which stacks are compiled and shown. The only list of kinds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from phift.errors import UsageError
from phift.kinds.autoscale.kind import AUTOSCALE
from phift.kinds.base import Kind
from phift.kinds.code.kind import CODE
from phift.kinds.compute.kind import COMPUTE
from phift.kinds.data.kind import DATA
from phift.kinds.deployment.kind import DEPLOYMENT
from phift.kinds.endpoint.kind import ENDPOINT
from phift.kinds.environment.kind import ENVIRONMENT
from phift.kinds.job.kind import JOB
from phift.kinds.model.kind import MODEL
from phift.kinds.test.kind import TEST
from phift.kinds.traffic.kind import TRAFFIC
from phift.plan.model import Plan

__all__ = ["KINDS", "require_known"]

KINDS: Mapping[str, Kind[Any, Any]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            COMPUTE,
            DATA,
            JOB,
            MODEL,
            CODE,
            ENVIRONMENT,
            ENDPOINT,
            DEPLOYMENT,
            TEST,
            AUTOSCALE,
            TRAFFIC,
        )
    }
)


def require_known(plan: Plan) -> None:
    """Raise UsageError for a plan with resources of a kind that this release does not know: a newer one saved it."""
    for resource in plan.resources:
        if resource.address.kind not in KINDS:
            raise UsageError(
                f"the plan has {resource.address}, a kind that this phift does not know",
                remedy=f"Create a new plan with this phift. It knows: {', '.join(KINDS)}.",
            )
