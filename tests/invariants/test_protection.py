"""What is protected stays until an apply without the protection has run, whichever way it would go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from worlds import World, changes

from phift import phases
from phift.errors import RefusedError
from phift.phases import Request
from phift.plan.model import Plan

SIZES = ("Standard_NC24ads_A100_v4", "Standard_NC48ads_A100_v4")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def spec(world: World, size: str, **deployment: Any) -> Request:
    return world.write("a.yaml", "shop", deployment={"instance_type": size, "instance_count": 1, **deployment})


def kept(plan: Plan) -> list[str]:
    return [w.summary for w in plan.warnings if w.code == "protected-kept"]


def removed(plan: Plan) -> list[str]:
    return [address for address, action in changes(plan).items() if action == "delete"]


def test_an_old_deployment_that_is_protected_outlives_its_rollout(world: World) -> None:
    world.apply(spec(world, SIZES[0], protect=True))
    (old,) = world.names("onlineEndpoints/" + world.names("onlineEndpoints")[0] + "/deployments")
    plan = world.plan(spec(world, SIZES[1], protect=True))
    assert removed(plan) == []
    new = plan.resource(next(r.address for r in plan.resources if str(r.address) == "deployment.main")).identity
    assert kept(plan) == [f"deployment {old} is protected: it is kept next to {new} and continues to be billed"]
    assert [r.reason for r in plan.resources if r.identity == old] == [f"replaced by {new}; protected: not deleted"]
    world.apply(spec(world, SIZES[1], protect=True))
    again = world.plan(spec(world, SIZES[1], protect=True))
    assert not again.changes_something
    assert kept(again)

    lifting = world.plan(spec(world, SIZES[1]))
    assert removed(lifting) == [], "the protection left the spec, and no apply without it has run"
    assert kept(lifting)
    world.apply(spec(world, SIZES[1]))
    after = world.plan(spec(world, SIZES[1]))
    assert (removed(after), kept(after)) == ([f"deployment.{old}"], [])
    world.apply(spec(world, SIZES[1]))
    assert not world.plan(spec(world, SIZES[1])).changes_something


def test_protection_lifted_together_with_the_rollout_holds_for_one_apply(world: World) -> None:
    world.apply(spec(world, SIZES[0], protect=True))
    both = world.plan(spec(world, SIZES[1]))
    assert (removed(both), len(kept(both))) == ([], 1)
    world.apply(spec(world, SIZES[1]))
    assert len(removed(world.plan(spec(world, SIZES[1])))) == 1


def test_an_unprotected_rollout_removes_the_old_one_at_once(world: World) -> None:
    world.apply(spec(world, SIZES[0]))
    plan = world.plan(spec(world, SIZES[1]))
    assert (len(removed(plan)), kept(plan)) == (1, [])
    protecting = world.plan(spec(world, SIZES[1], protect=True))
    assert len(removed(protecting)) == 1, "the old one was never protected"


def test_a_protected_deployment_is_not_destroyed_with_its_endpoint(world: World) -> None:
    request = spec(world, SIZES[0], protect=True)
    world.apply(request)
    with pytest.raises(RefusedError, match=r"endpoint\.main .* is protected"):
        phases.destroy_plan(request, world.memory.connect)
    world.apply(spec(world, SIZES[0]))
    assert changes(phases.destroy_plan(request, world.memory.connect))["endpoint.main"] == "delete"
