"""Autoscale settings through rollouts, rollbacks and removals, against a workspace in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from scaling import RULES, SCALE, SIZES, counts, deployments, order, scaled, settings, spec
from worlds import World, changes

from phift import phases
from phift.cost.lines import continuous_lines
from phift.errors import RefusedError
from phift.kinds.shared.monitor import settings_path
from phift.phases import Request
from phift.phases.examine import examine
from phift.workbench.open import open_workbench


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_setting_is_written_as_the_service_expects_it(world: World) -> None:
    request = spec(world, scale={**SCALE, "rules": [*RULES, {"metric": "requestlatency", "above": 800, "add": "50%"}]})
    plan = world.plan(request)
    order(plan, "deployment.main", "autoscale.main", "traffic.main")
    world.apply(request, plan)
    (name,) = counts(world)
    assert counts(world) == {name: 2}, "a new deployment starts with the initial number"
    document = settings(world)[name]
    target = document["properties"]["targetResourceUri"]
    assert document["properties"]["enabled"] is True, "the service's default is false"
    assert document["properties"]["name"] == document["name"]
    (profile,) = document["properties"]["profiles"]
    assert profile["capacity"] == {"minimum": "1", "maximum": "4", "default": "2"}
    out, into, latency = profile["rules"]
    assert out["metricTrigger"] | {"dimensions": None} == {
        "metricName": "GpuUtilizationPercentage",
        "metricResourceUri": target,
        "timeGrain": "PT1M",
        "statistic": "Average",
        "timeWindow": "PT5M",
        "timeAggregation": "Average",
        "operator": "GreaterThan",
        "threshold": 70,
        "dimensions": None,
        "dividePerInstance": False,
    }
    assert out["scaleAction"] == {"direction": "Increase", "type": "ChangeCount", "value": "1", "cooldown": "PT5M"}
    assert into["scaleAction"]["direction"] == "Decrease"
    assert latency["metricTrigger"]["metricResourceUri"] == target.rpartition("/deployments/")[0]
    assert latency["metricTrigger"]["dimensions"] == [
        {"DimensionName": "deployment", "Operator": "Equals", "Values": [name]}
    ]
    assert latency["scaleAction"] | {"cooldown": ""} == {
        "direction": "Increase",
        "type": "PercentChangeCount",
        "value": "50",
        "cooldown": "",
    }
    assert not world.plan(request).changes_something


def test_what_the_autoscaler_does_is_neither_a_change_nor_drift(world: World) -> None:
    request = spec(world)
    world.apply(request)
    (name,) = counts(world)
    scaled(world, name, 4)
    plan = world.plan(request)
    assert not plan.changes_something
    assert not plan.warnings
    assert not phases.drift(request, world.memory.connect).outside
    deployments(world)[name]["properties"]["provisioningState"] = "Scaling"
    assert not world.plan(request).changes_something, "an autoscaler at work is no reason to wait"
    assert not phases.drift(request, world.memory.connect).unapplied
    (edited,) = changes(world.plan(spec(world, app_insights_enabled=True))).values()
    assert edited == "adopt", "an edit waits until it has scaled"
    deployments(world)[name]["properties"]["provisioningState"] = "Succeeded"
    scaled(world, name, 9)
    assert [w.code for w in world.plan(request).warnings] == ["autoscale-outside"]


def test_a_rollout_starts_with_the_live_capacity_and_moves_the_setting(world: World) -> None:
    world.apply(spec(world))
    (old,) = counts(world)
    scaled(world, old, 3)
    request = spec(world, SIZES[1])
    plan = world.plan(request)
    new = plan.resource(next(r.address for r in plan.resources if str(r.address) == "deployment.main"))
    assert "instance_count 3 at creation: 3 serve the traffic now" in new.notes
    setting = f"autoscale.{settings(world)[old]['name']}"
    assert changes(plan)[setting] == "delete"
    order(plan, "deployment.main", "autoscale.main", "traffic.main", setting, f"deployment.{old}")
    scaled(world, old, 4)  # while the plan is reviewed: the count is read again, and the plan is not stale
    world.apply(request, plan)
    assert counts(world) == {new.identity: 4}
    assert set(settings(world)) == {new.identity}
    assert not world.plan(request).changes_something


def test_the_maximum_of_the_spec_limits_the_live_capacity(world: World) -> None:
    world.apply(spec(world, scale={**SCALE, "maximum": 8}))
    (old,) = counts(world)
    scaled(world, old, 8)
    world.apply(spec(world, SIZES[1]))
    assert list(counts(world).values()) == [4]


def test_a_kept_deployment_keeps_its_setting_and_a_rollback_raises_its_capacity(world: World) -> None:
    keep = {"keep_previous": 1}
    world.apply(spec(world, rollout=keep))
    (first,) = counts(world)
    world.apply(spec(world, SIZES[1], rollout=keep))
    (second,) = set(counts(world)) - {first}
    assert set(settings(world)) == {first, second}
    scaled(world, first, 1)  # idle: scaled in by its own setting
    scaled(world, second, 4)
    back = spec(world, rollout=keep)
    plan = world.plan(back)
    main = next(r for r in plan.resources if str(r.address) == "deployment.main")
    (change,) = main.visible_changes
    assert (main.identity, main.action.value, change.path, change.wanted, change.live) == (
        first,
        "update",
        "instance_count",
        4,
        1,
    )
    order(plan, "deployment.main", "traffic.main")
    world.apply(back, plan)
    assert counts(world) == {first: 4, second: 4}
    assert not world.plan(back).changes_something

    scaled(world, second, 1)
    none = spec(world)
    plan = world.plan(none)
    assert sorted(changes(plan).values()) == ["delete", "delete"]
    world.apply(none, plan)
    assert set(settings(world)) == set(counts(world)) == {first}


@pytest.mark.parametrize("strategy", ["in_place", "replace"])
def test_a_deployment_with_one_name_keeps_its_setting_and_its_capacity(world: World, strategy: str) -> None:
    world.apply(spec(world, rollout={"strategy": strategy}))
    (document,) = settings(world).values()
    scaled(world, "main", 3)
    request = spec(world, SIZES[1], rollout={"strategy": strategy})
    plan = world.plan(request)
    assert "autoscale.main" not in changes(plan)
    scaled(world, "main", 4)
    world.apply(request, plan)
    assert counts(world) == {"main": 4}
    assert list(settings(world).values()) == [document]
    assert not world.plan(request).changes_something


def test_a_spec_that_gets_autoscale_keeps_the_deployment_and_its_instances(world: World) -> None:
    world.apply(spec(world, scale=None))
    (name,) = counts(world)
    scaled(world, name, 3)
    request = spec(world)
    assert changes(world.plan(request)) == {"deployment.main": "update", "autoscale.main": "create"}
    world.apply(request)
    assert counts(world) == {name: 3}
    assert not world.plan(request).changes_something


def test_another_setting_of_the_deployment_is_refused(world: World) -> None:
    world.apply(spec(world))
    (document,) = settings(world).values()
    path = settings_path(world.memory.workspace)
    world.memory.remove(document["id"])
    theirs = {**document, "name": "by-hand", "id": f"{path}/by-hand", "tags": {}}
    world.memory.keep(theirs["id"], theirs)
    with pytest.raises(RefusedError) as refused:
        world.plan(spec(world))
    (found,) = refused.value.diagnostics
    assert found.code == "autoscale-taken"
    assert "by-hand already scales deployment" in found.summary
    assert "az monitor autoscale delete --name by-hand --resource-group rg" in found.remedy


def test_a_setting_of_the_same_name_without_tags_is_refused_until_it_is_claimed(world: World) -> None:
    request = spec(world)
    world.apply(request)
    (document,) = settings(world).values()
    document["tags"] = {}
    with pytest.raises(RefusedError) as refused:
        world.plan(request)
    assert [d.code for d in refused.value.diagnostics] == ["tags-removed"]
    world.apply(request, world.plan(request, take_over=True))
    assert not world.plan(request).changes_something


def test_edits_and_drift_of_the_setting(world: World) -> None:
    request = spec(world)
    world.apply(request)
    (document,) = settings(world).values()
    document["properties"]["notifications"] = [{"operation": "Scale"}]
    document["properties"]["enabled"] = False
    document["properties"]["profiles"][0]["rules"][0]["metricTrigger"]["threshold"] = 60
    (found,) = phases.drift(request, world.memory.connect).outside
    assert [(c.path, c.live) for c in found.visible_changes] == [
        ("enabled", False),
        (
            "rules",
            ["GpuUtilizationPercentage above 60: add 1", "GpuUtilizationPercentage below 25: remove 1"],
        ),
    ]
    world.apply(request)
    (document,) = settings(world).values()
    assert document["properties"]["enabled"] is True
    assert document["properties"]["notifications"] == [{"operation": "Scale"}], "others' settings are kept"
    edited = spec(world, scale={**SCALE, "maximum": 6})
    (change,) = next(r for r in world.plan(edited).resources if str(r.address) == "autoscale.main").visible_changes
    assert (change.path, change.wanted, change.live) == ("maximum", 6, 4)


def test_requests(world: World) -> None:
    """One list more with autoscale, shared by all stacks of a resource group; none without."""
    plain = spec(world, scale=None)
    world.apply(plain)
    world.memory.asked.clear()
    world.plan(plain)
    without = sum(world.memory.asked.values())
    request = spec(world)
    world.apply(request)
    world.memory.asked.clear()
    assert not world.plan(request).changes_something
    assert sum(world.memory.asked.values()) == without + 1


def test_initial_counts_of_others_follow_the_live_capacity_too(world: World) -> None:
    world.apply(spec(world, scale=None, instance_count={"initial": 1}))
    (old,) = counts(world)
    scaled(world, old, 5)
    world.apply(spec(world, SIZES[1], scale=None, instance_count={"initial": 1}))
    assert list(counts(world).values()) == [5]


def test_cost_counts_the_live_capacity_and_the_maximum(world: World) -> None:
    request = spec(world)
    world.apply(request)
    (old,) = counts(world)
    scaled(world, old, 3)

    def deployed(request: Request) -> list[tuple[str, int, int | None, int | None]]:
        found = examine(open_workbench(request, world.memory.connect))
        lines = continuous_lines(found.subject, found.resources)
        return [(n.part, n.nodes, n.now, n.most) for n in lines if n.address.kind == "deployment"]

    assert deployed(request) == [("always_on", 3, 3, 4)]
    assert deployed(spec(world, scale={**SCALE, "maximum": 8})) == [("always_on", 3, 3, 8)]
    assert deployed(spec(world, SIZES[1])) == [
        ("always_on", 3, 0, 4),
        ("always_on", 0, 3, None),
        ("rollout", 3, None, None),
    ]


def test_quota_counts_the_live_capacity_and_the_maximum(world: World) -> None:
    request = spec(world)
    world.apply(request)
    (old,) = counts(world)
    scaled(world, old, 3)
    world.memory.grant(3 * 48)
    fits = world.plan(spec(world, SIZES[1]))
    assert [w.code for w in fits.warnings] == ["quota-most"]
    assert "autoscale.main may scale to 192 vCPUs" in fits.warnings[0].summary
    world.memory.grant(3 * 48 - 1)
    with pytest.raises(RefusedError) as refused:
        world.plan(spec(world, SIZES[1]))
    assert any("deployment.main needs 144 vCPUs" in d.summary for d in refused.value.diagnostics)
