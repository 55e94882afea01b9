"""The value that a metric trigger compares: a metric's samples, first within each time grain, then over the window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.emulator.runtime.serving.durations import seconds_of
from phift.emulator.services.monitor.cells import Sample
from phift.emulator.services.monitor.query import Series, aggregated

__all__ = ["aggregated_trigger"]

_STATISTICS = {"Average": "average", "Min": "minimum", "Max": "maximum", "Sum": "total", "Count": "count"}


def aggregated_trigger(trigger: Mapping[str, Any], series: Series) -> float:
    """The value of a trigger. series: of the window, with one sample at least."""
    grain = int(seconds_of(trigger["timeGrain"]))
    slots: dict[int, Sample] = {}
    for at, sample in series.samples.items():
        slot = at // grain * grain
        slots[slot] = slots[slot].plus(sample) if slot in slots else sample
    values = [aggregated(slots[slot], _STATISTICS[trigger["statistic"]]) for slot in sorted(slots)]
    return {
        "Average": sum(values) / len(values),
        "Minimum": min(values),
        "Maximum": max(values),
        "Total": sum(values),
        "Count": float(len(values)),
        "Last": values[-1],
    }[trigger["timeAggregation"]]
