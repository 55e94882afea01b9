"""All resource kinds in the order of dependencies, in which stacks are compiled and shown. The only list of kinds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from phift.kinds.base import Kind
from phift.kinds.compute.kind import COMPUTE
from phift.kinds.data.kind import DATA
from phift.kinds.deployment.kind import DEPLOYMENT
from phift.kinds.endpoint.kind import ENDPOINT
from phift.kinds.job.kind import JOB
from phift.kinds.model.kind import MODEL
from phift.kinds.test.kind import TEST
from phift.kinds.traffic.kind import TRAFFIC

__all__ = ["KINDS"]

KINDS: Mapping[str, Kind[Any, Any]] = MappingProxyType(
    {kind.name: kind for kind in (COMPUTE, DATA, JOB, MODEL, ENDPOINT, DEPLOYMENT, TEST, TRAFFIC)}
)
