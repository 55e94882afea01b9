"""Ids of assets as documents of the workspace contain them, parsed to references."""

from __future__ import annotations

import re

from phift.lazy import lazy_pattern
from phift.spec import AssetRef

__all__ = ["asset_of"]

_ARM = lazy_pattern(
    r"(?:azureml:)?(?P<parent>/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.machinelearningservices/"
    r"(?P<place>workspaces|registries)/(?P<host>[^/]+))/(?P<kind>[a-z]+)/(?P<name>[^/]+)/versions/(?P<version>[^/]+)",
    re.IGNORECASE,
)


def asset_of(id: object, workspace: str) -> AssetRef | None:
    """Return the version that an id names: an ARM id, an id in a registry, or `azureml:NAME:VERSION`.

    workspace: ARM id of the workspace. None for an asset of another workspace, and for other text.
    """
    text = str(id or "")
    if match := _ARM.fullmatch(text):
        registry = match["host"] if match["place"].lower() == "registries" else None
        if registry is None and match["parent"].lower() != workspace.lower():
            return None
        return AssetRef(registry, match["name"], match["version"], None, match["kind"].lower())
    try:
        found = AssetRef.parse(text)
    except ValueError:
        return None
    return None if found.floats else found
