"""Components of registries: the code and the environment that they name in a workspace are brought over with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from phift.emulator.services.assets.base import AssetKind, store_version
from phift.emulator.services.assets.codes import CODES
from phift.emulator.services.assets.components import COMPONENTS
from phift.emulator.services.assets.environments import ENVIRONMENTS
from phift.emulator.services.emulator import Call, Emulator
from phift.emulator.services.registry.uploads import content_brought_over

__all__ = ["REGISTRY_COMPONENTS", "self_contained"]

_NAMED: Mapping[str, AssetKind] = {"code": CODES, "environment": ENVIRONMENTS}
_OF_WORKSPACE = re.compile(
    r"(?:azureml:)?/subscriptions/(?P<sub>[^/]+)/resourceGroups/(?P<rg>[^/]+)/providers/"
    r"Microsoft\.MachineLearningServices/workspaces/(?P<ws>[^/]+)/[^/]+/(?P<name>[^/]+)/versions/(?P<version>[^/]+)",
    re.IGNORECASE,
)


def self_contained(registry: Emulator, spec: Mapping[str, Any]) -> dict[str, Any]:
    """A componentSpec whose code and environment are in the registry, or published (assumed: registry_documents).

    Raises ServiceError 404 for those of a workspace that are not there.
    """
    return {
        **spec,
        **{
            key: _brought_over(registry, kind, found)
            for key, kind in _NAMED.items()
            if (found := _OF_WORKSPACE.fullmatch(str(spec.get(key) or "")))
        },
    }


def _brought_over(registry: Emulator, kind: AssetKind, found: re.Match[str]) -> str:
    """The id in the registry of an asset of a workspace, under the same name and version."""
    name, version = found["name"], found["version"]
    identifier = registry.workspace.asset_id(kind.segment, name, version)
    if registry.store.get(kind.versions, name, version):
        return identifier
    source = registry.cloud.workspace(found["sub"], found["rg"], found["ws"])
    document = source.store.get(kind.versions, name, version) if isinstance(source, Emulator) else None
    if not isinstance(source, Emulator) or document is None:
        raise kind.missing(kind, name, version)
    properties = content_brought_over(registry, source, document["properties"])
    store_version(registry, kind, name, version, properties)
    return identifier


def _sent(call: Call, sent: Mapping[str, Any]) -> dict[str, Any]:
    spec = sent.get("componentSpec")
    return {**sent, "componentSpec": self_contained(call.emulator, spec)} if isinstance(spec, dict) else dict(sent)


REGISTRY_COMPONENTS = replace(
    COMPONENTS,
    create=lambda call, name, version, sent: COMPONENTS.create(call, name, version, _sent(call, sent)),
    update=lambda call, existing, sent: COMPONENTS.update(call, existing, _sent(call, sent)),
)
"""As those of workspaces, but self-contained."""
