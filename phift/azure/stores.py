"""Read data assets and datastores of the workspace: implements phift.data.blobs.Stores."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from xml.etree import ElementTree

from phift.data.blobs import Asset, Blob
from phift.diagnostics import Diagnostic
from phift.errors import AzureError, ConflictError, InvalidSpecError, NotFoundError, StalePlanError
from phift.lazy import lazy_pattern

if TYPE_CHECKING:
    from phift.azure.blob import BlobStore
    from phift.azure.session import Azure

__all__ = ["BlobContainer", "WorkspaceStores"]

_API = "2024-10-01"
_KINDS = ("AzureBlob", "AzureDataLakeGen2")
_NAME = lazy_pattern(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")
_REMEDY = "Request the role Storage Blob Data Reader on the storage account, or use a datastore with a readable key."


class WorkspaceStores:
    """The stores of one workspace; thread-safe."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure.read_only()

    @property
    def arm_id(self) -> str:
        return self._azure.workspace.arm_id

    def asset(self, name: str, version: str) -> Asset | None:
        if not (_NAME.fullmatch(name) and _NAME.fullmatch(version)):
            return None
        try:
            raw = self._azure.arm.get(f"{self.arm_id}/data/{name}/versions/{version}", _API)
        except NotFoundError:
            return None
        properties: Mapping[str, Any] = raw["properties"]
        return Asset(name, version, str(properties.get("dataType") or ""), str(properties.get("dataUri") or ""))

    def versions(self, name: str) -> list[str]:
        if not _NAME.fullmatch(name):
            return []
        query = {"$orderBy": "createdtime desc"}
        try:
            found = self._azure.arm.list(f"{self.arm_id}/data/{name}/versions", _API, **query)
            return [str(item["name"]) for item in found]
        except NotFoundError:
            return []

    def names(self) -> list[str]:
        return sorted(str(item["name"]) for item in self._azure.arm.list(f"{self.arm_id}/data", _API))

    def open(self, store: str) -> BlobContainer:
        try:
            properties = self._azure.datastore(store)
        except NotFoundError:
            there = ", ".join(sorted(name for name, _ in self._datastores()))
            raise _invalid(f"datastore {store} not found in the workspace", f"Datastores: {there}.") from None
        kind = str(properties.get("datastoreType") or "")
        if kind not in _KINDS:
            remedy = f"Supported types of datastores: {' and '.join(_KINDS)}."
            raise _invalid(f"unsupported type of datastore {store}: {kind or 'unknown'}", remedy)
        return BlobContainer(self._azure.store(store), store)

    def holding(self, account: str, container: str) -> str:
        for name, properties in self._datastores():
            here = properties.get("containerName") or properties.get("filesystem")
            if properties.get("datastoreType") in _KINDS and (
                str(properties.get("accountName")).lower(),
                here,
            ) == (account.lower(), container):
                return name
        return ""

    def _datastores(self) -> list[tuple[str, Mapping[str, Any]]]:
        listed = self._azure.arm.list(f"{self.arm_id}/datastores", _API)
        return [(str(item["name"]), item["properties"]) for item in listed]


class BlobContainer:
    """Implements phift.data.blobs.Container."""

    def __init__(self, store: BlobStore, name: str) -> None:
        self._store = store
        self._name = name

    @property
    def place(self) -> str:
        return self._store.place

    def list(self, prefix: str) -> Iterator[Blob]:
        marker = ""
        while True:
            query = {"restype": "container", "comp": "list", "prefix": prefix, "include": "metadata"}
            root = ElementTree.fromstring(self._request("GET", "", {**query, **({"marker": marker} if marker else {})}))
            for entry in root.iterfind("Blobs/Blob"):
                if (blob := _listed(entry)) is not None:
                    yield blob
            marker = root.findtext("NextMarker") or ""
            if not marker:
                return

    def find(self, name: str) -> Blob | None:
        if not name:
            return None
        try:
            headers = self._store.request("HEAD", name).headers
        except NotFoundError:
            return None
        except AzureError as error:
            raise self._told(error) from None
        if headers.get("x-ms-meta-hdi_isfolder") == "true":
            return None
        size = int(headers.get("Content-Length") or 0)
        return Blob(name, size, headers.get("ETag", "").strip('"'), _hex(headers.get("Content-MD5")))

    def read(self, blob: Blob, start: int, end: int) -> bytes:
        if end <= start:
            return b""
        headers = {"x-ms-range": f"bytes={start}-{end - 1}", "If-Match": f'"{blob.etag}"'}
        try:
            content = self._store.request("GET", blob.name, headers=headers).content
        except (NotFoundError, ConflictError):
            content = b""
        except AzureError as error:
            if error.status != 416:
                raise self._told(error) from None
            content = b""
        if len(content) != end - start:
            raise StalePlanError(
                f"blob {blob.name} in datastore {self._name} has changed since it was planned",
                detail="The data version in the plan refers to its earlier content.",
                remedy="Re-run the command.",
            )
        return content

    def _request(self, method: str, name: str, query: Mapping[str, str]) -> bytes:
        try:
            return self._store.request(method, name, query=query).content
        except AzureError as error:
            raise self._told(error) from None

    def _told(self, error: AzureError) -> AzureError:
        """Add the datastore to the error, and the required role to 403."""
        error.summary = f"cannot read datastore {self._name}: {error.summary}"
        if error.status == 403 and not error.remedy:
            error.remedy = _REMEDY
        return error


def _listed(entry: ElementTree.Element) -> Blob | None:
    """Return None for a folder of an account with a hierarchical namespace."""
    name = entry.find("Name")
    text = (name.text or "") if name is not None else ""
    if name is not None and name.get("Encoded") == "true":
        text = unquote(text)
    properties = entry.find("Properties")
    if properties is None or not text or text.endswith("/"):
        return None
    if properties.findtext("ResourceType") == "directory" or entry.findtext("Metadata/hdi_isfolder") == "true":
        return None
    etag = (properties.findtext("Etag") or "").strip('"')
    return Blob(text, int(properties.findtext("Content-Length") or 0), etag, _hex(properties.findtext("Content-MD5")))


def _hex(md5: str | None) -> str:
    try:
        raw = base64.b64decode(md5 or "", validate=True)
    except (binascii.Error, ValueError):
        return ""
    return raw.hex() if len(raw) == 16 else ""


def _invalid(summary: str, remedy: str) -> InvalidSpecError:
    return InvalidSpecError([Diagnostic(summary, remedy=remedy, path="asset", code="data-datastore")])
