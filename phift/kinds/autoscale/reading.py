"""What an autoscale setting says, in the words of the spec: one line for each rule and schedule.

Whatever phift does not write itself is part of the line, so that every change of a setting is a difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from phift.kinds.autoscale.document import OPERATORS, after
from phift.kinds.shared.wire import seconds_of
from phift.spec.autoscale import DAYS, GROUPS
from phift.spec.scaling_metrics import BY_DEPLOYMENT, ENDPOINT
from phift.state.ownership import user_tags

__all__ = ["observed", "target_of"]

_WORDS = {operator.lower(): word for word, operator in OPERATORS.items()}
_NONE: Mapping[str, Any] = {}


def observed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of a setting, with the names of the spec."""
    properties = raw.get("properties") or _NONE
    target = target_of(raw)
    found = [p for p in properties.get("profiles") or () if isinstance(p, Mapping)]
    usual: Mapping[str, Any] = next((p for p in found if not (p.get("recurrence") or p.get("fixedDate"))), _NONE)
    capacity = usual.get("capacity") or _NONE
    return {
        "enabled": bool(properties.get("enabled")),
        "deployment": target.rpartition("/")[2],
        "minimum": _whole(capacity.get("minimum")),
        "maximum": _whole(capacity.get("maximum")),
        "initial": _whole(capacity.get("default")),
        "rules": _rules(usual, target),
        "schedules": list(_schedules(found, usual, target)),
        "tags": user_tags(raw.get("tags")),
    }


def target_of(raw: Mapping[str, Any]) -> str:
    """Return the ARM id of the scaled resource."""
    return str((raw.get("properties") or _NONE).get("targetResourceUri") or "")


def _schedules(found: Sequence[Mapping[str, Any]], usual: Mapping[str, Any], target: str) -> Iterator[str]:
    """Yield a line for each schedule. The default profile at its end is part of it if it equals the default."""
    by_name = {str(p.get("name")): p for p in found}
    folded: set[str] = set()
    for profile in found:
        name = str(profile.get("name"))
        if profile is usual or name in folded:
            continue
        ending = by_name.get(_compact(after(name))) or _ending(found, name)
        until = ""
        if ending is not None and _same(ending, usual, target) and (stop := _until(profile, ending)):
            folded.add(str(ending.get("name")))
            until = stop
        yield f"{name}: {_times(profile, until)}; {_limits(profile, target)}"


def _ending(found: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    """The service may write the name with other spaces."""
    wanted = _compact(after(name))
    return next((p for p in found if _compact(str(p.get("name"))) == wanted), None)


def _compact(name: str) -> str:
    return name.replace('": ', '":').replace(', "', ',"')


def _same(ending: Mapping[str, Any], usual: Mapping[str, Any], target: str) -> bool:
    return _limits(ending, target) == _limits(usual, target)


def _until(profile: Mapping[str, Any], ending: Mapping[str, Any]) -> str:
    """Return the time at which a weekly schedule ends, "" if the ending is not that of this schedule."""
    begin, stop = (((p.get("recurrence") or _NONE).get("schedule") or _NONE) for p in (profile, ending))
    if not begin or not stop or _zone(begin) != _zone(stop):
        return ""
    overnight = _clock(stop) < _clock(begin)
    days = [DAYS[(DAYS.index(d) + 1) % 7] if overnight and d in DAYS else d for d in _days(begin)]
    return _clock(stop) if sorted(days) == sorted(_days(stop)) else ""


def _times(profile: Mapping[str, Any], until: str) -> str:
    if fixed := profile.get("fixedDate"):
        return f"{fixed.get('start')} to {fixed.get('end')} {_zone(fixed)}"
    schedule = (profile.get("recurrence") or _NONE).get("schedule") or _NONE
    end = f" to {until}" if until else ""
    days = _days(schedule)
    group = next((name for name, members in GROUPS.items() if sorted(days) == sorted(members)), ", ".join(days))
    return f"{group} {_clock(schedule)}{end} {_zone(schedule)}"


def _days(schedule: Mapping[str, Any]) -> list[str]:
    return [str(day) for day in schedule.get("days") or ()]


def _zone(times: Mapping[str, Any]) -> str:
    return str(times.get("timeZone") or "UTC")


def _clock(schedule: Mapping[str, Any]) -> str:
    hours, minutes = (list(schedule.get(name) or ()) for name in ("hours", "minutes"))
    return ",".join(f"{h:02}:{m:02}" for h in hours for m in minutes)


def _limits(profile: Mapping[str, Any], target: str) -> str:
    capacity = profile.get("capacity") or _NONE
    least, most, first = (capacity.get(name) for name in ("minimum", "maximum", "default"))
    rules = "; ".join(_rules(profile, target)) or "no rules"
    return f"{least} to {most} instances, initially {first}; {rules}"


def _rules(profile: Mapping[str, Any], target: str) -> list[str]:
    return [_rule(each, target) for each in profile.get("rules") or ()]


def _rule(rule: Mapping[str, Any], target: str) -> str:
    """`GpuUtilizationPercentage above 70: add 1`, with what differs from the defaults in brackets."""
    trigger, action = rule.get("metricTrigger") or _NONE, rule.get("scaleAction") or _NONE
    metric, operator = str(trigger.get("metricName")), str(trigger.get("operator"))
    more = [
        *_unless("average", "statistic", _lower(trigger.get("statistic"))),
        *_unless("average", "time aggregation", _lower(trigger.get("timeAggregation"))),
        *_unless("5 min", "window", _minutes(trigger.get("timeWindow"))),
        *_unless("1 min", "grain", _minutes(trigger.get("timeGrain"))),
        *_unless("5 min", "cooldown", _minutes(action.get("cooldown"))),
        *(["per instance"] if trigger.get("dividePerInstance") else []),
        *_source(trigger, metric, target),
    ]
    condition = f"{metric} {_WORDS.get(operator.lower(), operator)} {_number(trigger.get('threshold'))}"
    return f"{condition}: {_step(action)}" + (f" ({', '.join(more)})" if more else "")


def _step(action: Mapping[str, Any]) -> str:
    kind, direction, value = (str(action.get(name)) for name in ("type", "direction", "value"))
    word = {"increase": "add", "decrease": "remove"}.get(direction.lower(), direction)
    match kind.lower():
        case "changecount":
            return f"{word} {value}"
        case "percentchangecount":
            return f"{word} {value}%"
        case "exactcount" if direction.lower() == "increase":
            return f"set {value}"
        case _:
            return f"{direction} {kind} {value}"


def _source(trigger: Mapping[str, Any], metric: str, target: str) -> Iterator[str]:
    """Yield where the metric is measured, if it is not where phift reads it."""
    endpoint, _, deployment = target.rpartition("/deployments/")
    expected = endpoint if metric in ENDPOINT else target
    source = str(trigger.get("metricResourceUri") or target)
    if source.lower() != expected.lower():
        yield f"of {source}"
    if namespace := trigger.get("metricNamespace"):
        yield f"namespace {namespace}"
    only = [("deployment", "equals", [deployment.lower()])] if metric in BY_DEPLOYMENT else []
    dimensions = [_dimension(each) for each in trigger.get("dimensions") or ()]
    if dimensions != only:
        yield " and ".join(f"{name} {operator} {' or '.join(v)}" for name, operator, v in dimensions) or "unfiltered"


def _dimension(each: Mapping[str, Any]) -> tuple[str, str, list[str]]:
    values = {str(key).lower(): value for key, value in each.items()}
    name, operator = (str(values.get(key)).lower() for key in ("dimensionname", "operator"))
    return name, operator, [str(value).lower() for value in values.get("values") or ()]


def _unless(default: str, name: str, value: str) -> Iterator[str]:
    if value != default:
        yield f"{name} {value}"


def _lower(value: Any) -> str:
    """The statistics Min and Max are minimum and maximum in the spec."""
    text = str(value).lower()
    return {"min": "minimum", "max": "maximum"}.get(text, text)


def _minutes(duration: Any) -> str:
    try:
        seconds = seconds_of(str(duration)) if duration else None
    except ValueError:
        return str(duration)
    return "none" if seconds is None else f"{seconds / 60:g} min"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _whole(value: Any) -> Any:
    """Counts are strings on the wire; anything but a number is kept, to be seen as a difference."""
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else value
