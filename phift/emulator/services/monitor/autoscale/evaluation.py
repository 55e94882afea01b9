"""What an autoscale setting wants at a moment: the profile that is active then, and the number of instances.

By Azure's documents: scale-out happens when any of its rules fires, scale-in when no scale-out rule fires and all
scale-in rules do; of several results the largest number counts. A scale-in after which a scale-out rule would fire at
once is not done. Without metrics the default applies, if it is more than there is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from phift.emulator.core.timezones import time_zone
from phift.emulator.runtime.serving.durations import seconds_of
from phift.emulator.services.monitor.autoscale.rules import DAYS

__all__ = ["Decision", "active_profile", "decide", "fires"]

_DAYS_BACK = 8


@dataclass(frozen=True)
class Decision:
    """capacity: the number of instances that is wanted. why: one clause, for the admin request that asks. by_rule: a
    rule decided, so that its cooldown begins."""

    capacity: int
    why: str
    by_rule: bool = False


def active_profile(profiles: Sequence[Mapping[str, Any]], now: float) -> Mapping[str, Any] | None:
    """The profile that counts at a moment: one with a fixed date that covers it; else the recurring one that began
    last, which stays until the next begins; else the one without a schedule."""
    for profile in profiles:
        fixed = profile.get("fixedDate")
        if fixed and _at(fixed["start"], fixed["timeZone"]) <= now < _at(fixed["end"], fixed["timeZone"]):
            return profile
    begun = [
        (began, profile)
        for profile in profiles
        if (recurrence := profile.get("recurrence")) and (began := _began(recurrence["schedule"], now)) is not None
    ]
    if begun:
        return max(begun, key=lambda pair: pair[0])[1]
    return next((each for each in profiles if "fixedDate" not in each and "recurrence" not in each), None)


def _at(text: str, zone: str) -> float:
    """A time without an offset is in the zone."""
    value = datetime.fromisoformat(text)
    return (value if value.tzinfo else value.replace(tzinfo=time_zone(zone))).timestamp()


def _began(schedule: Mapping[str, Any], now: float) -> float | None:
    """When a weekly schedule began last."""
    zone = time_zone(schedule["timeZone"])
    today = datetime.fromtimestamp(now, UTC).astimezone(zone)
    for back in range(_DAYS_BACK):
        day = today - timedelta(days=back)
        began = day.replace(hour=schedule["hours"][0], minute=schedule["minutes"][0], second=0, microsecond=0)
        if DAYS[day.weekday()] in schedule["days"] and began.timestamp() <= now:
            return began.timestamp()
    return None


def fires(trigger: Mapping[str, Any], value: float) -> bool:
    """Whether a metric's value meets a rule's condition."""
    threshold = float(trigger["threshold"])
    met: dict[str, bool] = {
        "Equals": value == threshold,
        "NotEquals": value != threshold,
        "GreaterThan": value > threshold,
        "GreaterThanOrEqual": value >= threshold,
        "LessThan": value < threshold,
        "LessThanOrEqual": value <= threshold,
    }
    return met[trigger["operator"]]


def decide(
    profile: Mapping[str, Any],
    current: int,
    measure: Callable[[Mapping[str, Any]], float | None],
    *,
    since_last: float,
) -> Decision:
    """The number of instances that a profile wants.

    current: the number now. measure: the value of a metric trigger, None where there is no data. since_last: seconds
    since a rule changed the number.
    """
    least, most, default = (int(profile["capacity"][name]) for name in ("minimum", "maximum", "default"))
    if not least <= current <= most:
        bound = least if current < least else most
        return Decision(bound, f"{current} is not within {least} and {most}")
    values = [(rule, measure(rule["metricTrigger"])) for rule in profile["rules"]]
    out = [pair for pair in values if _direction(pair[0]) == "Increase"]
    into = [pair for pair in values if _direction(pair[0]) == "Decrease"]
    fired = [rule for rule, value in out if value is not None and fires(rule["metricTrigger"], value)]
    if fired:
        ready = [rule for rule in fired if _cooled(rule, since_last)]
        if not ready:
            return Decision(current, "a scale-out rule fires, and its cooldown is not over")
        wanted = min(most, max(_result(rule, current) for rule in ready))
        return Decision(wanted, "a scale-out rule fires", wanted != current)
    if any(value is None for _, value in values):
        if current < default:
            return Decision(default, "metrics are missing, and the default is more")
        return Decision(current, "metrics are missing")
    if not into or not all(fires(rule["metricTrigger"], value) for rule, value in into if value is not None):
        return Decision(current, "no rule fires")
    if not all(_cooled(rule, since_last) for rule, _ in into):
        return Decision(current, "the scale-in rules fire, and their cooldown is not over")
    wanted = max(least, *(_result(rule, current) for rule, _ in into))
    if wanted < current and (again := _would_grow(out, current, wanted)):
        return Decision(current, f"scaling in to {wanted} would let the rule for {again} scale out again")
    return Decision(wanted, "all scale-in rules fire", wanted != current)


def _direction(rule: Mapping[str, Any]) -> str:
    return str(rule["scaleAction"]["direction"])


def _cooled(rule: Mapping[str, Any], since_last: float) -> bool:
    return since_last >= seconds_of(rule["scaleAction"]["cooldown"])


def _result(rule: Mapping[str, Any], current: int) -> int:
    """The number of instances after a rule's action. A percentage changes the number by one at least (assumed:
    autoscale_steps)."""
    action = rule["scaleAction"]
    value, sign = int(action["value"]), 1 if action["direction"] == "Increase" else -1
    if action["type"] == "ExactCount":
        return value
    if action["type"] == "PercentChangeCount":
        return current + sign * max(1, math.floor(current * value / 100))
    if action["type"] == "ServiceAllowedNextValue":
        return current + sign
    return current + sign * value


def _would_grow(out: Sequence[tuple[Mapping[str, Any], float | None]], current: int, wanted: int) -> str:
    """The metric of a scale-out rule that fires once the load of `current` instances is on `wanted`; "" for none."""
    for rule, value in out:
        trigger = rule["metricTrigger"]
        spread = trigger["statistic"] == "Average" and (
            trigger["dividePerInstance"] or trigger["metricName"].lower().endswith("utilizationpercentage")
        )
        if value is not None and spread and fires(trigger, value * current / max(wanted, 1)):
            return str(trigger["metricName"])
    return ""
