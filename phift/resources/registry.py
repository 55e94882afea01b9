"""Every resource kind phift knows, in the order in which a stack is told."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from phift.resources.base import Kind
from phift.resources.kinds.compute import Compute
from phift.resources.kinds.data import Data
from phift.resources.kinds.deployment import Deployment
from phift.resources.kinds.endpoint import Endpoint
from phift.resources.kinds.job import Job
from phift.resources.kinds.model import Model
from phift.resources.kinds.test import Test
from phift.resources.kinds.traffic import Traffic

__all__ = ["KINDS"]

KINDS: Mapping[str, Kind] = MappingProxyType(
    {k.name: k for k in (Compute(), Data(), Job(), Model(), Endpoint(), Deployment(), Test(), Traffic())}
)
