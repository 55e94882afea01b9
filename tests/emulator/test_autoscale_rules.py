"""Autoscale settings without a server: what is accepted, which profile is active, what is decided."""

from __future__ import annotations

import copy
import math
from datetime import datetime
from typing import Any

import pytest

from phift.emulator.core.errors import ServiceError
from phift.emulator.core.timezones import time_zone
from phift.emulator.services.monitor.autoscale.evaluation import Decision, active_profile, decide
from phift.emulator.services.monitor.autoscale.rules import properties_of
from phift.emulator.services.monitor.autoscale.trigger import aggregated_trigger
from phift.emulator.services.monitor.cells import Sample
from phift.emulator.services.monitor.query import Series

TARGET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/e"


def rule(
    direction: str = "Increase",
    operator: str = "GreaterThan",
    threshold: float = 70,
    *,
    kind: str = "ChangeCount",
    value: str = "1",
    metric: str = "CpuUtilizationPercentage",
    **trigger: Any,
) -> dict[str, Any]:
    return {
        "metricTrigger": {
            "metricName": metric,
            "metricResourceUri": f"{TARGET}/deployments/blue",
            "timeGrain": "PT1M",
            "statistic": "Average",
            "timeWindow": "PT5M",
            "timeAggregation": "Average",
            "operator": operator,
            "threshold": threshold,
            "dividePerInstance": False,
            **trigger,
        },
        "scaleAction": {"direction": direction, "type": kind, "value": value, "cooldown": "PT5M"},
    }


def profile(*rules: dict[str, Any], least: str = "1", most: str = "4", default: str = "1", **more: Any) -> Any:
    capacity = {"minimum": least, "maximum": most, "default": default}
    return {"name": "default", "capacity": capacity, "rules": list(rules), **more}


def setting(*profiles: Any, **more: Any) -> dict[str, Any]:
    return {"targetResourceUri": f"{TARGET}/deployments/blue", "profiles": list(profiles), **more}


def test_defaults_are_filled_in_and_spellings_made_canonical() -> None:
    sent = setting(
        profile(
            {
                "metricTrigger": {
                    **rule(operator="greaterthan", statistic="average")["metricTrigger"],
                    "dimensions": [{"dimensionName": "instanceId", "operator": "equals", "values": ["x"]}],
                },
                "scaleAction": {"direction": "increase", "type": "changecount"},
            }
        )
    )
    found = properties_of("mine", sent, "eastus")
    assert (found["enabled"], found["name"], found["targetResourceLocation"]) == (False, "mine", "eastus")
    assert (found["notifications"], found["predictiveAutoscalePolicy"]) == ([], None)
    (only,) = found["profiles"][0]["rules"]
    assert only["scaleAction"] == {"direction": "Increase", "type": "ChangeCount", "value": "1", "cooldown": "PT5M"}
    assert (only["metricTrigger"]["operator"], only["metricTrigger"]["dividePerInstance"]) == ("GreaterThan", False)
    assert only["metricTrigger"]["dimensions"] == [
        {"DimensionName": "instanceId", "Operator": "Equals", "Values": ["x"]}
    ]
    assert properties_of("mine", found, "eastus") == found, "what is answered can be sent"


WEEKLY = {"frequency": "Week", "schedule": {"timeZone": "UTC", "days": ["Monday"], "hours": [8], "minutes": [0]}}
FIXED = {"timeZone": "UTC", "start": "2026-11-29T00:00:00", "end": "2026-11-30T00:00:00"}


def change(path: str, value: Any) -> dict[str, Any]:
    """A good setting with one thing changed; a value of ... removes it."""
    found: Any = setting(profile(rule()))
    found["profiles"].append(profile(name="weekly", recurrence=copy.deepcopy(WEEKLY)) | {"name": "weekly"})
    found["profiles"].append(profile() | {"name": "fixed", "fixedDate": dict(FIXED)})
    at: Any = found
    *above, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in above:
        at = at[part]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return dict(found)


TRIGGER, ACTION = "profiles.0.rules.0.metricTrigger", "profiles.0.rules.0.scaleAction"


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("targetResourceUri", ..., "targetResourceUri"),
        ("profiles", [], "1 to 20 profiles"),
        ("profiles", [profile() | {"name": str(n), "fixedDate": FIXED} for n in range(21)], "1 to 20 profiles"),
        ("profiles.0.rules", [rule()] * 11, "at most 10 rules"),
        ("profiles.0.name", ..., "name"),
        ("profiles.1.name", "DEFAULT", "must be unique"),
        ("profiles.1.recurrence", ..., "At most one profile"),
        ("profiles.1.fixedDate", FIXED, "not both"),
        ("profiles.0.capacity.minimum", 1, "string with a whole number"),
        ("profiles.0.capacity.maximum", "many", "string with a whole number"),
        ("profiles.0.capacity.default", "9", "in this order"),
        ("enabled", "yes", "true or false"),
        (f"{TRIGGER}.timeGrain", "PT30S", "1 minutes to 12 hours"),
        (f"{TRIGGER}.timeWindow", "PT4M", "5 minutes to 12 hours"),
        (f"{TRIGGER}.timeGrain", "PT10M", "shorter than the timeGrain"),
        (f"{TRIGGER}.timeWindow", "5 minutes", "not a duration"),
        (f"{TRIGGER}.statistic", "Median", "must be one of Average, Min"),
        (f"{TRIGGER}.operator", ">", "must be one of"),
        (f"{TRIGGER}.timeAggregation", ..., "must be one of"),
        (f"{TRIGGER}.threshold", "70", "must be a number"),
        (f"{TRIGGER}.metricName", "", "missing"),
        (f"{TRIGGER}.dimensions", [{"DimensionName": "a", "Operator": "Equals", "Values": []}], "at least one string"),
        (f"{TRIGGER}.dividePerInstance", "no", "true or false"),
        (f"{ACTION}.direction", "Up", "must be one of"),
        (f"{ACTION}.type", ..., "must be one of"),
        (f"{ACTION}.value", 1, "string with a whole number"),
        (f"{ACTION}.cooldown", "PT10S", "1 minutes to 168 hours"),
        ("profiles.1.recurrence.frequency", "Day", "must be one of Week"),
        ("profiles.1.recurrence.schedule.timeZone", "Moon Standard Time", "is not a time zone"),
        ("profiles.1.recurrence.schedule.days", ["Mon"], "must be one of Monday"),
        ("profiles.1.recurrence.schedule.days", [], "at least one day"),
        ("profiles.1.recurrence.schedule.hours", [24], "from 0 to 23"),
        ("profiles.1.recurrence.schedule.minutes", [0, 30], "from 0 to 59"),
        ("profiles.1.recurrence.schedule.minutes", 0, "from 0 to 59"),
        ("profiles.2.fixedDate.end", "2026-11-28T00:00:00", "end must be after"),
        ("profiles.2.fixedDate.start", "soon", "must be times"),
    ],
)
def test_settings_that_are_refused(path: str, value: Any, why: str) -> None:
    assert properties_of("mine", change("enabled", True), "eastus")["enabled"] is True
    with pytest.raises(ServiceError) as caught:
        properties_of("mine", change(path, value), "eastus")
    assert caught.value.status == 400
    assert why in caught.value.message


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def weekly(name: str, zone: str, days: list[str], hour: int) -> Any:
    schedule = {"timeZone": zone, "days": days, "hours": [hour], "minutes": [30]}
    return profile(recurrence={"frequency": "Week", "schedule": schedule}) | {"name": name}


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        ("2026-11-30T06:29:00+00:00", "weekend"),  # a Monday; half past seven in Berlin is half past six in UTC
        ("2026-11-30T06:30:00+00:00", "week"),
        ("2026-12-04T23:00:00+00:00", "week"),
        ("2026-12-05T06:30:00+00:00", "weekend"),
        ("2026-07-06T05:30:00+00:00", "week"),  # in summer it is half past five
        ("2026-07-06T05:29:00+00:00", "weekend"),
        ("2026-12-24T08:00:00+00:00", "christmas"),  # nine in Berlin
        ("2026-12-24T07:59:00+00:00", "week"),
        ("2026-12-26T17:00:00+00:00", "weekend"),
    ],
)
def test_the_active_profile(now: str, wanted: str) -> None:
    zone = "W. Europe Standard Time"
    dates = {"timeZone": zone, "start": "2026-12-24T09:00:00", "end": "2026-12-26T18:00:00"}
    profiles = [
        weekly("week", zone, ["Monday"], 7),
        weekly("weekend", zone, ["Saturday"], 7),
        profile(fixedDate=dates) | {"name": "christmas"},
    ]
    found = active_profile(profiles, at(now))
    assert found is not None
    assert found["name"] == wanted


def test_a_profile_without_a_schedule_is_what_is_left() -> None:
    past = {"timeZone": "UTC", "start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}
    profiles = [profile(fixedDate=past) | {"name": "past"}, profile()]
    found = active_profile(profiles, at("2026-11-29T12:00:00+00:00"))
    assert found is not None
    assert found["name"] == "default"
    assert active_profile(profiles[:1], at("2026-11-29T12:00:00+00:00")) is None


def test_time_zones() -> None:
    assert time_zone("").key == "Etc/UTC"
    assert time_zone("Pacific Standard Time").key == "America/Los_Angeles"
    assert time_zone("Europe/Berlin").key == "Europe/Berlin"
    for name in ("Nowhere", "../etc/passwd", "Europe"):
        with pytest.raises(ValueError, match="is not a time zone"):
            time_zone(name)


OUT, IN = rule(), rule("Decrease", "LessThan", 30)


@pytest.mark.parametrize(
    ("rules", "values", "current", "since", "wanted", "why"),
    [
        ([OUT, IN], [80, 80], 1, math.inf, 2, "a scale-out rule fires"),
        ([OUT, IN], [80, 80], 4, math.inf, 4, "a scale-out rule fires"),
        ([OUT, IN], [50, 50], 2, math.inf, 2, "no rule fires"),
        ([OUT, IN], [10, 10], 2, math.inf, 1, "all scale-in rules fire"),
        ([OUT, IN], [10, 10], 1, math.inf, 1, "all scale-in rules fire"),
        ([OUT, IN], [80, 80], 1, 299, 1, "cooldown is not over"),
        ([OUT, IN], [80, 80], 1, 300, 2, "fires"),
        ([OUT, IN], [10, 10], 3, 60, 3, "cooldown is not over"),
        ([OUT, IN], [None, None], 2, math.inf, 2, "metrics are missing"),
        ([], [], 9, 0, 4, "is not within 1 and 4"),
        # any scale-out rule is enough, and the largest result counts
        ([OUT, rule(value="2")], [80, 80], 1, math.inf, 3, "fires"),
        ([OUT, rule(threshold=90, value="2")], [80, 80], 1, math.inf, 2, "fires"),
        ([OUT, rule(metric="X")], [80, None], 1, math.inf, 2, "fires"),
        # all scale-in rules are needed, and the smallest step counts
        ([IN, rule("Decrease", "LessThan", 5)], [10, 10], 3, math.inf, 3, "no rule fires"),
        ([IN, rule("Decrease", "LessThan", 20, value="2")], [10, 10], 4, math.inf, 3, "fire"),
        ([IN, rule("Decrease", "LessThan", 20)], [10, None], 3, math.inf, 3, "metrics are missing"),
        # other actions
        ([rule(kind="ExactCount", value="3")], [80], 1, math.inf, 3, "fires"),
        ([rule(kind="PercentChangeCount", value="100")], [80], 2, math.inf, 4, "fires"),
        ([rule(kind="PercentChangeCount", value="10")], [80], 2, math.inf, 3, "fires"),
        (
            [rule("Decrease", "LessThanOrEqual", 10, kind="PercentChangeCount", value="50")],
            [10],
            4,
            math.inf,
            2,
            "fire",
        ),
        ([rule("None")], [80], 2, math.inf, 2, "no rule fires"),
        # no flapping: 40 % of two is 80 % of one
        ([OUT, rule("Decrease", "LessThan", 60)], [40, 40], 2, math.inf, 2, "scale out again"),
        ([OUT, rule("Decrease", "LessThan", 60)], [40, 40], 3, math.inf, 2, "fire"),
    ],
)
def test_decisions(
    rules: list[Any], values: list[float | None], current: int, since: float, wanted: int, why: str
) -> None:
    left = iter(values)
    found = decide(profile(*rules), current, lambda trigger: next(left), since_last=since)
    assert (found.capacity, why in found.why) == (wanted, True), found
    assert found.by_rule == (wanted != current and "within" not in found.why)


def test_missing_metrics_bring_the_default() -> None:
    missing = decide(profile(OUT, default="3"), 1, lambda trigger: None, since_last=math.inf)
    assert missing == Decision(3, "metrics are missing, and the default is more")


@pytest.mark.parametrize(
    ("statistic", "aggregation", "wanted"),
    [
        ("Average", "Average", 40.0),
        ("Average", "Maximum", 60.0),
        ("Average", "Minimum", 20.0),
        ("Average", "Last", 60.0),
        ("Average", "Total", 80.0),
        ("Average", "Count", 2.0),
        ("Max", "Average", 50.0),
        ("Min", "Last", 50.0),
        ("Sum", "Total", 160.0),
        ("Count", "Last", 2.0),
    ],
)
def test_a_trigger_aggregates_within_grains_and_over_them(statistic: str, aggregation: str, wanted: float) -> None:
    series = Series({}, {0: Sample(2, 40, 10, 30), 60: Sample(2, 120, 50, 70)})
    trigger = {"timeGrain": "PT1M", "statistic": statistic, "timeAggregation": aggregation}
    assert aggregated_trigger(trigger, series) == wanted
    assert aggregated_trigger({**trigger, "timeGrain": "PT2M", "timeAggregation": "Count"}, series) == 1.0
