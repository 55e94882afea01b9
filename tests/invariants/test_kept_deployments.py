"""An old deployment is kept for the hours of the spec, then deleted by the next apply or by `phift expire`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from worlds import World, changes

from phift import phases
from phift.apply.events import ApplyFinished
from phift.errors import InvalidSpecError
from phift.kinds.deployment.keeping import KEPT, Kept
from phift.phases import ApplyOptions, Request
from phift.phases.expire_stacks import Expiring, expire_drafts, unwatched_stacks

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIZES = ("Standard_NC24ads_A100_v4", "Standard_NC48ads_A100_v4")
KEEP = {"keep_previous": 1, "keep_previous_hours": 48}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def later(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the service's clock to hours after START."""

    def set_clock(hours: float) -> None:
        monkeypatch.setattr(world.memory, "now", lambda: START + timedelta(hours=hours))

    set_clock(0)
    return set_clock


def spec(world: World, size: str, rollout: dict[str, Any] | None = None, **deployment: Any) -> Request:
    """A spec that keeps one deployment for two days; rollout: instead."""
    block = {"instance_type": size, "instance_count": 1, **deployment}
    return world.write("a.yaml", "shop", deployment=block, rollout=KEEP if rollout is None else rollout)


def deployments(world: World) -> dict[str, str]:
    """The mark of each deployment by name."""
    (endpoint,) = world.names("onlineEndpoints")
    path = f"{world.memory.workspace.arm_id}/onlineEndpoints/{endpoint}/deployments"
    return {d["name"]: (d["tags"] or {}).get(KEPT, "") for d in world.memory.azure.arm.list(path, "")}


def rolled_out(world: World) -> str:
    """Apply, then apply with another size. Returns the name of the old deployment."""
    world.apply(spec(world, SIZES[0]))
    (old,) = deployments(world)
    world.apply(spec(world, SIZES[1]))
    return old


def due(world: World, request: Request) -> Expiring:
    (found,) = expire_drafts([request], world.memory.connect)
    return found


def expired(world: World, request: Request) -> ApplyFinished:
    draft = due(world, request).draft
    assert draft is not None
    return phases.apply_draft(draft, listener=world.events.append, options=ApplyOptions())


def test_an_old_deployment_is_marked_after_its_traffic_has_moved(world: World, later: Callable[[float], None]) -> None:
    world.apply(spec(world, SIZES[0]))
    (old,) = deployments(world)
    later(10)
    plan = world.plan(spec(world, SIZES[1]))
    marking = next(r for r in plan.resources if r.identity == old)
    assert marking.action.value == "update"
    assert [str(a) for a in marking.depends_on] == ["traffic.main"]
    world.apply(spec(world, SIZES[1]), plan)
    assert deployments(world)[old] == "2026-03-01T22:00:00Z/PT48H"
    assert not world.plan(spec(world, SIZES[1])).changes_something


def test_its_time_ends_by_the_next_apply(world: World, later: Callable[[float], None]) -> None:
    old = rolled_out(world)
    later(47.9)
    assert not world.plan(spec(world, SIZES[1])).changes_something
    later(48)
    plan = world.plan(spec(world, SIZES[1]))
    assert changes(plan) == {f"deployment.{old}": "delete"}
    assert next(r.reason for r in plan.resources if r.identity == old) == "its time limit is over"
    world.apply(spec(world, SIZES[1]), plan)
    assert old not in deployments(world)


def test_its_time_ends_by_expire_and_nothing_else_is_touched(world: World, later: Callable[[float], None]) -> None:
    old = rolled_out(world)
    request = spec(world, SIZES[1])
    before = set(deployments(world))
    later(1)
    assert due(world, request).items == ()
    later(50)
    assert [(str(i.address), i.what, i.seconds) for i in due(world, request).items] == [
        (f"deployment.{old}", "kept deployment", 7200.0)
    ]
    assert expired(world, request).destroyed == 1
    assert set(deployments(world)) == before - {old}
    assert not world.plan(request).changes_something


def test_apply_goes_by_the_spec_and_expire_by_the_tag(world: World, later: Callable[[float], None]) -> None:
    old = rolled_out(world)
    longer = spec(world, SIZES[1], {"keep_previous": 1, "keep_previous_hours": 96})
    later(50)
    assert [i.live.name for i in due(world, longer).items] == [old]
    plan = world.plan(longer)
    assert changes(plan) == {f"deployment.{old}": "update"}
    world.apply(longer, plan)
    assert deployments(world)[old] == "2026-03-01T12:00:00Z/PT96H"
    assert due(world, longer).items == ()


def test_a_limit_taken_out_of_the_spec_takes_the_mark_away(world: World, later: Callable[[float], None]) -> None:
    old = rolled_out(world)
    forever = spec(world, SIZES[1], {"keep_previous": 1})
    world.apply(forever)
    assert deployments(world)[old] == ""
    later(1000)
    assert not world.plan(forever).changes_something
    (watched,) = unwatched_stacks([forever], world.memory.connect)
    assert [(i.live.name, i.due, i.reason) for i in watched.items] == [(old, False, "kept without a time limit")]


def test_after_a_rollback_the_time_begins_again(world: World, later: Callable[[float], None]) -> None:
    old = rolled_out(world)
    later(24)
    world.apply(spec(world, SIZES[0]))  # back to the old one
    marks = deployments(world)
    assert marks[old] == ""
    assert [Kept.of({KEPT: mark}) for name, mark in marks.items() if name != old] == [
        Kept(START + timedelta(hours=24), 48)
    ]
    later(60)
    world.apply(spec(world, SIZES[1]))
    assert deployments(world)[old] == "2026-03-04T00:00:00Z/PT48H"
    assert due(world, spec(world, SIZES[1])).items == ()


def test_one_with_traffic_or_with_protection_is_never_due(world: World, later: Callable[[float], None]) -> None:
    old = rolled_out(world)
    request = spec(world, SIZES[1])
    later(100)
    (endpoint,) = world.names("onlineEndpoints")
    path = f"{world.memory.workspace.arm_id}/onlineEndpoints/{endpoint}"
    document = world.memory.azure.arm.get(path, "")
    split, document["properties"]["traffic"] = document["properties"]["traffic"], {old: 100}
    assert due(world, request).items == ()
    document["properties"]["traffic"] = split
    assert [i.live.name for i in due(world, request).items] == [old]
    world.memory.azure.arm.get(f"{path}/deployments/{old}", "")["tags"]["phift.protect"] = "true"
    assert due(world, request).items == ()


def test_expire_touches_only_its_own_stack(world: World, later: Callable[[float], None], tmp_path: Path) -> None:
    old = rolled_out(world)
    later(100)
    (tmp_path / "other").mkdir()
    other = World(tmp_path / "other", world.memory)
    assert due(other, spec(other, SIZES[1])).items == ()
    assert old in deployments(world)


def test_expire_deletes_an_old_deployment_that_an_unapplied_spec_describes_again(
    world: World, later: Callable[[float], None]
) -> None:
    old = rolled_out(world)
    (new,) = set(deployments(world)) - {old}
    reverted = spec(world, SIZES[0])
    later(1)
    (watched,) = unwatched_stacks([reverted], world.memory.connect)
    assert [(i.live.name, i.due) for i in watched.items] == [(old, False)]
    later(50)
    assert [i.live.name for i in due(world, reverted).items] == [old]
    assert expired(world, reverted).destroyed == 1
    assert set(deployments(world)) == {new}, "the one with traffic is not touched"


def test_a_rollback_to_an_old_deployment_is_never_due(world: World, later: Callable[[float], None]) -> None:
    old = rolled_out(world)
    reverted = spec(world, SIZES[0])
    world.apply(reverted)
    later(200)
    assert old not in [item.live.name for item in due(world, reverted).items]


def test_an_invalid_spec_does_not_stop_the_expiry_of_the_others(world: World, later: Callable[[float], None]) -> None:
    old = rolled_out(world)
    request = spec(world, SIZES[1])
    later(50)
    invalid = world.write("b.yaml", "broken", nonsense=1)
    first, second = expire_drafts([invalid, request, request], world.memory.connect)
    assert isinstance(first.error, InvalidSpecError)
    assert (first.stack, first.draft) == (str(invalid.path), None)
    assert [item.live.name for item in second.items] == [old]
    assert second.draft is not None
    watched = unwatched_stacks([invalid, request], world.memory.connect)
    assert [(bool(one.error), len(one.items)) for one in watched] == [(True, 0), (False, 1)]


def test_a_limit_without_anything_to_keep_is_an_error(world: World) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        world.plan(spec(world, SIZES[0], {"keep_previous_hours": 4}))
    assert "keep_previous_hours" in caught.value.summary


def test_clusters_that_stay_up_are_listed_and_never_due(world: World) -> None:
    cluster = {"name": "gpu", "size": SIZES[0], "min_instances": 1, "max_instances": 2}
    request = world.write("a.yaml", "shop", compute={"finetune": cluster}, endpoint=None, deployment=None)
    world.apply(request)
    (watched,) = unwatched_stacks([request], world.memory.connect)
    (item,) = watched.items
    assert (str(item.address), item.due, item.reason) == (
        "compute.finetune",
        False,
        "min_instances: 1; 1 node billed while no job runs",
    )
    assert item.bills is not None
    assert (item.bills.size, item.bills.nodes, item.bills.tier) == (SIZES[0], 1, "dedicated")
