"""Autoscale settings in the store: their records and ids, and what they point to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from phift.emulator.core.context import Cloud
from phift.emulator.services.emulator import Emulator, emulators

__all__ = ["SETTING", "Resource", "resource_of", "setting_id"]

SETTING = "autoscaleSetting"
"""Records of the home's store, by resource group and name: document; group; last, the last change of instances by a
rule (at, from, to), or null."""

_RESOURCE = re.compile(
    r"(?P<workspace>/.*)/onlineEndpoints/(?P<endpoint>[^/]+)(?:/deployments/(?P<deployment>[^/]+))?", re.IGNORECASE
)


@dataclass(frozen=True)
class Resource:
    """An endpoint, or a deployment of it. emulator: of its workspace. deployment: "" for the endpoint."""

    emulator: Emulator
    endpoint: str
    deployment: str

    def same(self, other: Resource | None) -> bool:
        """Names compare case-insensitively."""
        if other is None or other.emulator is not self.emulator:
            return False
        own, theirs = ((each.endpoint.casefold(), each.deployment.casefold()) for each in (self, other))
        return own == theirs


def setting_id(subscription: str, group: str, name: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/microsoft.insights/autoscalesettings/{name}"


def resource_of(cloud: Cloud, uri: str) -> Resource | None:
    """The endpoint or deployment that an id names, in a workspace that exists; None for any other id. It need not be
    there itself."""
    found = _RESOURCE.fullmatch(uri.rstrip("/"))
    if found is None:
        return None
    for emulator in emulators(cloud):
        if emulator.workspace.arm_id.casefold() == found["workspace"].casefold():
            return Resource(emulator, found["endpoint"], found["deployment"] or "")
    return None
