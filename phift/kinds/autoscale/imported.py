"""Import an autoscale setting: its document as the block `deployment.autoscale` of a spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from phift.compile.draft import drop_none
from phift.kinds.autoscale.document import OPERATORS, after, profiles
from phift.kinds.autoscale.reading import observed, target_of
from phift.kinds.shared.wire import seconds_of
from phift.spec.autoscale import DAYS, GROUPS, AutoscaleBlock

__all__ = ["imported_setting"]

_WORDS = {operator.lower(): word for word, operator in OPERATORS.items()}
_STATISTICS = {"min": "minimum", "max": "maximum"}
_STEPS = {"increase": "add", "decrease": "remove"}
_DEFAULTS: Mapping[str, Any] = {
    "window_minutes": 5,
    "grain_minutes": 1,
    "statistic": "average",
    "time_aggregation": "average",
    "cooldown_minutes": 5,
    "per_instance": False,
}


def imported_setting(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the block of a setting. raw: its document. Empty if the block would not express all of it."""
    try:
        values = _block(raw)
        block = AutoscaleBlock.model_validate(values)
    except (KeyError, TypeError, ValueError, ValidationError):
        return {}
    target = target_of(raw)
    written = {"enabled": True, "targetResourceUri": target, "profiles": profiles(block, target)}
    same = {**observed({"properties": written}), "tags": observed(raw)["tags"]} == observed(raw)
    return values if same else {}


def _block(raw: Mapping[str, Any]) -> dict[str, Any]:
    found: Sequence[Mapping[str, Any]] = raw["properties"]["profiles"]
    usual = next((p for p in found if not (p.get("recurrence") or p.get("fixedDate"))), None)
    if usual is None:
        raise ValueError("no profile applies when no schedule does")
    limits = _limits(usual)
    schedules = {str(p["name"]): p for p in found if p is not usual}
    ends = {_compact(after(name)) for name in schedules}
    return drop_none(
        {
            "minimum": limits["minimum"] if limits["minimum"] != 1 else None,
            "maximum": limits["maximum"],
            "initial": limits["initial"] if limits["initial"] != limits["minimum"] else None,
            "rules": list(map(_rule, usual.get("rules") or ())) or None,
            "schedules": {
                name: _schedule(name, profile, schedules, usual)
                for name, profile in schedules.items()
                if _compact(name) not in ends
            }
            or None,
        }
    )


def _limits(profile: Mapping[str, Any]) -> dict[str, int]:
    capacity = profile["capacity"]
    names = {"minimum": "minimum", "maximum": "maximum", "initial": "default"}
    return {name: int(capacity[there]) for name, there in names.items()}


def _schedule(
    name: str, profile: Mapping[str, Any], all: Mapping[str, Mapping[str, Any]], usual: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        **dict(_times(name, profile, all)),
        **{key: value for key, value in _limits(profile).items() if value != _limits(usual)[key]},
        **({} if profile.get("rules") == usual.get("rules") else {"rules": list(map(_rule, profile["rules"]))}),
    }


def _times(
    name: str, profile: Mapping[str, Any], all: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str | list[str]]]:
    if fixed := profile.get("fixedDate"):
        yield from (("begin", str(fixed["start"])[:16]), ("end", str(fixed["end"])[:16]))
        zone = fixed.get("timeZone")
    else:
        schedule = profile["recurrence"]["schedule"]
        days = [day for day in DAYS if day in schedule["days"]]
        group = next((group for group, members in GROUPS.items() if list(members) == days), None)
        yield "days", [group] if group else days
        yield "begin", _clock(schedule)
        ending = next((p for other, p in all.items() if _compact(other) == _compact(after(name))), None)
        if ending is not None:
            yield "end", _clock(ending["recurrence"]["schedule"])
        zone = schedule.get("timeZone")
    if zone and zone != "UTC":
        yield "time_zone", str(zone)


def _clock(schedule: Mapping[str, Any]) -> str:
    (hour,), (minute,) = schedule["hours"], schedule["minutes"]
    return f"{hour:02}:{minute:02}"


def _compact(name: str) -> str:
    """The service may write the name of an ending with other spaces."""
    return name.replace('": ', '":').replace(', "', ',"')


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    trigger, action = rule["metricTrigger"], rule["scaleAction"]
    threshold = trigger["threshold"]
    values = {
        "metric": trigger["metricName"],
        _WORDS[str(trigger["operator"]).lower()]: int(threshold) if threshold == int(threshold) else threshold,
        **dict([_step(action)]),
        "window_minutes": _minutes(trigger["timeWindow"]),
        "grain_minutes": _minutes(trigger["timeGrain"]),
        "statistic": _word(trigger["statistic"]),
        "time_aggregation": _word(trigger["timeAggregation"]),
        "cooldown_minutes": _minutes(action["cooldown"]),
        "per_instance": bool(trigger.get("dividePerInstance")),
    }
    return {key: value for key, value in values.items() if key not in _DEFAULTS or _DEFAULTS[key] != value}


def _step(action: Mapping[str, Any]) -> tuple[str, int | str]:
    kind, value = str(action["type"]).lower(), str(action["value"])
    step = _STEPS[str(action["direction"]).lower()]
    if kind == "percentchangecount":
        return step, f"{value}%"
    return ("set" if kind == "exactcount" else step), int(value)


def _word(text: str) -> str:
    return _STATISTICS.get(text.lower(), text.lower())


def _minutes(duration: str) -> int:
    seconds = seconds_of(duration)
    if seconds is None or seconds % 60:
        raise ValueError(duration)
    return int(seconds // 60)
