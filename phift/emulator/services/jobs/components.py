"""The component that a node names: of the workspace, or of the registry."""

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
    r"azureml://registries/(?P<registry>[^/]+)/components/(?P<name>[^/]+)/(?:versions/(?P<version>[^/]+)|labels/(?:latest|default))",
    re.IGNORECASE,
)
_OF_WORKSPACE = re.compile(r".*/components/(?P<name>[^/]+)/versions/(?P<version>[^/]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Component:
    """A component. spec: as the service keeps it, with its scalars as text. registered: it is of the registry."""

    name: str
    version: str
    spec: Mapping[str, Any]
    interface: ComponentInterface
    registered: bool

    @property
    def type(self) -> str:
        """Such as command or pipeline."""
        return str(self.spec.get("type") or "")


def find_component(context: Context, identifier: str) -> Component | None:
    """The component of an id; None for what is not the id of a component. Raises ServiceError 404 for a missing one."""
    if found := _OF_REGISTRY.fullmatch(identifier):
        name, version = found["name"], found["version"] or ""
        if registry := context.cloud.registry(found["registry"]):
            return _of_created(context, registry, identifier, name, version)
        published = versions("components", name) if found["registry"].lower() == REGISTRY else ()
        document = next((each for each in reversed(published) if version in ("", each["name"])), None)
        if document is None:
            raise _missing(identifier, name, version or "latest")
        return _component(name.lower(), document, registered=True)
    if found := _OF_WORKSPACE.fullmatch(identifier):
        document = context.store.get("components/versions", found["name"], found["version"])
        if document is None:
            raise _missing(identifier, found["name"], found["version"])
        return _component(found["name"], document, registered=False)
    return None


def _of_created(context: Context, registry: Context, identifier: str, name: str, version: str) -> Component:
    """The component of a registry that was created in the home, which must be in the workspace's region."""
    check_region(context, registry, identifier)
    version = version or labelled_version(registry.store, "components", name, "latest") or ""
    document = registry.store.get("components/versions", name, version)
    if document is None:
        raise _missing(identifier, name, version or "latest")
    return _component(name, document, registered=False)


def _component(name: str, document: Mapping[str, Any], *, registered: bool) -> Component:
    spec = document["properties"]["componentSpec"]
    try:
        interface = ComponentInterface.from_spec(spec)
    except (AttributeError, TypeError, ValueError) as error:
        raise ServiceError(400, "UserError", f"The spec of component {name} cannot be read: {error}.") from error
    return Component(name, str(document["name"]), spec, interface, registered)


def _missing(identifier: str, name: str, version: str) -> ServiceError:
    """As recorded 2022-11: the code is NotFound, and the message names the key that was asked for."""
    text = f"key: {identifier}, Message: Not found component {name} (version: {version})."
    return ServiceError(404, "NotFound", text)
