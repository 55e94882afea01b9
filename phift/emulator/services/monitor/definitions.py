"""The metrics of online endpoints and deployments, as Azure Monitor documents them (2026-07)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from phift.emulator.services.monitor.cells import Minute, RequestKey, Requests, Sample

__all__ = ["AGGREGATIONS", "DEPLOYMENTS", "ENDPOINTS", "GRAINS", "Metric", "Scope", "Values"]

AGGREGATIONS = ("None", "Average", "Minimum", "Maximum", "Total", "Count")
GRAINS: Mapping[str, int] = MappingProxyType(
    {
        "PT1M": 60,
        "PT5M": 300,
        "PT15M": 900,
        "PT30M": 1800,
        "PT1H": 3600,
        "PT6H": 21600,
        "PT12H": 43200,
        "P1D": 86400,
    }
)
"""The intervals that a query may ask for, in seconds."""

Values = Mapping[tuple[str, ...], Sample]
"""A minute's values by the values of the metric's dimensions, in their order."""

Group = Callable[[tuple[str, ...]], tuple[str, ...] | None]
"""From the values of all dimensions to those that a query splits by; None leaves the values out."""

Read = Callable[[Minute, str, Group], Values]
"""The values of a metric in a minute: of one deployment, lower-cased, or "" for all; grouped."""

Key = Callable[[RequestKey], tuple[str, ...]]


@dataclass(frozen=True)
class Metric:
    """One metric. unit: as Azure Monitor names it. dimensions: in the order in which `read` has their values."""

    name: str
    label: str
    unit: str
    description: str
    category: str
    dimensions: tuple[str, ...]
    read: Read


@dataclass(frozen=True)
class Scope:
    """A type of resource. type: as errors write it. metrics: by lower-cased name, in documented order."""

    type: str
    metrics: Mapping[str, Metric]

    @property
    def namespace(self) -> str:
        return f"Microsoft.MachineLearningServices/{self.type}"


def _grouped(
    minute: Minute, deployment: str, group: Group, key: Callable[[RequestKey], tuple[str, ...]]
) -> dict[tuple[str, ...], Requests]:
    found: dict[tuple[str, ...], Requests] = {}
    for each, requests in minute.requests.items():
        if deployment and each.deployment.casefold() != deployment:
            continue
        if (at := group(key(each))) is not None:
            found.setdefault(at, Requests()).merge(requests)
    return found


def _requests(key: Key) -> Read:
    def read(minute: Minute, deployment: str, group: Group) -> Values:
        return {at: Sample.of(each.count) for at, each in _grouped(minute, deployment, group, key).items()}

    return read


def _latency(key: Key) -> Read:
    def read(minute: Minute, deployment: str, group: Group) -> Values:
        return {at: each.latency() for at, each in _grouped(minute, deployment, group, key).items()}

    return read


def _percentile(percent: int, key: Key) -> Read:
    def read(minute: Minute, deployment: str, group: Group) -> Values:
        found = _grouped(minute, deployment, group, key)
        return {at: Sample.of(each.percentile(percent)) for at, each in found.items()}

    return read


def _gauge(metric: str, *, adds: bool = False) -> Read:
    """adds: values of several combinations of dimensions add up, as instances do; else they are averaged."""

    def read(minute: Minute, deployment: str, group: Group) -> Values:
        found: dict[tuple[str, ...], Sample] = {}
        for each, sample in minute.gauges.items():
            if each.metric != metric or each.deployment != deployment or (at := group(each.dimensions)) is None:
                continue
            old = found.get(at)
            if old is None:
                found[at] = sample
            else:
                found[at] = Sample.of(old.average + sample.average) if adds else old.plus(sample)
        return found

    return read


def _per_second(count: Callable[[Minute], int]) -> Read:
    def read(minute: Minute, deployment: str, group: Group) -> Values:
        at, found = group(()), count(minute)
        return {at: Sample.of(found / 60)} if at is not None and found else {}

    return read


def _nothing(minute: Minute, deployment: str, group: Group) -> Values:
    """Of what this machine does not have, or does not do."""
    return {}


def _by_deployment(key: RequestKey) -> tuple[str, ...]:
    return (key.deployment,)


def _by_all(key: RequestKey) -> tuple[str, ...]:
    return key.deployment, key.status, f"{key.status[:1]}xx", key.model_status


def _by_status(key: RequestKey) -> tuple[str, ...]:
    return (key.status,)


def _by_nothing(key: RequestKey) -> tuple[str, ...]:
    return ()


def _scope(kind: str, *metrics: Metric) -> Scope:
    return Scope(kind, MappingProxyType({each.name.lower(): each for each in metrics}))


def _latencies(dimensions: tuple[str, ...], key: Key) -> list[Metric]:
    return [
        Metric(
            f"RequestLatency_P{percent}",
            f"Request Latency P{percent}",
            "MilliSeconds",
            f"The P{percent} request latency aggregated by all request latency values collected over the selected "
            "time period",
            "Traffic",
            dimensions,
            _percentile(percent, key),
        )
        for percent in (50, 90, 95, 99)
    ]


ENDPOINTS = _scope(
    "workspaces/onlineEndpoints",
    Metric(
        "RequestsPerMinute",
        "Requests Per Minute",
        "Count",
        "The number of requests sent to online endpoint within a minute",
        "Traffic",
        ("deployment", "statusCode", "statusCodeClass", "modelStatusCode"),
        _requests(_by_all),
    ),
    Metric(
        "RequestLatency",
        "Request Latency",
        "MilliSeconds",
        "The complete interval of time taken for a request to be responded in milliseconds",
        "Traffic",
        ("deployment",),
        _latency(_by_deployment),
    ),
    *_latencies(("deployment",), _by_deployment),
    Metric(
        "ConnectionsActive",
        "Connections Active",
        "Count",
        "The total number of concurrent TCP connections active from clients.",
        "Traffic",
        (),
        _gauge("ConnectionsActive"),
    ),
    Metric(
        "NewConnectionsPerSecond",
        "New Connections Per Second",
        "CountPerSecond",
        "The average number of new TCP connections per second established from clients.",
        "Traffic",
        (),
        _per_second(lambda minute: minute.connections),
    ),
    Metric(
        "NetworkBytes",
        "Network Bytes",
        "BytesPerSecond",
        "The bytes per second served for the endpoint.",
        "Traffic",
        (),
        _per_second(lambda minute: minute.received + minute.sent),
    ),
    Metric(
        "DataCollectionErrorsPerMinute",
        "Data Collection Errors Per Minute",
        "Count",
        "The number of data collection events dropped per minute.",
        "Traffic",
        ("deployment", "reason", "type"),
        _nothing,
    ),
    Metric(
        "DataCollectionEventsPerMinute",
        "Data Collection Events Per Minute",
        "Count",
        "The number of data collection events processed per minute.",
        "Traffic",
        ("deployment", "type"),
        _nothing,
    ),
)
"""Of an endpoint."""

_INSTANCE = ("instanceId",)


def _resource(name: str, label: str, unit: str, description: str, read: Read) -> Metric:
    return Metric(name, label, unit, description, "Resource", _INSTANCE, read)


DEPLOYMENTS = _scope(
    "workspaces/onlineEndpoints/deployments",
    _resource(
        "CpuUtilizationPercentage",
        "CPU Utilization Percentage",
        "Percent",
        "Percentage of CPU utilization on an instance.",
        _gauge("CpuUtilizationPercentage"),
    ),
    _resource(
        "CpuMemoryUtilizationPercentage",
        "CPU Memory Utilization Percentage",
        "Percent",
        "Percentage of memory utilization on an instance.",
        _gauge("CpuMemoryUtilizationPercentage"),
    ),
    _resource(
        "DiskUtilization",
        "Disk Utilization",
        "Percent",
        "Percentage of disk utilization on an instance.",
        _gauge("DiskUtilization"),
    ),
    _resource(
        "GpuUtilizationPercentage",
        "GPU Utilization Percentage",
        "Percent",
        "Percentage of GPU utilization on an instance.",
        _nothing,
    ),
    _resource(
        "GpuMemoryUtilizationPercentage",
        "GPU Memory Utilization Percentage",
        "Percent",
        "Percentage of GPU memory utilization on an instance.",
        _nothing,
    ),
    _resource(
        "GpuEnergyJoules",
        "GPU Energy in Joules",
        "Count",
        "Interval energy in Joules on a GPU node.",
        _nothing,
    ),
    Metric(
        "DeploymentCapacity",
        "Deployment Capacity",
        "Count",
        "The number of instances in the deployment.",
        "Resource",
        ("instanceId", "State"),
        _gauge("DeploymentCapacity", adds=True),
    ),
    *_latencies((), _by_nothing),
    Metric(
        "RequestsPerMinute",
        "Requests Per Minute",
        "Count",
        "The number of requests sent to online deployment within a minute",
        "Traffic",
        ("envoy_response_code",),
        _requests(_by_status),
    ),
)
"""Of a deployment."""
