"""What one minute of an endpoint's metrics is made of: counted requests, a distribution of latencies, gauges.

A minute is a document of the store and a value in memory: `stored` and `restored` lead from one to the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["GaugeKey", "Minute", "RequestKey", "Requests", "Sample"]

_STEP = math.log(1.05)
"""The width of a latency's bucket: percentiles are exact to 2.5 %."""
_FASTEST_MS = 0.01


class RequestKey(NamedTuple):
    """What distinguishes requests. deployment: "" where none was chosen. model_status: of the container, "" where
    it did not answer."""

    deployment: str
    status: str
    model_status: str


class GaugeKey(NamedTuple):
    """What distinguishes measured values. deployment: "" for values of the endpoint. dimensions: values of the
    metric's own dimensions, in its order."""

    metric: str
    deployment: str
    dimensions: tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """Values of one minute, aggregated."""

    count: float
    total: float
    least: float
    most: float

    @classmethod
    def of(cls, value: float) -> Sample:
        """A single value."""
        return cls(1, value, value, value)

    def plus(self, other: Sample) -> Sample:
        """The values of both."""
        return Sample(
            self.count + other.count,
            self.total + other.total,
            min(self.least, other.least),
            max(self.most, other.most),
        )

    @property
    def average(self) -> float:
        return self.total / self.count


@dataclass
class Requests:
    """The requests of one key in one minute. buckets: how many took how long, by logarithmic bucket."""

    count: int = 0
    total: float = 0.0
    least: float = math.inf
    most: float = 0.0
    buckets: dict[int, int] = field(default_factory=dict)

    def add(self, milliseconds: float) -> None:
        self.count += 1
        self.total += milliseconds
        self.least = min(self.least, milliseconds)
        self.most = max(self.most, milliseconds)
        bucket = math.floor(math.log(max(milliseconds, _FASTEST_MS)) / _STEP)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1

    def merge(self, other: Requests) -> None:
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count

    def latency(self) -> Sample:
        """Milliseconds of all requests."""
        return Sample(self.count, self.total, self.least, self.most)

    def percentile(self, percent: float) -> float:
        """The milliseconds that `percent` of the requests did not exceed. There must be a request."""
        wanted, seen = math.ceil(self.count * percent / 100), 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= wanted:
                middle = math.exp((bucket + 0.5) * _STEP)
                return min(max(middle, self.least), self.most)
        return self.most


@dataclass
class Minute:
    """One minute of an endpoint. received, sent: bytes of request and response bodies."""

    requests: dict[RequestKey, Requests] = field(default_factory=dict)
    gauges: dict[GaugeKey, Sample] = field(default_factory=dict)
    received: int = 0
    sent: int = 0
    connections: int = 0
    """Connections that were new in this minute."""

    def add_gauge(self, key: GaugeKey, value: float) -> None:
        old, new = self.gauges.get(key), Sample.of(value)
        self.gauges[key] = new if old is None else old.plus(new)

    def stored(self) -> dict[str, Any]:
        """The minute as JSON."""
        return {
            "requests": [
                [*key, r.count, r.total, r.least, r.most, list(r.buckets.items())] for key, r in self.requests.items()
            ],
            "gauges": [
                [key.metric, key.deployment, list(key.dimensions), s.count, s.total, s.least, s.most]
                for key, s in self.gauges.items()
            ],
            "bytes": [self.received, self.sent],
            "connections": self.connections,
        }

    @classmethod
    def restored(cls, document: Mapping[str, Any]) -> Minute:
        """What `stored` gave."""
        minute = cls(
            received=document["bytes"][0], sent=document["bytes"][1], connections=document.get("connections", 0)
        )
        for deployment, status, model_status, count, total, least, most, buckets in document["requests"]:
            found = Requests(count, total, least, most, dict(buckets))
            minute.requests[RequestKey(deployment, status, model_status)] = found
        for metric, deployment, dimensions, *numbers in document["gauges"]:
            minute.gauges[GaugeKey(metric, deployment, tuple(dimensions))] = Sample(*numbers)
        return minute
