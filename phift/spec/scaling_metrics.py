"""The metrics that an autoscale rule can compare, as Azure Monitor documents them (2026-07)."""

from __future__ import annotations

__all__ = ["BY_DEPLOYMENT", "ENDPOINT", "GPU", "METRICS"]

DEPLOYMENT = (
    "CpuUtilizationPercentage",
    "CpuMemoryUtilizationPercentage",
    "DiskUtilization",
    "GpuUtilizationPercentage",
    "GpuMemoryUtilizationPercentage",
    "GpuEnergyJoules",
)
"""Measured at the deployment, for each instance."""

BY_DEPLOYMENT = (
    "RequestsPerMinute",
    "RequestLatency",
    "RequestLatency_P50",
    "RequestLatency_P90",
    "RequestLatency_P95",
    "RequestLatency_P99",
)
"""Measured at the endpoint, and filtered by deployment: a deployment scales on its own requests only."""

ENDPOINT = (*BY_DEPLOYMENT, "ConnectionsActive", "NewConnectionsPerSecond", "NetworkBytes")
"""Measured at the endpoint."""

METRICS = (*DEPLOYMENT, *ENDPOINT)

GPU = ("GpuUtilizationPercentage", "GpuMemoryUtilizationPercentage", "GpuEnergyJoules")
"""Without values on a VM size without GPUs."""
