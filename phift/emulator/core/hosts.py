"""The parts of Azure that are emulated, by host name."""

from __future__ import annotations

from enum import Enum

__all__ = ["Host", "host_kind"]


class Host(Enum):
    """The parts of Azure that are emulated, distinguished by host name."""

    ARM = "arm"
    LOGIN = "login"
    IMDS = "imds"
    BLOB = "blob"
    DATA_PLANE = "data_plane"
    INFERENCE = "inference"
    PRICES = "prices"
    TELEMETRY = "telemetry"
    ADMIN = "admin"


_EXACT = {
    "management.azure.com": Host.ARM,
    "login.microsoftonline.com": Host.LOGIN,
    "login.microsoft.com": Host.LOGIN,
    "login.windows.net": Host.LOGIN,
    "sts.windows.net": Host.LOGIN,
    "169.254.169.254": Host.IMDS,
    "ml.azure.com": Host.DATA_PLANE,
    "prices.azure.com": Host.PRICES,
    "settings.sdk.monitor.azure.com": Host.TELEMETRY,
    "dc.services.visualstudio.com": Host.TELEMETRY,
    "127.0.0.1": Host.ADMIN,
    "localhost": Host.ADMIN,
}
_SUFFIX = (
    (".blob.core.windows.net", Host.BLOB),
    (".api.azureml.ms", Host.DATA_PLANE),
    (".experiments.azureml.net", Host.DATA_PLANE),
    (".modelmanagement.azureml.net", Host.DATA_PLANE),
    (".aether.ms", Host.DATA_PLANE),
    (".inference.ml.azure.com", Host.INFERENCE),
    (".in.applicationinsights.azure.com", Host.TELEMETRY),
    (".livediagnostics.monitor.azure.com", Host.TELEMETRY),
    (".services.visualstudio.com", Host.TELEMETRY),
)


def host_kind(hostname: str) -> Host | None:
    """The part of Azure that a host name (without port) stands for; None for hosts that are not ours to answer."""
    name = hostname.lower().rstrip(".")
    if found := _EXACT.get(name):
        return found
    return next((kind for suffix, kind in _SUFFIX if name.endswith(suffix)), None)
