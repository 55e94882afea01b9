"""Documents of metrics: what a query answers, and the definitions and namespaces of a resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from phift.emulator.services.monitor.cells import Sample
from phift.emulator.services.monitor.definitions import AGGREGATIONS, GRAINS, Metric, Scope
from phift.emulator.services.monitor.query import aggregated
from phift.emulator.services.monitor.timespans import written

__all__ = ["definition", "metric_document", "namespace", "timeseries"]

_RETENTION = "P93D"


def timeseries(
    dimensions: Mapping[str, str], points: Sequence[tuple[int, Sample | None]] | None, aggregations: Sequence[str]
) -> dict[str, Any]:
    """One series. dimensions: values by name, as Azure Monitor has them lower-cased in answers. points: None for the
    metadata alone."""
    names = [{"name": {"value": name, "localizedValue": name}, "value": value} for name, value in dimensions.items()]
    series: dict[str, Any] = {"metadatavalues": names}
    if points is not None:
        series["data"] = [
            {"timeStamp": written(at)}
            | ({} if sample is None else {each: aggregated(sample, each) for each in aggregations})
            for at, sample in points
        ]
    return series


def metric_document(resource: str, metric: Metric, series: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer for one metric of a resource."""
    return {
        "id": f"{resource}/providers/Microsoft.Insights/metrics/{metric.name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": metric.name, "localizedValue": metric.label},
        "displayDescription": metric.description,
        "unit": metric.unit,
        "timeseries": series,
        "errorCode": "Success",
    }


def definition(resource: str, scope: Scope, metric: Metric) -> dict[str, Any]:
    """The definition of a metric."""
    document: dict[str, Any] = {
        "id": f"{resource}/providers/microsoft.insights/metricdefinitions/{metric.name}",
        "resourceId": resource,
        "namespace": scope.namespace,
        "category": metric.category,
        "name": {"value": metric.name, "localizedValue": metric.label},
        "displayDescription": metric.description,
        "isDimensionRequired": False,
        "unit": metric.unit,
        "primaryAggregationType": "Average",
        "supportedAggregationTypes": list(AGGREGATIONS),
        "metricAvailabilities": [{"timeGrain": grain, "retention": _RETENTION} for grain in GRAINS],
    }
    if metric.dimensions:
        document["dimensions"] = [{"value": name, "localizedValue": name} for name in metric.dimensions]
    return document


def namespace(resource: str, scope: Scope) -> dict[str, Any]:
    """The one namespace of a resource."""
    name = scope.namespace.replace("/", "-")
    return {
        "id": f"{resource}/providers/microsoft.insights/metricNamespaces/{name}",
        "type": "Microsoft.Insights/metricNamespaces",
        "name": name,
        "classification": "Platform",
        "properties": {"metricNamespaceName": scope.namespace},
    }
