"""The fields of a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.kinds.deployment.data_collector import observed_collector
from phift.kinds.shared.fields import TAGS, Field, Group, milliseconds
from phift.kinds.shared.online import users_properties
from phift.kinds.shared.wire import seconds_of

__all__ = ["ADDED", "TABLE"]


def _request_settings(values: Mapping[str, Any]) -> Any:
    from azure.ai.ml.entities import OnlineRequestSettings

    return OnlineRequestSettings(**values)


def _probe_settings(values: Mapping[str, Any]) -> Any:
    from azure.ai.ml.entities import ProbeSettings

    return ProbeSettings(**values)


_PROBE = (
    Field("initial_delay", "initialDelay", seconds_of),
    Field("period", "period", seconds_of),
    Field("timeout", "timeout", seconds_of),
    Field("success_threshold", "successThreshold"),
    Field("failure_threshold", "failureThreshold"),
)
_REQUESTS = (
    Field("request_timeout_ms", "requestTimeout", milliseconds),
    Field("max_concurrent_requests_per_instance", "maxConcurrentRequestsPerInstance"),
    Field("max_queue_wait_ms", "maxQueueWait", milliseconds),
)


def _access(value: Any) -> str:
    return str(value or "enabled").lower()


TABLE = (
    Field("instance_type", "properties.instanceType"),
    Field("instance_count", "sku.capacity", build=None),
    Group("request_settings", "properties.requestSettings", _REQUESTS, _request_settings),
    Group("liveness_probe", "properties.livenessProbe", _PROBE, _probe_settings),
    Group("readiness_probe", "properties.readinessProbe", _PROBE, _probe_settings),
    Field("environment_variables", "properties.environmentVariables", lambda value: value or {}, build=None),
    Field("app_insights_enabled", "properties.appInsightsEnabled", bool),
    Field("egress_public_network_access", "properties.egressPublicNetworkAccess", _access),
    Field("data_collector", "properties.dataCollector", observed_collector, build=None),
    Field("properties", "properties.properties", users_properties, build=None),
    Field("description", "properties.description"),
    TAGS,
)

ADDED = frozenset({"data_collector", "properties"})
"""See phift.state.live.Live.added."""
