"""What all versioned assets have in common: containers, versions, lists in pages, archiving."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from phift.emulator.core.apiversions import shown
from phift.emulator.core.documents import empty, reply, system_data, touched
from phift.emulator.core.errors import ServiceError, detail
from phift.emulator.core.listing import has_all, in_view, page
from phift.emulator.core.pace import listed
from phift.emulator.core.routing import WS, Host, Route
from phift.emulator.core.validation import check_asset_name, check_asset_version, strict_object, text_map
from phift.emulator.services.assets.labels import DEFAULT_VERSION, labelled_version
from phift.emulator.services.emulator import Call, Emulator

__all__ = [
    "AssetKind",
    "Assets",
    "base_properties",
    "find_version",
    "new_container",
    "next_version",
    "remove_version",
    "routes",
    "store_version",
]

_PROVIDER = "Microsoft.MachineLearningServices"

Properties = dict[str, Any]


@dataclass(frozen=True)
class AssetKind:
    """One kind of asset.

    segment: its name in paths. label: its name in messages. create: the properties of a new version, from those sent.
    update: the properties after a PUT on an existing version (it raises what the service refuses). container: the
    properties of a container that are not computed. system_fields: keys that systemData leaves out.
    update_status: what a PUT on an existing version answers, from its properties. update_moves_time: whether such a PUT
    moves lastModifiedAt. stored_version: the version that is stored, where that is not the one asked for.
    check_version: raises for versions the kind refuses. from_version: properties of the container that its first
    version decides. next_version: nextVersion of a container whose versions are not numbers, None for the next number.
    newest_first: the order of the list of containers. lists_anonymous: whether it has those of anonymous versions only,
    with latestVersion 0. tells_latest: whether containers name their latest version.
    container_system_fields: the keys of a container's systemData when it is read by its name, None for all.
    missing: the error of a name, or of a version of it, that is not there.
    published: properties by version, newest last, of a name that every workspace shows without having it.
    """

    segment: str
    label: str
    create: Callable[[Call, str, str, Properties], Properties]
    update: Callable[[Call, dict[str, Any], Properties], Properties]
    container: Mapping[str, Any] = field(default_factory=lambda: {"tags": {}, "properties": {}})
    hidden_system_fields: tuple[str, ...] = ()
    update_status: Callable[[Properties], int] = lambda properties: 200
    update_moves_time: bool = True
    from_version: tuple[str, ...] = ()
    next_version: Callable[[], str] | None = None
    newest_first: bool = False
    lists_anonymous: bool = False
    tells_latest: bool = True
    container_system_fields: tuple[str, ...] | None = None
    missing: Callable[[AssetKind, str, str | None], ServiceError] = lambda kind, name, version: _missing(
        kind, name, version
    )
    check_version: Callable[[str], None] = lambda version: None
    stored_version: Callable[[Call, str, Properties], str] = lambda call, version, sent: version
    show: Callable[[Emulator, str, dict[str, Any]], dict[str, Any]] = lambda emulator, name, document: document
    published: Callable[[str], Mapping[str, Properties]] = lambda name: {}

    @property
    def versions(self) -> str:
        """The store's kind of the version documents; `segment` is that of the containers."""
        return f"{self.segment}/versions"


def base_properties(sent: Properties) -> Properties:
    """The properties all assets begin with, in the service's order."""
    return {
        "description": sent.get("description"),
        "tags": text_map(sent.get("tags"), "tags"),
        "properties": text_map(sent.get("properties"), "properties"),
        "isArchived": bool(sent.get("isArchived", False)),
        "isAnonymous": bool(sent.get("isAnonymous", False)),
    }


def find_version(emulator: Emulator, segment: str, name: str, version: str) -> dict[str, Any] | None:
    """The document of a version of data, models, environments, components or codes; archived ones too."""
    return emulator.store.get(f"{segment}/versions", name, version)


def store_version(
    emulator: Emulator, kind: AssetKind, name: str, version: str, properties: Properties
) -> dict[str, Any]:
    """Store a new version, and its container where it is the first of its name; return its document."""
    store = emulator.store
    with store.transaction():
        container = store.get(kind.segment, name) or new_container(kind, name)
        document = _document(emulator, kind, container["name"], version, properties, _system(kind, system_data()))
        store.put(kind.versions, name, version, body=document)
        if container["latest"] is None:
            container |= {key: properties[key] for key in kind.from_version}
        container["hidden"] = container["hidden"] and properties["isAnonymous"]
        container["latest"] = version
        container["highest"] = max(container["highest"], _number(version))
        container["systemData"] = touched(container["systemData"])
        store.put(kind.segment, name, body=container)
    return document


def remove_version(emulator: Emulator, kind: AssetKind, name: str, version: str) -> bool:
    """Remove a version; the container of its name stays. Whether there was one."""
    store = emulator.store
    with store.transaction():
        gone = store.delete(kind.versions, name, version)
        if gone and (container := store.get(kind.segment, name)):
            left = [document["name"] for document in store.scan(kind.versions, name)]
            container["latest"] = left[-1] if left else None
            container["highest"] = max(map(_number, left), default=0)
            store.put(kind.segment, name, body=container)
    return gone


def _document(
    emulator: Emulator, kind: AssetKind, name: str, version: str, properties: Properties, system: dict[str, str]
) -> dict[str, Any]:
    return {
        "id": emulator.workspace.asset_id(kind.segment, name, version),
        "name": version,
        "type": _type(emulator, kind, "/versions"),
        "properties": properties,
        "systemData": system,
    }


def next_version(emulator: Emulator, kind: AssetKind, name: str) -> str:
    """The number of the next version of a name, "1" for a new one."""
    container = emulator.store.get(kind.segment, name)
    return str(container["highest"] + 1 if container else 1)


def new_container(kind: AssetKind, name: str) -> dict[str, Any]:
    """The container of a name without versions.

    hidden: has anonymous versions only, or none, so that no list shows it. highest: of the versions that are numbers.
    """
    return {
        "name": name,
        "isArchived": False,
        "hidden": True,
        "latest": None,
        "highest": 0,
        "description": None,
        "systemData": system_data(),
        **kind.container,
    }


def _type(emulator: Emulator, kind: AssetKind, below: str = "") -> str:
    """Registries leave out the provider of all but components (recorded 2022-11, 2023-03)."""
    of, segment = emulator.workspace.kind, kind.segment
    return segment if of == "registries" and segment != "components" else f"{_PROVIDER}/{of}/{segment}{below}"


def _system(kind: AssetKind, data: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in data.items() if key not in kind.hidden_system_fields}


class Assets:
    """The handlers of one kind."""

    def __init__(self, kind: AssetKind) -> None:
        self._kind = kind

    async def list_containers(self, call: Call) -> Response:
        containers = list(call.emulator.store.scan(self._kind.segment, newest_first=self._kind.newest_first))
        items = [
            self._container(call, body)
            for body in listed(call.emulator.pace, containers)
            if (self._kind.lists_anonymous or not body["hidden"]) and in_view(call, body["isArchived"])
        ]
        return page(call, items)

    async def get_container(self, call: Call) -> Response:
        if versions := self._published(call):
            newest = versions[-1]["name"]
            body = {
                **new_container(self._kind, call.params["name"]),
                "latest": newest,
                "highest": int(newest),
                "hidden": False,
            }
            return reply(self._container(call, body))
        document = self._container(call, self._stored_container(call))
        if (fields := self._kind.container_system_fields) is not None:
            document["systemData"] = {key: document["systemData"][key] for key in fields}
        return reply(document)

    async def put_container(self, call: Call) -> Response:
        """Archive or restore all of a name, or change what its container says."""
        sent = (await strict_object(call, "Container")).get("properties") or {}
        store, name = call.emulator.store, call.params["name"]
        body = store.get(self._kind.segment, name)
        status = 200 if body else 201
        body = body or new_container(self._kind, name)
        body |= {key: sent[key] for key in ("description", "tags", "isArchived") if key in sent}
        body["systemData"] = touched(body["systemData"])
        store.put(self._kind.segment, name, body=body)
        return reply(self._container(call, body), status)

    async def list_versions(self, call: Call) -> Response:
        """Newest first, unless $orderBy asks for ascending order; anonymous versions are never listed."""
        if versions := self._published(call):
            return page(call, reversed(versions))
        body = self._stored_container(call)
        ascending = call.query("orderBy").lower().endswith(" asc")
        documents = call.emulator.store.scan(self._kind.versions, body["name"], newest_first=not ascending)
        items = (
            self._shown(call, body["name"], document)
            for document in listed(call.emulator.pace, documents)
            if not document["properties"]["isAnonymous"]
            and in_view(call, document["properties"]["isArchived"] or body["isArchived"])
            and has_all(document["properties"]["tags"], call.query("tags"))
            and has_all(document["properties"]["properties"], call.query("properties"))
            and call.query("version", document["name"]) == document["name"]
            and call.query("stage") in ("", document["properties"].get("stage"))
        )
        return page(call, items)

    async def get_version(self, call: Call) -> Response:
        name, version = call.params["name"], call.params["version"]
        document = find_version(call.emulator, self._kind.segment, name, version)
        if document is None and version == DEFAULT_VERSION:
            newest = labelled_version(call.emulator.store, self._kind.segment, name, version)
            document = find_version(call.emulator, self._kind.segment, name, newest) if newest else None
            if document is not None and self._kind.segment == "components":
                # so that what is built of it follows the label, as Azure's tests of its client expect
                document = {**document, "id": re.sub(r"/versions/[^/]+$", "/labels/default", str(document["id"]))}
        if document is None:
            document = next((each for each in self._published(call) if each["name"] == version), None)
        if document is None:
            self._stored_container(call)
            raise self._kind.missing(self._kind, name, None if version == DEFAULT_VERSION else version)
        return reply(self._shown(call, name, document))

    async def put_version(self, call: Call) -> Response:
        kind, store = self._kind, call.emulator.store
        name, version = call.params["name"], call.params["version"]
        sent = (await strict_object(call, f"{self._kind.label}Version")).get("properties")
        if not isinstance(sent, dict):
            raise ServiceError(400, "RequestInvalid", "The request is invalid: 'properties' is missing.")
        location = {
            "Location": f"https://{call.hostname}{quote(call.request.scope['path'])}?api-version={call.api_version}"
        }
        version = kind.stored_version(call, version, sent)
        if existing := store.get(kind.versions, name, version):
            before = existing["properties"]
            after = kind.update(call, existing, sent)
            status = kind.update_status(after)
            existing["properties"] = after
            if kind.update_moves_time and (after != before or status == 200):
                existing["systemData"] = _system(self._kind, touched(existing["systemData"]))
            store.put(kind.versions, name, version, body=existing)
            return reply(self._shown(call, name, existing), status, location if status == 201 else None)
        check_asset_name(name)
        check_asset_version(version)
        kind.check_version(version)
        document = store_version(call.emulator, kind, name, version, kind.create(call, name, version, sent))
        return reply(self._shown(call, name, document), 201, location)

    async def delete_version(self, call: Call) -> Response:
        name, version = call.params["name"], call.params["version"]
        gone = remove_version(call.emulator, self._kind, name, version)
        return empty(200) if gone else Response(status_code=204)

    def _published(self, call: Call) -> list[dict[str, Any]]:
        """The versions of a name that the workspace shows without having it; [] once it has it."""
        name = call.params["name"]
        if call.emulator.store.get(self._kind.segment, name):
            return []
        data = _system(self._kind, system_data(call.emulator.workspace.created_at))
        return [
            _document(call.emulator, self._kind, name, version, properties, data)
            for version, properties in self._kind.published(name).items()
        ]

    def _stored_container(self, call: Call) -> dict[str, Any]:
        name = call.params["name"]
        body = call.emulator.store.get(self._kind.segment, name)
        if body is None:
            raise self._kind.missing(self._kind, name, None)
        return body

    def _shown(self, call: Call, name: str, document: dict[str, Any]) -> dict[str, Any]:
        """A version's document as this request's api-version reads it."""
        document = self._kind.show(call.emulator, name, document)
        return {**document, "properties": shown(self._kind.segment, document["properties"], call.api_version)}

    def _container(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """latestVersion is the newest created, where the kind tells it; nextVersion one more than the highest number,
        1 without numbers."""
        properties = {
            "description": body["description"],
            "tags": body["tags"],
            "properties": body["properties"],
            "isArchived": body["isArchived"],
            "latestVersion": self._latest(body),
            "nextVersion": self._kind.next_version() if self._kind.next_version else str(body["highest"] + 1),
            **{key: body[key] for key in self._kind.container if key not in ("tags", "properties")},
        }
        return {
            "id": call.emulator.workspace.asset_id(self._kind.segment, body["name"]),
            "name": body["name"],
            "type": _type(call.emulator, self._kind),
            "properties": shown("containers", properties, call.api_version),
            "systemData": body["systemData"],
        }

    def _latest(self, body: dict[str, Any]) -> str | None:
        if not self._kind.tells_latest:
            return None
        latest: str | None = "0" if body["hidden"] and self._kind.lists_anonymous else body["latest"]
        return latest


def _number(version: str) -> int:
    return int(version) if version.isascii() and version.isdigit() else 0


def _missing(kind: AssetKind, name: str, version: str | None) -> ServiceError:
    """The service's envelope of a missing asset (recorded for models 2026-03; assumed:
    asset_not_found_envelope)."""
    what = f"container with name: {name}" if version is None else f"with name: {name} and version: {version}"
    return ServiceError(
        404,
        "UserError",
        "The specified resource was not found.",
        details=[detail(f"{kind.label.replace(' ', '')}NotFound", f"{kind.label} {what} not found.")],
    )


def routes(kind: AssetKind) -> tuple[Route, ...]:
    """The routes of one kind."""
    assets = Assets(kind)
    container = f"{WS}/{kind.segment}/{{name}}"
    version = container + "/versions/{version}"
    return (
        Route(Host.ARM, "GET", f"{WS}/{kind.segment}", assets.list_containers),
        Route(Host.ARM, "GET", container, assets.get_container),
        Route(Host.ARM, "PUT", container, assets.put_container),
        Route(Host.ARM, "GET", container + "/versions", assets.list_versions),
        Route(Host.ARM, "GET", version, assets.get_version),
        Route(Host.ARM, "PUT", version, assets.put_version),
        Route(Host.ARM, "DELETE", version, assets.delete_version),
    )
