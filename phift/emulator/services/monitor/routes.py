"""Metrics of online endpoints and deployments: queries, definitions, namespaces."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from phift.emulator.core.assumed import holds
from phift.emulator.core.documents import reply
from phift.emulator.core.errors import GatewayError, not_supported
from phift.emulator.core.routing import WS, Host, Route
from phift.emulator.services.emulator import Call
from phift.emulator.services.endpoints.state import DEPLOYMENT, ENDPOINT
from phift.emulator.services.monitor.cells import Minute
from phift.emulator.services.monitor.definitions import AGGREGATIONS, DEPLOYMENTS, ENDPOINTS, GRAINS, Metric, Scope
from phift.emulator.services.monitor.documents import definition, metric_document, namespace, timeseries
from phift.emulator.services.monitor.errors import QueryError, answered
from phift.emulator.services.monitor.filters import Filter, parse_filter
from phift.emulator.services.monitor.query import Series, ordered, points, series_of
from phift.emulator.services.monitor.timespans import timespan, written

__all__ = ["ROUTES"]

_MOST_METRICS = 20
_MOST_POINTS = 20_000
_SERIES = 10  # where $top does not say (Azure docs)
_UNSUPPORTED = ("rollupby",)


@dataclass(frozen=True)
class _Resource:
    """What metrics are asked of. deployment: "" for the endpoint itself."""

    id: str
    scope: Scope
    endpoint: str
    deployment: str


@dataclass(frozen=True)
class _Query:
    """A query as it was understood. whole: the interval is the whole timespan. chosen: the filter, for each metric."""

    metrics: list[Metric]
    start: float
    end: float
    interval: str
    grain: int
    aggregations: list[str]
    chosen: Filter


def _resource(call: Call) -> _Resource:
    """Raises ServiceError 404 for an endpoint or deployment that is not there."""
    endpoint, name = call.params["endpoint"], call.params.get("name", "")
    kind, keys = (DEPLOYMENT, (endpoint, name)) if name else (ENDPOINT, (endpoint,))
    record = call.emulator.store.get(kind, *keys)
    if record is None:
        workspace = call.emulator.workspace
        path = f"workspaces/{workspace.name}/onlineEndpoints/{endpoint}" + (f"/deployments/{name}" if name else "")
        raise GatewayError(
            404,
            "ResourceNotFound",
            f"The Resource 'Microsoft.MachineLearningServices/{path}' under resource group "
            f"'{workspace.resource_group}' was not found. For more details please go to "
            "https://aka.ms/ARMResourceNotFoundFix",
        )
    return _Resource(record["document"]["id"], DEPLOYMENTS if name else ENDPOINTS, endpoint, name)


@answered
async def _metrics(call: Call) -> Response:
    """The values of metrics over a timespan."""
    resource = _resource(call)
    query = _read(call, resource.scope)
    metadata = call.query("resultType").lower() == "metadata"
    minutes = list(call.emulator.metrics.between(resource.endpoint, query.start, query.end))
    answer: dict[str, Any] = {
        "cost": max(0, round((query.end - query.start) / 60) - 1),
        "timespan": f"{written(query.start)}/{written(query.end)}",
        "interval": query.interval,
        "value": [
            metric_document(resource.id, metric, _series(call, resource, query, metric, minutes, metadata))
            for metric in query.metrics
        ],
        "namespace": resource.scope.namespace,
        "resourceregion": call.emulator.workspace.location,
    }
    return reply(answer)


def _series(
    call: Call, resource: _Resource, query: _Query, metric: Metric, minutes: list[tuple[int, Minute]], metadata: bool
) -> list[dict[str, Any]]:
    found = series_of(metric, minutes, resource.deployment, query.chosen)
    if query.chosen.names and found:
        found = ordered(found, call.query("orderby") or "average desc", call.number("top") or _SERIES)
    if not found and not query.chosen.names and holds(call.emulator.store, "metrics_without_data_have_points"):
        found = [Series({})]
    return [
        timeseries(
            each.dimensions,
            None if metadata else points(each, query.start, query.end, query.grain),
            query.aggregations,
        )
        for each in found
    ]


def _read(call: Call, scope: Scope) -> _Query:
    """The query in a request's parameters. Raises QueryError for what Azure Monitor refuses (assumed: metric_texts)."""
    if other := [name for name in _UNSUPPORTED if call.query(name)]:
        raise not_supported(f"The parameter {other[0]} of metrics is")
    asked = call.query("metricnamespace")
    if asked and asked.casefold() != scope.namespace.casefold():
        raise QueryError(
            f"Detect invalid value: {asked} for query parameter: 'metricnamespace', the value must be: "
            f"{scope.namespace} if the query parameter is provided, you can also skip this optional query parameter."
        )
    metrics = _metrics_named(call, scope)
    try:
        start, end = timespan(call.query("timespan"), time.time())
    except ValueError as error:
        raise QueryError(f"Invalid timespan '{call.query('timespan')}': {error}.") from error
    interval = call.query("interval") or "PT1M"
    grain = round(end - start) if interval.upper() == "FULL" else GRAINS.get(interval.upper())
    if grain is None:
        names = ",".join(GRAINS)
        raise QueryError(f"Detected invalid time grain input: {interval}, supported ones are: {names}")
    if (end - start) / max(grain, 1) > _MOST_POINTS:
        raise QueryError(f"The timespan has more than {_MOST_POINTS} intervals of {interval}.")
    start = start if interval.upper() == "FULL" else start // grain * grain
    chosen = parse_filter(call.query("filter"))
    _check_dimensions(call, metrics, chosen)
    return _Query(metrics, start, end, interval, max(grain, 1), _aggregations(call), chosen)


def _metrics_named(call: Call, scope: Scope) -> list[Metric]:
    names = [name.strip() for name in call.query("metricnames").split(",") if name.strip()]
    if len(names) > _MOST_METRICS:
        raise QueryError(f"Requested metrics count: {len(names)} bigger than allowed max: {_MOST_METRICS}")
    for name in names:
        if name.lower() not in scope.metrics:
            valid = ",".join(each.name for each in scope.metrics.values())
            raise QueryError(
                "Failed to find metric configuration for provider: Microsoft.MachineLearningServices, resource Type: "
                f"{scope.type}, metric: {name}, Valid metrics: {valid}"
            )
    return [scope.metrics[name.lower()] for name in names] or [next(iter(scope.metrics.values()))]


def _check_dimensions(call: Call, metrics: list[Metric], chosen: Filter) -> None:
    for metric in metrics:
        known = {name.lower() for name in metric.dimensions}
        if set(chosen.names) - known:
            if call.query("ValidateDimensions").lower() == "false":
                continue
            raise QueryError(
                f"Metric: {metric.name} does not support requested dimension combination: {','.join(chosen.names)}, "
                f"supported ones are: {','.join(metric.dimensions)}, TraceId: {{{uuid.uuid4()}}}"
            )


def _aggregations(call: Call) -> list[str]:
    known = {name.lower() for name in AGGREGATIONS}
    names = [name.strip().lower() for name in call.query("aggregation").split(",") if name.strip()]
    for name in names:
        if name not in known:
            supported = ",".join(AGGREGATIONS)
            raise QueryError(f"Detected invalid aggregation type input: {name}, supported ones are: {supported}")
    return [name for name in dict.fromkeys(names) if name != "none"] or ["average"]


async def _definitions(call: Call) -> Response:
    resource = _resource(call)
    return reply({"value": [definition(resource.id, resource.scope, each) for each in resource.scope.metrics.values()]})


async def _namespaces(call: Call) -> Response:
    resource = _resource(call)
    return reply({"value": [namespace(resource.id, resource.scope)]})


_INSIGHTS = "/providers/Microsoft.Insights"
_ENDPOINT = WS + "/onlineEndpoints/{endpoint}"

ROUTES = tuple(
    Route(Host.ARM, "GET", f"{resource}{_INSIGHTS}/{name}", handler)
    for resource in (_ENDPOINT, _ENDPOINT + "/deployments/{name}")
    for name, handler in (
        ("metrics", _metrics),
        ("metricDefinitions", _definitions),
        ("metricNamespaces", _namespaces),
    )
)
