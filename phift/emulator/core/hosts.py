"""The parts of Azure that are emulated, by host name."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Host", "host_kind", "hostname_of"]


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


def hostname_of(scope: Mapping[str, Any]) -> str:
    """The host that an ASGI request names in its Host header, lower-cased and without its port; without one, where it
    arrived."""
    for name, value in scope["headers"]:
        if name == b"host":
            return _hostname(value)
    server = scope.get("server")
    return str(server[0]).lower() if server else ""


@lru_cache(maxsize=256)
def _hostname(host: bytes) -> str:
    return (urlsplit(f"//{host.decode('latin-1')}").hostname or "").lower()
