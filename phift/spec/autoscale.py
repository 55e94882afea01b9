"""`deployment.autoscale`: the number of instances follows the load and the time."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from phift.diagnostics import nearest
from phift.lazy import lazy_pattern
from phift.spec.base import AnyCase, Before, Block, Coerced, Meanings, Strict, Texts, fault
from phift.spec.scaling_metrics import METRICS

__all__ = ["DAYS", "DEFAULT", "GROUPS", "MOST_INSTANCES", "AutoscaleBlock", "RuleBlock", "ScheduleBlock"]

DEFAULT = "default"
"""Name of the profile that applies when no schedule does."""
MOST_INSTANCES = 50
"""Maximum number of instances of a deployment (Azure docs)."""

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
GROUPS = {"weekdays": DAYS[:5], "weekend": DAYS[5:], "daily": DAYS}
_TIME = lazy_pattern(r"([01]?\d|2[0-3]):[0-5]\d", re.ASCII)
_DATE = lazy_pattern(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?", re.ASCII)
_PERCENT = lazy_pattern(r"[1-9]\d{0,2} ?%", re.ASCII)
_MOST_RULES = 10
_MOST_PROFILES = 20
_DAY = 24 * 60

_COMPARISONS = ("above", "below", "at_least", "at_most")
_STEPS = ("add", "remove", "set")


def _metric(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    for known in METRICS:
        if known.lower() == value.lower():
            return known
    close = nearest(value, METRICS)
    remedy = f"Did you mean {close}?" if close else f"Known metrics: {', '.join(METRICS)}."
    raise fault(f"is not a metric of an online endpoint or deployment: {value}", remedy)


def _step(value: Any) -> Any:
    """Accept a whole number of instances, or a percentage as text."""
    if isinstance(value, bool) or not (
        (isinstance(value, int) and 1 <= value <= MOST_INSTANCES)
        or (isinstance(value, str) and _PERCENT.fullmatch(value))
    ):
        raise fault(f'must be a whole number from 1 to {MOST_INSTANCES}, or a percentage such as "50%"')
    return str(value).replace(" ", "") if isinstance(value, str) else value


def _days(value: Any) -> Any:
    """Expand groups of days, and spell the days as the service does."""
    if not isinstance(value, list | tuple):
        return value
    found: list[str] = []
    known = {day.lower(): (day,) for day in DAYS} | GROUPS
    for name in value:
        days = known.get(name.lower()) if isinstance(name, str) else None
        if days is None:
            raise fault(f"has an unknown day: {name}", f"Write {', '.join(DAYS)}, weekdays, weekend or daily.")
        found += days
    return [day for day in DAYS if day in found]


def _zone(value: Any) -> Any:
    if not isinstance(value, str) or value == "UTC":
        return value
    from phift.spec.time_zones import azure_zone

    try:
        return azure_zone(value)
    except ValueError as error:
        text = str(error)
        raise fault(f"is not a time zone that Azure knows: {value}", f"{text[:1].upper()}{text[1:]}") from None


_Step = Annotated[
    int | str | None, Field(json_schema_extra={"anyOf": [{"type": ["integer", "string"]}]}), Before(_step), Coerced
]
_Count = Annotated[int, Field(ge=1, le=MOST_INSTANCES), Coerced]


class RuleBlock(Strict):
    """A rule: one metric, one comparison, one step."""

    metric: Annotated[str, Field(description="Metric of the deployment or of its endpoint."), Before(_metric)]
    above: Annotated[float | None, Field(description="Applies when the metric is greater."), Coerced] = None
    below: Annotated[float | None, Field(description="Applies when the metric is less."), Coerced] = None
    at_least: Annotated[float | None, Field(description="Applies when the metric is greater or equal."), Coerced] = None
    at_most: Annotated[float | None, Field(description="Applies when the metric is less or equal."), Coerced] = None
    add: Annotated[_Step, Field(description='Instances to add, or a percentage: "50%".')] = None
    remove: Annotated[_Step, Field(description='Instances to remove, or a percentage: "50%".')] = None
    set: Annotated[int | None, Field(ge=1, le=MOST_INSTANCES, description="Number of instances to set."), Coerced] = (
        None
    )
    window_minutes: Annotated[
        int, Field(ge=5, le=720, description="Minutes over which the metric is aggregated."), Coerced
    ] = 5
    grain_minutes: Annotated[
        int, Field(ge=1, le=720, description="Minutes of each value that is aggregated."), Coerced
    ] = 1
    statistic: Annotated[
        Literal["average", "minimum", "maximum", "sum", "count"],
        Field(description="Combines the values of the instances in a grain."),
        AnyCase,
        Meanings(
            average="The mean of the instances.",
            minimum="The smallest value of an instance.",
            maximum="The largest value of an instance.",
            sum="The sum over the instances.",
            count="The number of values.",
        ),
    ] = "average"
    time_aggregation: Annotated[
        Literal["average", "minimum", "maximum", "total", "count", "last"],
        Field(description="Combines the values of the grains in the window."),
        AnyCase,
        Meanings(
            average="The mean of the grains.",
            minimum="The smallest value of a grain.",
            maximum="The largest value of a grain.",
            total="The sum over the grains.",
            count="The number of values.",
            last="The value of the newest grain.",
        ),
    ] = "average"
    cooldown_minutes: Annotated[
        int, Field(ge=1, le=10080, description="Minutes after a change of the number before the next one."), Coerced
    ] = 5
    per_instance: Annotated[bool, Field(description="Divide the metric by the number of instances."), Coerced] = False

    @model_validator(mode="after")
    def _one_of_each(self) -> "RuleBlock":
        for names, what in ((_COMPARISONS, "comparison"), (_STEPS, "step")):
            if sum(getattr(self, name) is not None for name in names) != 1:
                example = "Write {metric: GpuUtilizationPercentage, above: 70, add: 1}."
                raise fault(f"needs exactly one {what}: {', '.join(names)}", example)
        if self.window_minutes < self.grain_minutes:
            raise fault(f"has a window of {self.window_minutes} min, shorter than grain_minutes")
        return self

    @property
    def comparison(self) -> tuple[str, float]:
        """Return the name of the comparison and its threshold."""
        return next((n, value) for n in _COMPARISONS if (value := getattr(self, n)) is not None)

    @property
    def step(self) -> tuple[str, int | str]:
        """Return the name of the step and its value."""
        return next((n, value) for n in _STEPS if (value := getattr(self, n)) is not None)


class ScheduleBlock(Strict):
    """Other limits and rules at certain times: weekly (days, begin, end), or once (begin and end with dates)."""

    days: Annotated[
        Texts, Before(_days), Field(description="Days of a weekly schedule: Monday ..., weekdays, weekend or daily.")
    ] = ()
    begin: Annotated[str, Field(description='"HH:MM" of a weekly schedule, otherwise "YYYY-MM-DDTHH:MM".')]
    end: Annotated[
        str | None, Field(description="In the same form. Without it, a weekly schedule lasts until the next begins.")
    ] = None
    time_zone: Annotated[
        str, Before(_zone), Field(description="Time zone: a Windows name, such as W. Europe Standard Time.")
    ] = "UTC"
    minimum: Annotated[_Count | None, Field(description="Minimum number of instances.")] = None
    maximum: Annotated[_Count | None, Field(description="Maximum number of instances.")] = None
    initial: Annotated[_Count | None, Field(description="Number of instances without metrics.")] = None
    own_rules: Annotated[
        tuple[RuleBlock, ...] | None,
        Field(
            alias="rules",
            strict=False,
            max_length=_MOST_RULES,
            description="Rules of the schedule. Default: those of the block.",
        ),
    ] = None

    @model_validator(mode="after")
    def _form(self) -> "ScheduleBlock":
        form, example = (_TIME, "08:00") if self.days else (_DATE, "2026-11-27T08:00")
        if not self.days and self.end is None:
            raise fault("needs days, or an end", "Write days: [weekdays] for a weekly schedule, or begin and end.")
        for name in ("begin", "end"):
            value = getattr(self, name)
            if value is not None and not form.fullmatch(value):
                raise fault(f'has {name}: {value}; the form is "{example}"', "Without `days` it must be a date.")
        if not self.days and self.end is not None:
            try:
                begin, end = datetime.fromisoformat(self.begin), datetime.fromisoformat(self.end)
            except ValueError as error:
                raise fault(f"has an invalid date: {error}") from None
            if not begin < end:
                raise fault(f"ends before it begins: {self.begin}, {self.end}")
        if self.days and self.end is not None and minutes_of(self.begin) == minutes_of(self.end):
            raise fault("begins and ends at the same time", "Remove `end` for a schedule that lasts all day.")
        return self


class AutoscaleBlock(Block):
    """Scaling of a deployment by load and time, with an autoscale setting of Azure Monitor."""

    minimum: Annotated[_Count, Field(description="Minimum number of instances. A deployment cannot scale to zero.")] = 1
    maximum: Annotated[_Count, Field(description="Maximum number of instances.")]
    initial: Annotated[
        _Count | None,
        Field(description="Number of instances at creation, and without metrics. Default: the minimum."),
    ] = None
    own_rules: Annotated[
        tuple[RuleBlock, ...],
        Field(alias="rules", strict=False, max_length=_MOST_RULES, description="When to add and to remove instances."),
    ] = ()
    schedules: Annotated[dict[str, ScheduleBlock], Field(description="Other limits and rules at certain times.")] = (
        Field(default_factory=dict)
    )

    @model_validator(mode="after")
    def _in_order(self) -> "AutoscaleBlock":
        _require_order("", self.minimum, self.start, self.maximum)
        for name, each in self.schedules.items():
            minimum, initial, maximum = self.limits(each)
            _require_order(f"schedule {name}: ", minimum, initial, maximum)
        if not self.own_rules and not self.schedules:
            raise fault(
                "has neither rules nor schedules: the number of instances would never change",
                "Write rules: [{metric: GpuUtilizationPercentage, above: 70, add: 1}, "
                "{metric: GpuUtilizationPercentage, below: 25, remove: 1}].",
            )
        profiles = 1 + sum(2 if each.days and each.end else 1 for each in self.schedules.values())
        if profiles > _MOST_PROFILES:
            raise fault(f"needs {profiles} profiles; the service allows {_MOST_PROFILES}", "Merge some schedules.")
        self._require_own_names()
        self._require_apart()
        return self

    @property
    def start(self) -> int:
        """Return the number of instances of a new deployment."""
        return self.minimum if self.initial is None else self.initial

    @property
    def most(self) -> int:
        """Return the maximum number of instances at any time."""
        return max(self.maximum, *(self.limits(each)[2] for each in self.schedules.values()), 0)

    def limits(self, schedule: ScheduleBlock) -> tuple[int, int, int]:
        """Return minimum, initial and maximum number of instances of a schedule."""
        maximum = schedule.maximum or self.maximum
        minimum = schedule.minimum or min(self.minimum, maximum)
        return minimum, schedule.initial or min(max(minimum, self.start), maximum), maximum

    def _require_own_names(self) -> None:
        """Reject names of schedules that the service rejects: they are those of profiles, case-insensitively unique."""
        taken = {DEFAULT: f"the profile outside of all schedules is named {DEFAULT}"}
        for name in self.schedules:
            if not name.strip():
                raise fault("has a schedule without a name", "Write schedules: {NAME: {days: [weekdays], ...}}.")
            if why := taken.get(name.lower()):
                raise fault(f"cannot have a schedule named {name}: {why}", "Use another name.")
            taken[name.lower()] = f"schedule {name} has that name, and the service ignores the case"

    def _require_apart(self) -> None:
        """Reject weekly schedules that overlap: the service ends both when the first one ends."""
        spans = [
            (name, begin, end)
            for name, each in self.schedules.items()
            if each.days and each.end
            for begin, end in _week(each, each.end)
        ]
        for index, (name, begin, end) in enumerate(spans):
            for other, starts, ends in spans[index + 1 :]:
                same = self.schedules[name].time_zone == self.schedules[other].time_zone
                if name != other and same and begin < ends and starts < end:
                    raise fault(
                        f"has overlapping schedules: {name} and {other}",
                        "The service ends both when the first one ends. Give them times that do not overlap.",
                    )


def minutes_of(time: str) -> int:
    """Return the minutes of `HH:MM` after midnight."""
    hours, _, minutes = time.partition(":")
    return int(hours) * 60 + int(minutes)


def _week(schedule: ScheduleBlock, end: str) -> list[tuple[int, int]]:
    """Return the times of a weekly schedule in minutes after the begin of the week."""
    begin, stop = minutes_of(schedule.begin), minutes_of(end)
    length = stop - begin if stop > begin else stop - begin + _DAY
    spans = []
    for day in schedule.days:
        start = DAYS.index(day) * _DAY + begin
        spans.append((start, min(start + length, 7 * _DAY)))
        if start + length > 7 * _DAY:
            spans.append((0, start + length - 7 * _DAY))
    return spans


def _require_order(where: str, minimum: int, initial: int, maximum: int) -> None:
    if not minimum <= initial <= maximum:
        raise fault(f"{where}minimum {minimum}, initial {initial} and maximum {maximum} must be in this order")
