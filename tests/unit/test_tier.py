"""`tier: any`: which tier a cluster gets, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support import wanted

from phift.azure.facts import RemoteFacts
from phift.errors import AzureError
from phift.kinds.compute.parts import ANY, FINETUNE, ComputeParts
from phift.kinds.compute.tier import choose_tier, with_tier
from phift.kinds.subject import Subject
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.spec import LoadedSpec
from phift.state.desired import Stack
from phift.state.facts import REGION, Facts, Size, Usage, pool_of
from phift.state.ownership import Claim
from phift.state.source import Source

A100 = Size("Standard_NC24ads_A100_v4", 24, 1, "standardNCADSA100v4Family")
CLUSTER = wanted(
    "compute", "finetune", "gpu", {"size": A100.name, "max_instances": 2}, parts=ComputeParts(FINETUNE, tier=ANY)
)


def usages(family: int, region: int = 1000) -> Callable[[], tuple[Usage, ...]]:
    """So many free vCPUs."""
    return lambda: (Usage(pool_of(A100.family), "A100", 0, family), Usage(REGION, "Regional", 0, region))


def refuse() -> tuple[Usage, ...]:
    raise AzureError("not allowed", status=403)


def planned(
    action: Action = Action.CREATE,
    size: Size = A100,
    read: Callable[[], tuple[Usage, ...]] = refuse,
    location: str = "",
) -> PlannedResource:
    cluster = replace(CLUSTER, properties={**CLUSTER.properties, "location": location})
    stack = Stack("s", "local", Claim("", Source("", "")), (cluster,))
    facts = Facts("/x", "eastus", sizes={size.name.lower(): size})
    remote = cast(RemoteFacts, SimpleNamespace(usages=read))
    resource = PlannedResource(CLUSTER.address, action, "gpu")
    subject = Subject(cast(LoadedSpec, None), stack, facts, {}, (resource,), remote)
    return choose_tier(subject, resource)


@pytest.mark.parametrize(
    ("more", "tier", "why"),
    [
        ({"read": usages(48)}, "dedicated", "the dedicated quota has room for 48 vCPUs"),
        ({"read": usages(-1)}, "dedicated", "the dedicated quota has room for 48 vCPUs"),
        ({"read": usages(47)}, "low_priority", "48 vCPUs of A100 needed, 47 available"),
        ({"read": usages(96, 24)}, "low_priority", "48 vCPUs of Regional needed, 24 available"),
        ({"read": usages(47), "location": "westus3"}, "dedicated", "the quota of westus3 is not read"),
        ({"read": refuse}, "dedicated", "the usage of the region cannot be read"),
        ({"size": Size(A100.name, 24, 1)}, "dedicated", "the quota of the size is not known"),
        ({"size": Size(A100.name, 24, 1, A100.family, low_priority=False)}, "dedicated", "has no low-priority nodes"),
    ],
)
def test_by_free_quota(more: dict[str, Any], tier: str, why: str) -> None:
    found = planned(**more)
    (note,) = found.notes
    assert note.startswith(f"tier: any becomes {tier}: ")
    assert note.endswith(why)
    assert (found.decided.tier, found.details["tier"]) == (tier, tier)
    assert with_tier(CLUSTER, found.decided).parts.tier == tier


@pytest.mark.parametrize("action", [Action.NO_OP, Action.UPDATE, Action.ADOPT])
def test_nothing_is_read_for_a_cluster_that_exists(action: Action) -> None:
    found = planned(action, read=refuse)
    assert (found.notes, found.decided.tier) == ((), "")


def test_a_size_tells_whether_it_has_low_priority_nodes() -> None:
    assert not Size.from_document({"name": "x", "lowPriorityCapable": False}).low_priority
    assert Size.from_document({"name": "x"}).low_priority
