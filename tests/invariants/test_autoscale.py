"""Autoscale settings through rollouts, rollbacks and removals, against a workspace in memory."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from worlds import World, changes

from phift import phases
from phift.cost.lines import continuous_lines
from phift.errors import RefusedError
from phift.kinds.shared.monitor import settings_path
from phift.phases import Request
from phift.phases.examine import examine
from phift.phases.expire_stacks import expire_drafts, unwatched_stacks
from phift.plan.model import Plan
from phift.workbench.open import open_workbench

SIZES = ("Standard_NC24ads_A100_v4", "Standard_NC48ads_A100_v4")
RULES = [
    {"metric": "GpuUtilizationPercentage", "above": 70, "add": 1},
    {"metric": "GpuUtilizationPercentage", "below": 25, "remove": 1},
]
SCALE: dict[str, Any] = {"minimum": 1, "maximum": 4, "initial": 2, "rules": RULES}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def spec(world: World, size: str = SIZES[0], *, rollout: Any = None, scale: Any = SCALE, **more: Any) -> Request:
    deployment = {"instance_type": size, **({"autoscale": scale} if scale else {"instance_count": 1}), **more}
    return world.write("a.yaml", "shop", deployment=deployment, rollout=rollout)


def settings(world: World) -> dict[str, dict[str, Any]]:
    """The documents of all settings, by the deployment that they scale."""
    found = world.memory.children.get(settings_path(world.memory.workspace).lower(), {})
    return {d["properties"]["targetResourceUri"].rpartition("/")[2]: d for d in found.values()}


def deployments(world: World) -> dict[str, dict[str, Any]]:
    (endpoint,) = world.names("onlineEndpoints")
    path = f"{world.memory.workspace.arm_id}/onlineendpoints/{endpoint}/deployments".lower()
    return dict(world.memory.children.get(path, {}))


def counts(world: World) -> dict[str, int]:
    return {name: d["sku"]["capacity"] for name, d in deployments(world).items()}


def scaled(world: World, name: str, count: int) -> None:
    """The autoscaler changes the number of instances."""
    deployments(world)[name]["sku"]["capacity"] = count


def order(plan: Plan, *addresses: str) -> None:
    """Each of these waits for the one before it, by way of others or not."""
    needs = {str(r.address): [str(a) for a in r.depends_on] for r in plan.resources}

    def waits(later: str, earlier: str) -> bool:
        return earlier in needs[later] or any(waits(each, earlier) for each in needs[later] if each in needs)

    for earlier, later in itertools.pairwise(addresses):
        assert waits(later, earlier), f"{later} does not wait for {earlier}: {needs}"


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
    assert new.notes == ("instance_count 3 at creation: 3 serve the traffic now",)
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


def test_a_spec_that_gets_autoscale_keeps_the_deployment_and_its_instances(world: World) -> None:
    world.apply(spec(world, scale=None))
    (name,) = counts(world)
    scaled(world, name, 3)
    request = spec(world)
    assert changes(world.plan(request)) == {"deployment.main": "update", "autoscale.main": "create"}
    world.apply(request)
    assert counts(world) == {name: 3}
    assert not world.plan(request).changes_something


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
