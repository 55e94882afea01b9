"""What is accepted of an autoscale setting, and the document that is stored: canonical spellings, defaults filled in.

The limits are those of Azure's documents; the words of refusals are ours (assumed: autoscale_texts).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from phift.emulator.core.errors import ServiceError
from phift.emulator.core.timezones import time_zone
from phift.emulator.runtime.serving.durations import seconds_of
from phift.emulator.services.monitor.timespans import moment

__all__ = ["DAYS", "properties_of"]

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MOST_PROFILES, _MOST_RULES = 20, 10
_STATISTICS = ("Average", "Min", "Max", "Sum", "Count")
_AGGREGATIONS = ("Average", "Minimum", "Maximum", "Total", "Count", "Last")
_OPERATORS = ("Equals", "NotEquals", "GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual")
_DIRECTIONS = ("None", "Increase", "Decrease")
_TYPES = ("ChangeCount", "PercentChangeCount", "ExactCount", "ServiceAllowedNextValue")
_MINUTE, _HOUR, _WEEK = 60.0, 3600.0, 7 * 24 * 3600.0
_WHOLE = re.compile(r"\d{1,6}", re.ASCII)


def properties_of(name: str, sent: dict[str, Any], location: str) -> dict[str, Any]:
    """The properties to store. Raises ServiceError 400 with the path of what is refused."""
    target = _required(sent, "targetResourceUri", "properties")
    profiles = sent.get("profiles")
    if not isinstance(profiles, list) or not 1 <= len(profiles) <= _MOST_PROFILES:
        raise _refused("properties.profiles", f"An autoscale setting has 1 to {_MOST_PROFILES} profiles.")
    enabled = sent.get("enabled", False)
    if not isinstance(enabled, bool):
        raise _refused("properties.enabled", "It must be true or false.")
    given = [_profile(each, f"properties.profiles[{index}]", target) for index, each in enumerate(profiles)]
    if len({each["name"].casefold() for each in given}) < len(given):
        raise _refused("properties.profiles", "The names of profiles must be unique.")
    if sum("recurrence" not in each and "fixedDate" not in each for each in given) > 1:
        raise _refused("properties.profiles", "At most one profile can be without recurrence and fixedDate.")
    return {
        "profiles": given,
        "notifications": sent.get("notifications") or [],
        "predictiveAutoscalePolicy": sent.get("predictiveAutoscalePolicy"),
        "enabled": enabled,
        "name": sent.get("name") or name,
        "targetResourceUri": target,
        "targetResourceLocation": sent.get("targetResourceLocation") or location,
    }


def _profile(sent: Any, where: str, target: str) -> dict[str, Any]:
    rules = sent.get("rules") or []
    if len(rules) > _MOST_RULES:
        raise _refused(f"{where}.rules", f"A profile has at most {_MOST_RULES} rules, not {len(rules)}.")
    profile = {
        "name": _required(sent, "name", where),
        "capacity": _capacity(sent.get("capacity") or {}, f"{where}.capacity"),
        "rules": [_rule(each, f"{where}.rules[{index}]", target) for index, each in enumerate(rules)],
    }
    if sent.get("fixedDate") and sent.get("recurrence"):
        raise _refused(where, "A profile has fixedDate or recurrence, not both.")
    if fixed := sent.get("fixedDate"):
        profile["fixedDate"] = _fixed_date(fixed, f"{where}.fixedDate")
    if recurrence := sent.get("recurrence"):
        profile["recurrence"] = _recurrence(recurrence, f"{where}.recurrence")
    return profile


def _capacity(sent: dict[str, Any], where: str) -> dict[str, str]:
    capacity = {name: _whole(sent, name, where) for name in ("minimum", "maximum", "default")}
    least, most, default = (int(capacity[name]) for name in ("minimum", "maximum", "default"))
    if not least <= default <= most:
        text = f"minimum ({least}), default ({default}) and maximum ({most}) must be in this order."
        raise _refused(where, text)
    return capacity


def _rule(sent: Any, where: str, target: str) -> dict[str, Any]:
    trigger, action = sent.get("metricTrigger") or {}, sent.get("scaleAction") or {}
    at = f"{where}.metricTrigger"
    grain = _duration(trigger, "timeGrain", at, _MINUTE, 12 * _HOUR)
    window = _duration(trigger, "timeWindow", at, 5 * _MINUTE, 12 * _HOUR)
    if seconds_of(window) < seconds_of(grain):
        raise _refused(f"{at}.timeWindow", f"{window} is shorter than the timeGrain {grain}.")
    threshold = trigger.get("threshold")
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise _refused(f"{at}.threshold", "It must be a number.")
    divide = trigger.get("dividePerInstance") or False
    if not isinstance(divide, bool):
        raise _refused(f"{at}.dividePerInstance", "It must be true or false.")
    return {
        "metricTrigger": {
            "metricName": _required(trigger, "metricName", at),
            "metricNamespace": trigger.get("metricNamespace") or "",
            "metricResourceUri": trigger.get("metricResourceUri") or target,
            "metricResourceLocation": trigger.get("metricResourceLocation"),
            "timeGrain": grain,
            "statistic": _one_of(trigger, "statistic", at, _STATISTICS),
            "timeWindow": window,
            "timeAggregation": _one_of(trigger, "timeAggregation", at, _AGGREGATIONS),
            "operator": _one_of(trigger, "operator", at, _OPERATORS),
            "threshold": threshold,
            "dimensions": [
                _dimension(each, f"{at}.dimensions[{index}]")
                for index, each in enumerate(trigger.get("dimensions") or [])
            ],
            "dividePerInstance": divide,
        },
        "scaleAction": {
            "direction": _one_of(action, "direction", f"{where}.scaleAction", _DIRECTIONS),
            "type": _one_of(action, "type", f"{where}.scaleAction", _TYPES),
            "value": _whole({"value": "1", **action}, "value", f"{where}.scaleAction"),
            "cooldown": _duration(action, "cooldown", f"{where}.scaleAction", _MINUTE, _WEEK),
        },
    }


def _dimension(sent: Any, where: str) -> dict[str, Any]:
    values = sent.get("Values") or sent.get("values") or []
    if not isinstance(values, list) or not values or not all(isinstance(each, str) for each in values):
        raise _refused(f"{where}.Values", "It must be a list of at least one string.")
    operator = {"Operator": sent.get("Operator") or sent.get("operator")}
    name = {"DimensionName": sent.get("DimensionName") or sent.get("dimensionName")}
    return {
        "DimensionName": _required(name, "DimensionName", where),
        "Operator": _one_of(operator, "Operator", where, ("Equals", "NotEquals")),
        "Values": values,
    }


def _fixed_date(sent: dict[str, Any], where: str) -> dict[str, Any]:
    zone = _zone(sent, where)
    times = {name: _required(sent, name, where) for name in ("start", "end")}
    try:
        start, end = moment(times["start"]), moment(times["end"])
    except ValueError as error:
        raise _refused(where, f"start and end must be times: {error}.") from error
    if not start < end:
        raise _refused(where, "The end must be after the start.")
    return {"timeZone": zone, **times}


def _recurrence(sent: dict[str, Any], where: str) -> dict[str, Any]:
    frequency = _one_of(sent, "frequency", where, ("Week",))
    schedule = sent.get("schedule") or {}
    at = f"{where}.schedule"
    days = [_one_of({"days": each}, "days", at, DAYS) for each in schedule.get("days") or []]
    hours, minutes = schedule.get("hours") or [], schedule.get("minutes") or []
    for name, values, most in (("hours", hours, 23), ("minutes", minutes, 59)):
        if (
            not isinstance(values, list)
            or len(values) != 1
            or isinstance(values[0], bool)
            or values[0] not in range(most + 1)
        ):
            raise _refused(f"{at}.{name}", f"It must be a list of one whole number from 0 to {most}.")
    if not days:
        raise _refused(f"{at}.days", "It must name at least one day of the week.")
    return {
        "frequency": frequency,
        "schedule": {"timeZone": _zone(schedule, at), "days": days, "hours": hours, "minutes": minutes},
    }


def _zone(sent: dict[str, Any], where: str) -> str:
    name = sent.get("timeZone") or "UTC"
    try:
        time_zone(name)
    except ValueError as error:
        raise _refused(f"{where}.timeZone", f"{error}.") from error
    return str(name)


def _required(sent: dict[str, Any], name: str, where: str) -> str:
    value = sent.get(name)
    if not isinstance(value, str) or not value:
        raise _refused(f"{where}.{name}", "It is missing.")
    return value


def _whole(sent: dict[str, Any], name: str, where: str) -> str:
    """Counts are strings on the wire."""
    value = sent.get(name)
    if not isinstance(value, str) or not _WHOLE.fullmatch(value):
        raise _refused(f"{where}.{name}", f'It must be a string with a whole number, such as "1", not {value!r}.')
    return value


def _one_of(sent: dict[str, Any], name: str, where: str, known: Sequence[str]) -> str:
    value = sent.get(name)
    for each in known:
        if isinstance(value, str) and value.casefold() == each.casefold():
            return each
    raise _refused(f"{where}.{name}", f"It must be one of {', '.join(known)}, not {value!r}.")


def _duration(sent: dict[str, Any], name: str, where: str, least: float, most: float) -> str:
    value = sent.get(name) or ("PT5M" if name == "cooldown" else "")
    try:
        seconds = seconds_of(str(value))
    except ValueError as error:
        raise _refused(f"{where}.{name}", f"{error}.") from error
    if not least <= seconds <= most:
        text = f"It must be {least / _MINUTE:g} minutes to {most / _HOUR:g} hours, not {value}."
        raise _refused(f"{where}.{name}", text)
    return str(value)


def _refused(where: str, why: str) -> ServiceError:
    return ServiceError(400, "BadRequest", f"The autoscale setting is invalid at '{where}': {why}", target=where)
