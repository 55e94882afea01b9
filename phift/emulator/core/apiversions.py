"""Which keys a document has: that follows the api-version of the request that reads it, not the resource.

The table is that of the public REST specifications from 2022 to 2025; recordings of 2022 to 2026 agree with it. Stable
versions after 2023-04-01 are read as lacking what only previews had (assumed:
stable_versions_lack_preview_keys).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from phift.emulator.core.errors import GatewayError

__all__ = ["before", "check", "shown"]

_VERSION = re.compile(r"(?P<date>20\d\d-\d\d-\d\d)(?P<preview>-preview|-privatepreview|-dataplanepreview)?", re.ASCII)
_OLDEST = "2020-01-01"


@dataclass(frozen=True)
class Span:
    """Where a key exists. preview: date of the first preview version with it, "" for none; until: of the first one
    without it again. stable: date of the first stable version with it, "" for none."""

    preview: str = ""
    until: str = "9999"
    stable: str = ""

    def covers(self, date: str, preview: bool) -> bool:
        if preview:
            return bool(self.preview) and self.preview <= date < self.until
        return bool(self.stable) and self.stable <= date


_STATE = (Span("2022-10-01", stable="2023-04-01"),)
_STAGE = (Span("2023-04-01", stable="2023-04-01"),)
_WINDOW = (Span("2023-04-01", until="2024-07-01"),)
_LATE_2022 = (Span("2022-10-01", stable="2022-10-01"),)
_PATH = (Span("2024-01-01", until="2024-07-01"),)

_KEYS: Mapping[str, Mapping[str, tuple[Span, ...]]] = {
    "models": {
        "provisioningState": _STATE,
        "stage": _STAGE,
        "autoDeleteSetting": _WINDOW,
        "intellectualProperty": _WINDOW,
    },
    "data": {"stage": _WINDOW, "autoDeleteSetting": _WINDOW, "intellectualProperty": _WINDOW},
    "environments": {
        "provisioningState": _STATE,
        "stage": _STAGE,
        "autoDeleteSetting": _WINDOW,
        "intellectualProperty": _WINDOW,
        "autoRebuild": (Span("2022-12-01", stable="2022-10-01"),),
    },
    "components": {"provisioningState": _STATE, "stage": _WINDOW, "autoDeleteSetting": _WINDOW},
    "codes": {"provisioningState": _STATE, "autoDeleteSetting": _WINDOW},
    "containers": {"provisioningState": _STATE},
    "job": {
        "parentJobName": (Span("2025-01-01"),),
        "componentId": _LATE_2022,
        "sourceJobId": _LATE_2022,
        "notificationSetting": (Span("2023-02-01", stable="2024-04-01"),),
        "secretsConfiguration": _WINDOW,
        "autologgerSettings": (Span("2022-10-01", until="2024-07-01"),),
        "queueSettings": (Span("2023-02-01", stable="2024-04-01"),),
        "componentConfiguration": (Span("2023-08-01", until="2024-07-01"),),
    },
    "job input": {"pathOnCompute": _PATH},
    "job output": {
        "assetName": (Span("2022-12-01", until="2024-07-01"), Span("2024-10-01")),
        "assetVersion": (Span("2022-12-01", until="2024-07-01"),),
        "autoDeleteSetting": _WINDOW,
        "pathOnCompute": _PATH,
    },
    "job service": {"nodes": _STATE},
    "job resources": {
        "dockerArgs": _LATE_2022,
        "shmSize": _LATE_2022,
        "locations": (Span("2023-02-01", until="2024-07-01"),),
        "maxInstanceCount": _WINDOW,
        "dockerArgsList": (Span("2025-01-01"),),
    },
    "job queue": {"priority": (Span("2023-02-01", until="2024-07-01"),)},
    "sampling": {"logbase": (Span("2022-12-01", until="2024-07-01"),)},
    "onlineEndpoint": {
        "mirrorTraffic": (Span("2022-02-01", stable="2023-04-01"),),
        "publicNetworkAccess": (Span("2022-02-01", stable="2022-10-01"),),
    },
    "onlineDeployment": {
        "privateNetworkConnection": (Span("2022-02-01", until="2022-02-02"),),
        "egressPublicNetworkAccess": (Span("2022-02-01", stable="2022-10-01"),),
        "dataCollector": (Span("2023-04-01", stable="2024-04-01"),),
    },
    "datastore": {
        "subscriptionId": (Span("2022-10-01", stable="2024-04-01"),),
        "resourceGroup": (Span("2022-10-01", stable="2024-04-01"),),
        "intellectualProperty": _WINDOW,
    },
    "compute": {"propertyBag": (Span("2022-05-01", stable="2022-05-01"),)},
}


def shown(kind: str, properties: Mapping[str, Any], api_version: str) -> dict[str, Any]:
    """The properties without the keys that this version does not have; all of them for a version of another scheme, and
    for those of registries."""
    hidden = _hidden(kind, api_version)
    return {key: value for key, value in properties.items() if key not in hidden}


@lru_cache(maxsize=512)
def _hidden(kind: str, api_version: str) -> frozenset[str]:
    """The keys of a document that a version does not have."""
    found = _VERSION.fullmatch(api_version)
    if not found or found["preview"] == "-dataplanepreview":
        return frozenset()
    date, preview = found["date"], found["preview"] is not None
    return frozenset(key for key, spans in _KEYS[kind].items() if not any(span.covers(date, preview) for span in spans))


def before(api_version: str, date: str) -> bool:
    """Whether a version is older than a date; one of another scheme is not."""
    found = _VERSION.fullmatch(api_version)
    return bool(found) and api_version < date


def check(api_version: str, *, own: bool = True) -> None:
    """Raises GatewayError 400 for a request to the resource manager without an api-version, or with one that is none.
    own: to Azure Machine Learning, whose versions do not reach as far back as those of other providers."""
    if not api_version:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise GatewayError(400, "MissingApiVersionParameter", message)
    found = _VERSION.fullmatch(api_version)
    if not found or (own and found["date"] < _OLDEST):
        message = (
            f"The api-version '{api_version}' is invalid. Versions are dates, like 2024-10-01 or 2024-01-01-preview."
        )
        raise GatewayError(400, "InvalidApiVersionParameter", message)
