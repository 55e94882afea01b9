"""Autoscale settings that the spec no longer has, or whose deployment is gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from scaling import SCALE, SIZES, counts, deployments, order, scaled, settings, spec
from worlds import World, changes

from phift import phases
from phift.kinds.shared.monitor import settings_path
from phift.phases import Request
from phift.phases.expire_stacks import expire_drafts, unwatched_stacks


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_without_autoscale_the_setting_goes_and_the_count_of_the_spec_applies(world: World) -> None:
    world.apply(spec(world))
    (name,) = counts(world)
    scaled(world, name, 3)
    request = spec(world, scale=None)
    plan = world.plan(request)
    setting = f"autoscale.{settings(world)[name]['name']}"
    assert changes(plan) == {setting: "delete", "deployment.main": "update"}
    assert plan.resource(next(r.address for r in plan.resources if str(r.address) == setting)).reason == (
        "no longer in the spec"
    )
    order(plan, setting, "deployment.main")
    world.apply(request, plan)
    assert (settings(world), counts(world)) == ({}, {name: 1})
    before = world.memory.asked.copy()
    assert not world.plan(request).changes_something
    asked = [what for what in world.memory.asked - before if "autoscale" in what.lower()]
    assert asked == [], "nothing records a setting any more, so none is looked for"


def test_a_new_model_without_autoscale_removes_the_setting_before_the_old_deployment(world: World) -> None:
    world.apply(spec(world))
    (old,) = counts(world)
    request = spec(world, SIZES[1], scale=None)
    plan = world.plan(request)
    setting = f"autoscale.{settings(world)[old]['name']}"
    order(plan, "traffic.main", setting, f"deployment.{old}")
    scaled(world, old, 4)
    world.apply(request, plan)
    assert (settings(world), list(counts(world).values())) == ({}, [1])


def test_an_orphaned_setting_is_found_and_removed(world: World) -> None:
    request = spec(world, rollout={"keep_previous": 1})
    world.apply(request)
    (first,) = counts(world)
    world.apply(spec(world, SIZES[1], rollout={"keep_previous": 1}))
    world.memory.remove(deployments(world)[first]["id"])
    request = spec(world, SIZES[1], rollout={"keep_previous": 1})
    (watched,) = unwatched_stacks([request], world.memory.connect)
    setting = settings(world)[first]["name"]
    assert [(item.live.name, item.what, item.due) for item in watched.items] == [(setting, "orphaned setting", True)]
    plan = world.plan(request)
    assert changes(plan) == {f"autoscale.{setting}": "delete"}
    assert [r.reason for r in plan.resources if r.identity == setting] == ["its deployment no longer exists"]
    (expiring,) = expire_drafts([request], world.memory.connect)
    assert expiring.draft is not None
    assert changes(expiring.draft.plan) == changes(plan)
    world.apply(request, plan)
    assert first not in settings(world)
    assert not unwatched_stacks([request], world.memory.connect)[0].items


def test_expire_deletes_a_kept_deployment_and_its_setting_before_it(world: World) -> None:
    keep = {"keep_previous": 1, "keep_previous_hours": 1}
    world.apply(spec(world, rollout=keep))
    (first,) = counts(world)
    request = spec(world, SIZES[1], rollout=keep)
    world.apply(request)
    assert set(settings(world)) == set(counts(world))
    mark = deployments(world)[first]["tags"]["phift.kept"]
    deployments(world)[first]["tags"]["phift.kept"] = f"2020-01-01T00:00:00Z/{mark.partition('/')[2]}"
    (expiring,) = expire_drafts([request], world.memory.connect)
    assert expiring.draft is not None
    setting = f"autoscale.{settings(world)[first]['name']}"
    assert changes(expiring.draft.plan) == {f"deployment.{first}": "delete", setting: "delete"}
    order(expiring.draft.plan, setting, f"deployment.{first}")
    result = phases.apply_draft(expiring.draft, listener=world.events.append, options=phases.ApplyOptions())
    assert result.exit_code == 0
    assert first not in settings(world)
    assert set(settings(world)) == set(counts(world))
    assert not world.plan(request).changes_something


def test_destroy_removes_all_settings_before_the_endpoint(world: World) -> None:
    keep = {"keep_previous": 1}
    world.apply(spec(world, rollout=keep))
    request = spec(world, SIZES[1], rollout=keep)
    world.apply(request)
    plan = phases.destroy_plan(request, world.memory.connect)
    other = next(a for a, action in changes(plan).items() if action == "delete" and a.startswith("autoscale.shop"))
    assert changes(plan) == {
        "compute.finetune": "delete",
        "endpoint.main": "delete",
        "autoscale.main": "delete",
        other: "delete",
    }
    order(plan, "endpoint.main", other)  # a destroy goes the other way round
    order(plan, "endpoint.main", "autoscale.main")
    world.apply(request, plan)
    assert settings(world) == {}
    world.apply(request)
    assert len(settings(world)) == 1


def test_destroy_finds_a_setting_that_nothing_else_records(world: World) -> None:
    """The deployment was deleted outside, and autoscale left the spec: plan has no reason to look."""
    world.apply(spec(world))
    (name,) = counts(world)
    world.memory.remove(deployments(world)[name]["id"])
    request = spec(world, scale=None)
    world.plan(request)
    assert "GET" not in " ".join(what for what in world.memory.asked if "autoscalesettings" in what.lower())
    world.apply(request, phases.destroy_plan(request, world.memory.connect))
    assert settings(world) == {}


def test_an_endpoint_of_another_name_takes_the_setting_along(world: World) -> None:
    def named(name: str) -> Request:
        deployment = {"instance_type": SIZES[0], "autoscale": SCALE}
        return world.write("a.yaml", "shop", deployment=deployment, endpoint={"name": name})

    world.apply(named("shop-one"))
    request = named("shop-two")
    plan = world.plan(request)
    (setting,) = [a for a in changes(plan) if a.startswith("autoscale.shop-one")]
    order(plan, "traffic.main", setting, "endpoint.shop-one")
    world.apply(request, plan)
    assert [d["name"].startswith("shop-two") for d in settings(world).values()] == [True]
    assert not world.plan(request).changes_something


def test_a_combination_that_left_the_matrix_takes_its_setting_along(world: World) -> None:
    def matrix(*sizes: str) -> Request:
        deployment = {"instance_type": SIZES[0], "autoscale": SCALE}
        tags = {"letter": "{{ vars.letter }}"}
        return world.write("a.yaml", "shop", deployment=deployment, tags=tags, matrix={"letter": list(sizes)})

    both = world.plan_many(matrix("a", "b"))
    assert world.apply_many(both).exit_code == 0
    assert len(world.names("onlineEndpoints")) == len(names(world)) == 2
    one = world.plan_many(matrix("a"))
    assert world.apply_many(one).exit_code == 0
    assert len(world.names("onlineEndpoints")) == len(names(world)) == 1


def names(world: World) -> list[str]:
    """Those of all settings."""
    return list(world.memory.children.get(settings_path(world.memory.workspace).lower(), {}))
