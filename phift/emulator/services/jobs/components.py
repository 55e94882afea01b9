"""The component that a node names: of the workspace, of a registry created in the home, or of a published one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phift.catalog import ComponentInterface
from phift.emulator.core.context import Context
from phift.emulator.core.errors import ServiceError
from phift.emulator.services.assets.labels import labelled_version
from phift.emulator.services.assets.locations import check_region
from phift.emulator.services.registry.publish import REGISTRY, versions

__all__ = ["Component", "find_component"]

_OF_REGISTRY = re.compile(
    r"azureml://registries/(?P<registry>[^/]+)/components/(?P<name>[^/]+)/"
    r"(?:versions/(?P<version>[^/]+)|labels/(?P<label>[^/]+))",
    re.IGNORECASE,
)
_OF_WORKSPACE = re.compile(
    r".*/components/(?P<name>[^/]+)/(?:versions/(?P<version>[^/]+)|labels/(?P<label>[^/]+))", re.IGNORECASE
)


@dataclass(frozen=True)
class Component:
    """A component. spec: as the service keeps it, with its scalars as text. published: it is of a registry of Azure."""

    name: str
    version: str
    spec: Mapping[str, Any]
    interface: ComponentInterface
    published: bool

    @property
    def type(self) -> str:
        """Such as command or pipeline."""
        return str(self.spec.get("type") or "")


def find_component(context: Context, identifier: str) -> Component | None:
    """The component of an id; None for what is not the id of a component. Raises ServiceError 404 for a missing one."""
    if found := _OF_REGISTRY.fullmatch(identifier):
        registry = context.cloud.registry(found["registry"])
        if registry is None:
            return _published(identifier, found["registry"], found["name"], found["version"] or "")
        check_region(context, registry, identifier)
        return _stored(registry, identifier, found)
    if found := _OF_WORKSPACE.fullmatch(identifier):
        return _stored(context, identifier, found)
    return None


def _published(identifier: str, registry: str, name: str, version: str) -> Component:
    documents = versions("components", name) if registry.lower() == REGISTRY else ()
    document = next((each for each in reversed(documents) if version in ("", each["name"])), None)
    if document is None:
        raise _missing(identifier, name, version or "latest")
    return _component(name.lower(), document, published=True)


def _stored(owner: Context, identifier: str, found: re.Match[str]) -> Component:
    name, label = found["name"], found["label"] or ""
    version = found["version"] or labelled_version(owner.store, "components", name, label)
    document = owner.store.get("components/versions", name, version) if version else None
    if document is None:
        raise _missing(identifier, name, version or label)
    return _component(name, document, published=False)


def _component(name: str, document: Mapping[str, Any], *, published: bool) -> Component:
    spec = document["properties"]["componentSpec"]
    try:
        interface = ComponentInterface.from_spec(spec)
    except (AttributeError, TypeError, ValueError) as error:
        raise ServiceError(400, "UserError", f"The spec of component {name} cannot be read: {error}.") from error
    return Component(name, str(document["name"]), spec, interface, published)


def _missing(identifier: str, name: str, version: str) -> ServiceError:
    """As recorded 2022-11: the code is NotFound, and the message names the key that was asked for."""
    text = f"key: {identifier}, Message: Not found component {name} (version: {version})."
    return ServiceError(404, "NotFound", text)
