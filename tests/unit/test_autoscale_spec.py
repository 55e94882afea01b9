"""deployment.autoscale: what is accepted, the profiles that are written, and the lines that are read from them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from phift.kinds.autoscale.document import profiles
from phift.kinds.autoscale.reading import observed
from phift.kinds.deployment.rollout import RolloutBlock
from phift.kinds.deployment.spec import DeploymentBlock, ScaleSettings
from phift.spec.autoscale import AutoscaleBlock, RuleBlock
from phift.spec.time_zones import azure_zone

TARGET = "/subscriptions/s/resourceGroups/g/providers/M/workspaces/w/onlineEndpoints/e/deployments/d-1"
RULE = {"metric": "GpuUtilizationPercentage", "above": 70, "add": 1}
WEEK = {"days": ["weekdays"], "begin": "08:00", "end": "18:00"}


def block(**more: Any) -> AutoscaleBlock:
    return AutoscaleBlock.model_validate({"maximum": 4, "rules": [RULE], **more})


def document(written: AutoscaleBlock) -> dict[str, Any]:
    return {"properties": {"enabled": True, "targetResourceUri": TARGET, "profiles": profiles(written, TARGET)}}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"minimum": 5}, "minimum 5, initial 5 and maximum 4 must be in this order"),
        ({"initial": 5}, "initial 5"),
        ({"rules": []}, "neither rules nor schedules"),
        ({"rules": [RULE] * 11}, "at most 10 items"),
        ({"schedules": {"a": {**WEEK, "minimum": 9}}}, "schedule a: minimum 9"),
        ({"schedules": {"a": {"begin": "08:00"}}}, "needs days, or an end"),
        ({"schedules": {"a": {"days": ["weekdays"], "begin": "2026-01-01T00:00"}}}, 'the form is "08:00"'),
        ({"schedules": {"a": {"begin": "2026-02-30T00:00", "end": "2026-03-01T00:00"}}}, "invalid date"),
        ({"schedules": {"a": {"begin": "2026-03-02T00:00", "end": "2026-03-01T00:00"}}}, "ends before it begins"),
        ({"schedules": {"a": {**WEEK, "end": "8:00"}}}, "begins and ends at the same time"),
        ({"schedules": {"a": WEEK, "b": {**WEEK, "begin": "17:00", "end": "19:00"}}}, "overlapping schedules: a and b"),
        (
            {"schedules": {"a": {**WEEK, "days": ["Sunday"], "begin": "22:00", "end": "06:00"},
                           "b": {**WEEK, "days": ["Monday"], "begin": "05:00"}}},
            "overlapping schedules: a and b",
        ),
        ({"schedules": {f"s{i}": {"days": ["Monday"], "begin": f"{i:02}:00", "end": f"{i:02}:30"} for i in range(10)}},
         "needs 21 profiles; the service allows 20"),
        ({"maximum": 51}, "less than or equal to 50"),
        ({"schedules": {"a": {**WEEK, "maximum": 51}}}, "less than or equal to 50"),
        ({"schedules": {"": WEEK}}, "a schedule without a name"),
        ({"schedules": {"Default": WEEK}}, "cannot have a schedule named Default"),
        ({"schedules": {"A": WEEK, "a": {**WEEK, "days": ["weekend"]}}}, "cannot have a schedule named a: schedule A"),
    ],
)  # fmt: skip
def test_refused(more: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        block(**more)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"metric": "RequestLatency", "above": 1}, "exactly one step"),
        ({"metric": "RequestLatency", "add": 1}, "exactly one comparison"),
        ({**RULE, "below": 3}, "exactly one comparison"),
        ({**RULE, "set": 3}, "exactly one step"),
        ({**RULE, "add": 0}, "from 1 to 50, or a percentage"),
        ({**RULE, "add": 51}, "from 1 to 50, or a percentage"),
        ({"metric": "RequestLatency", "above": 1, "set": 51}, "less than or equal to 50"),
        ({**RULE, "add": "150 per cent"}, "or a percentage"),
        ({**RULE, "add": True}, "or a percentage"),
        ({**RULE, "window_minutes": 4}, "greater than or equal to 5"),
        ({**RULE, "grain_minutes": 10}, "shorter than grain_minutes"),
        ({**RULE, "metric": "Cpu"}, "is not a metric"),
    ],
)
def test_refused_rules(rule: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        RuleBlock.model_validate(rule)


def test_what_replaces_it_is_named() -> None:
    of_kubernetes = {"type": "TargetUtilization", "max_instances": 3, "polling_interval": 10}
    with pytest.raises(ValidationError, match="scale with an autoscale setting") as refused:
        DeploymentBlock.model_validate({"instance_type": "s", "scale_settings": of_kubernetes})
    assert refused.value.error_count() == 1
    with pytest.raises(ValidationError, match="an earlier format"):
        DeploymentBlock.model_validate({"instance_type": "s", "scale_settings": {"scale_type": "manual"}})
    assert ScaleSettings.model_validate({"type": "Default"}).type == "default"
    with pytest.raises(ValidationError, match="cannot be canary"):
        RolloutBlock.model_validate({"strategy": "canary"})
    both = {"instance_type": "s", "instance_count": 2, "autoscale": {"maximum": 4, "rules": [RULE]}}
    with pytest.raises(ValidationError, match="both autoscale and instance_count"):
        DeploymentBlock.model_validate(both)


def test_a_weekly_schedule_ends_with_the_default() -> None:
    night = {"days": ["Friday", "sunday"], "begin": "22:30", "end": "6:05", "time_zone": "Europe/Berlin", "minimum": 2}
    default, begins, ends = profiles(block(schedules={"night": night}), TARGET)
    assert "recurrence" not in default
    assert begins["recurrence"] == {
        "frequency": "Week",
        "schedule": {
            "timeZone": "W. Europe Standard Time",
            "days": ["Friday", "Sunday"],
            "hours": [22],
            "minutes": [30],
        },
    }
    assert ends["name"] == '{"name":"default","for":"night"}'
    assert (ends["capacity"], ends["rules"]) == (default["capacity"], default["rules"])
    schedule = ends["recurrence"]["schedule"]
    assert (schedule["days"], schedule["hours"], schedule["minutes"]) == (["Monday", "Saturday"], [6], [5])
    (line,) = observed(document(block(schedules={"night": night})))["schedules"]
    assert line.startswith(
        "night: Friday, Sunday 22:30 to 06:05 W. Europe Standard Time; 2 to 4 instances, initially 2;"
    )


def test_a_fixed_date_and_limits_that_follow_from_others() -> None:
    sale = {"begin": "2026-11-27 08:00", "end": "2026-11-30T00:00:30", "maximum": 1, "rules": []}
    _, profile = profiles(block(minimum=2, initial=3, schedules={"sale": sale}), TARGET)
    assert profile["fixedDate"] == {"timeZone": "UTC", "start": "2026-11-27T08:00:00", "end": "2026-11-30T00:00:30"}
    assert profile["capacity"] == {"minimum": "1", "maximum": "1", "default": "1"}
    assert profile["rules"] == []


def test_defaults_and_spellings_of_the_service_are_no_difference() -> None:
    """Monitor fills in members, pads the names of profiles, and writes ids and durations otherwise."""
    raw = document(block(schedules={"office": WEEK}))
    before = observed(raw)
    for profile in raw["properties"]["profiles"]:
        profile["name"] = profile["name"].replace('":"', '": "').replace('","', '", "')
        for rule in profile["rules"]:
            trigger = rule["metricTrigger"]
            trigger |= {
                "metricNamespace": "",
                "metricResourceLocation": None,
                "timeWindow": "PT300S",
                "threshold": 70.0,
            }
            trigger["metricResourceUri"] = trigger["metricResourceUri"].upper()
    raw["properties"]["predictiveAutoscalePolicy"] = None
    assert observed(raw) == before


@pytest.mark.parametrize(
    "path",
    [
        ("profiles", 2, "capacity", "maximum"),
        ("profiles", 2, "recurrence", "schedule", "hours", 0),
        ("profiles", 1, "recurrence", "schedule", "timeZone"),
        ("profiles", 0, "rules", 0, "metricTrigger", "metricResourceUri"),
        ("profiles", 0, "rules", 0, "metricTrigger", "operator"),
        ("profiles", 0, "rules", 0, "scaleAction", "type"),
        ("profiles", 0, "rules", 0, "scaleAction", "cooldown"),
    ],
    ids=str,
)
def test_every_change_is_read(path: tuple[Any, ...]) -> None:
    raw = document(block(schedules={"office": WEEK}))
    before = observed(raw)
    changed = copy.deepcopy(raw)
    *folders, last = ("properties", *path)
    inner: Any = changed
    for folder in folders:
        inner = inner[folder]
    inner[last] = 9 if isinstance(inner[last], int) else "9"
    assert observed(changed) != before


def test_a_setting_of_others_is_read_whatever_it_is() -> None:
    assert observed({})["rules"] == []
    odd = {
        "properties": {"profiles": [{"name": "x", "fixedDate": {}, "rules": [{}]}, {"rules": [{"scaleAction": {}}]}]}
    }
    assert observed(odd)["minimum"] is None
    assert len(observed(odd)["schedules"]) == 1


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("utc", "UTC"),
        ("Etc/UTC", "UTC"),
        ("w. europe standard time", "W. Europe Standard Time"),
        ("America/New_York", "Eastern Standard Time"),
    ],
)
def test_time_zones(name: str, zone: str) -> None:
    assert azure_zone(name) == zone


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"did you mean Europe/Berlin\?"):
        azure_zone("Europe/Berlim")
    with pytest.raises(ValueError, match="Windows name"):
        azure_zone("nowhere at all")
