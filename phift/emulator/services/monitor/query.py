"""Queries of metrics: from the recorded minutes to points of time series (assumed: metric_values)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from phift.emulator.services.monitor.cells import Minute, Sample
from phift.emulator.services.monitor.definitions import Metric
from phift.emulator.services.monitor.filters import EVERYTHING, Filter

__all__ = ["Series", "aggregated", "ordered", "points", "series_of"]


@dataclass
class Series:
    """The values of one combination of dimensions. dimensions: values by lower-cased name. samples: by minute."""

    dimensions: Mapping[str, str]
    samples: dict[int, Sample] = field(default_factory=dict)


def series_of(
    metric: Metric, minutes: Iterable[tuple[int, Minute]], deployment: str, chosen: Filter = EVERYTHING
) -> list[Series]:
    """The series of a metric: one, or one for each combination of the dimensions that the filter names. Without a
    value there is none. deployment: the one that the metric is of; "" for an endpoint."""
    names = [name.lower() for name in metric.dimensions]
    split = [name for name in chosen.names if name in names]

    def group(values: tuple[str, ...]) -> tuple[str, ...] | None:
        known = dict(zip(names, values, strict=False))
        if not chosen.test({**dict.fromkeys((*names, *chosen.names), ""), **known}):
            return None
        return tuple(known.get(name, "") for name in split)

    found: dict[tuple[str, ...], Series] = {}
    for at, minute in minutes:
        for values, sample in metric.read(minute, deployment.casefold(), group).items():
            if values not in found:
                found[values] = Series(dict(zip(split, values, strict=True)))
            found[values].samples[at] = sample
    return list(found.values())


def points(series: Series, start: float, end: float, grain: int) -> list[tuple[int, Sample | None]]:
    """Time and value of each interval of `grain` seconds in [start, end); None where nothing was measured."""
    first = int(start // grain) * grain
    found: dict[int, Sample] = {}
    for at, sample in series.samples.items():
        slot = at // grain * grain
        found[slot] = found[slot].plus(sample) if slot in found else sample
    return [(at, found.get(at)) for at in range(first, int(end) if end == int(end) else int(end) + 1, grain)]


def aggregated(sample: Sample, aggregation: str) -> float:
    """One number of a sample. aggregation: a lower-cased one of AGGREGATIONS."""
    return {
        "none": sample.average,
        "average": sample.average,
        "minimum": sample.least,
        "maximum": sample.most,
        "total": sample.total,
        "count": sample.count,
    }[aggregation]


def ordered(series: Sequence[Series], orderby: str, most: int) -> list[Series]:
    """The first `most` series by an aggregation over the whole time, such as `maximum desc`; by the average where
    `orderby` names none."""
    name, _, direction = orderby.strip().lower().partition(" ")
    key = {"sum": "total", "minimum": "minimum", "maximum": "maximum", "count": "count"}.get(name, "average")

    def value(each: Series) -> float:
        samples = iter(each.samples.values())
        whole = next(samples)
        for sample in samples:
            whole = whole.plus(sample)
        return aggregated(whole, key)

    return sorted(series, key=value, reverse=direction.strip() != "asc")[:most]
