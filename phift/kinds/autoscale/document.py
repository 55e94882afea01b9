"""The profiles of an autoscale setting as Azure Monitor expects them. Counts are strings on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from phift.spec.autoscale import DAYS, DEFAULT, AutoscaleBlock, RuleBlock, ScheduleBlock, minutes_of
from phift.spec.scaling_metrics import BY_DEPLOYMENT, ENDPOINT

__all__ = ["OPERATORS", "after", "profiles"]

OPERATORS = {
    "above": "GreaterThan",
    "below": "LessThan",
    "at_least": "GreaterThanOrEqual",
    "at_most": "LessThanOrEqual",
}
_STATISTICS = {"average": "Average", "minimum": "Min", "maximum": "Max", "sum": "Sum", "count": "Count"}


def profiles(block: AutoscaleBlock, target: str) -> list[dict[str, Any]]:
    """Return the profiles of a block. target: ARM id of the deployment.

    The service ends a weekly schedule only when another begins: the default begins again at its end, under the name by
    which the portal recognizes it.
    """
    usual = {
        "capacity": _capacity(block.minimum, block.start, block.maximum),
        "rules": list(_rules(block.own_rules, target)),
    }
    found = [{"name": DEFAULT, **usual}]
    for name, schedule in block.schedules.items():
        minimum, initial, maximum = block.limits(schedule)
        own = block.own_rules if schedule.own_rules is None else schedule.own_rules
        limits = {"capacity": _capacity(minimum, initial, maximum), "rules": list(_rules(own, target))}
        if not schedule.days:
            times = {
                "timeZone": schedule.time_zone,
                "start": _moment(schedule.begin),
                "end": _moment(schedule.end or ""),
            }
            found.append({"name": name, **limits, "fixedDate": times})
            continue
        found.append({"name": name, **limits, "recurrence": _weekly(schedule, schedule.begin, schedule.days)})
        if schedule.end is not None:
            overnight = minutes_of(schedule.end) < minutes_of(schedule.begin)
            days = [_next(day) for day in schedule.days] if overnight else schedule.days
            found.append({"name": after(name), **usual, "recurrence": _weekly(schedule, schedule.end, days)})
    return found


def after(schedule: str) -> str:
    """Return the name of the default profile that follows a weekly schedule."""
    return json.dumps({"name": DEFAULT, "for": schedule}, separators=(",", ":"))


def _capacity(minimum: int, initial: int, maximum: int) -> dict[str, str]:
    return {"minimum": str(minimum), "maximum": str(maximum), "default": str(initial)}


def _rules(rules: Iterable[RuleBlock], target: str) -> Iterator[dict[str, Any]]:
    endpoint, _, deployment = target.rpartition("/deployments/")
    for rule in rules:
        comparison, threshold = rule.comparison
        of_endpoint = rule.metric in ENDPOINT
        only = {"DimensionName": "deployment", "Operator": "Equals", "Values": [deployment]}
        yield {
            "metricTrigger": {
                "metricName": rule.metric,
                "metricResourceUri": endpoint if of_endpoint else target,
                "timeGrain": f"PT{rule.grain_minutes}M",
                "statistic": _STATISTICS[rule.statistic],
                "timeWindow": f"PT{rule.window_minutes}M",
                "timeAggregation": rule.time_aggregation.capitalize(),
                "operator": OPERATORS[comparison],
                "threshold": int(threshold) if threshold == int(threshold) else threshold,
                "dimensions": [only] if rule.metric in BY_DEPLOYMENT else [],
                "dividePerInstance": rule.per_instance,
            },
            "scaleAction": _action(*rule.step, cooldown=rule.cooldown_minutes),
        }


def _action(step: str, value: int | str, *, cooldown: int) -> Mapping[str, Any]:
    """`set` has a direction too: the service requires one, and ignores it."""
    text = str(value)
    kind = "ExactCount" if step == "set" else "PercentChangeCount" if text.endswith("%") else "ChangeCount"
    return {
        "direction": "Decrease" if step == "remove" else "Increase",
        "type": kind,
        "value": text.removesuffix("%"),
        "cooldown": f"PT{cooldown}M",
    }


def _weekly(schedule: ScheduleBlock, time: str, days: Iterable[str]) -> dict[str, Any]:
    hours, minutes = divmod(minutes_of(time), 60)
    return {
        "frequency": "Week",
        "schedule": {
            "timeZone": schedule.time_zone,
            "days": [day for day in DAYS if day in set(days)],
            "hours": [hours],
            "minutes": [minutes],
        },
    }


def _next(day: str) -> str:
    return DAYS[(DAYS.index(day) + 1) % len(DAYS)]


def _moment(text: str) -> str:
    """Return a time of the spec with seconds; it is in the time zone of the schedule."""
    text = text.replace(" ", "T")
    return text if text.count(":") > 1 else f"{text}:00"
