"""Data in the workspace as a source of rows: data assets, and files in datastores. Read-only.

It is identified by its content: the MD5 that blob storage stores for each blob. A blob without MD5 is identified by its
ETag, which changes with every upload.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Protocol

from phift.data.mltable import MLTABLE, read_table
from phift.data.remote import Folder, columns_of_head, invalid
from phift.data.sources import KNOWN_SUFFIXES, SourceFile, format_named
from phift.digest import digest_of, file_md5
from phift.errors import InvalidSpecError, PhiftError
from phift.spec.references import AssetRef, DatastoreRef
from phift.workspace import WorkspaceId

__all__ = ["Asset", "Blob", "BlobFile", "BlobFiles", "Container", "Stores", "blob_files"]

_MOST_FILES = 10_000
_MOST_BLOBS = 50_000  # maximum blobs of a folder to list
_PIECE = 8 << 20
_HEAD = 1 << 20
_TABLE_BYTES = 1_000_000
_IGNORED = ("_", ".")
"""Prefixes of names that are not data: _SUCCESS, .amlignore."""


@dataclass(frozen=True)
class Blob:
    """md5: 32 hex, "" if the service has none. size: bytes."""

    name: str
    size: int
    etag: str
    md5: str = ""


@dataclass(frozen=True)
class Asset:
    """A version of a data asset. type: uri_file, uri_folder, mltable. uri: what it refers to."""

    name: str
    version: str
    type: str
    uri: str


class Container(Protocol):
    """The container of a datastore. Every method raises AzureError."""

    @property
    def place(self) -> str:
        """ACCOUNT/CONTAINER."""

    def list(self, prefix: str) -> Iterator[Blob]:
        """Yield the blobs below a prefix, by name, without folders."""

    def find(self, name: str) -> Blob | None:
        """Return the blob, or None if it does not exist."""

    def read(self, blob: Blob, start: int, end: int) -> bytes:
        """Return bytes from start to end (exclusive). Raises StalePlanError if the blob has changed or was deleted."""


class Stores(Protocol):
    """The data of a workspace. Every method raises AzureError."""

    @property
    def arm_id(self) -> str: ...

    def asset(self, name: str, version: str) -> Asset | None:
        """Return the version, or None if it does not exist."""

    def versions(self, name: str) -> Sequence[str]:
        """Return the versions of a data asset, newest first; empty if it does not exist."""

    def names(self) -> Sequence[str]:
        """Return the names of the data assets."""

    def open(self, store: str) -> Container:
        """Return the container of a datastore. Raises InvalidSpecError if it does not exist or is unsupported."""

    def holding(self, account: str, container: str) -> str:
        """Return the name of the datastore for a container, or "" if there is none."""


@dataclass(frozen=True)
class BlobFile:
    """A file of a source. format: a value of FORMATS. label: its path in the asset, for messages."""

    blob: Blob
    format: str
    container: Container = field(compare=False, repr=False)
    label: str = field(default="", compare=False)

    def plain(self) -> dict[str, str]:
        if self.blob.md5:
            return {"format": self.format, "md5": self.blob.md5}
        return {"format": self.format, "etag": self.blob.etag, "blob": f"{self.container.place}/{self.blob.name}"}


@dataclass(frozen=True)
class BlobFiles:
    """Implements phift.data.remote.RemoteFiles. asked: the asset or the address as in the spec."""

    asked: str
    files: tuple[BlobFile, ...]

    @property
    def size(self) -> int:
        return sum(file.blob.size for file in self.files)

    @property
    def formats(self) -> tuple[str, ...]:
        return tuple(file.format for file in self.files)

    @property
    def without_digest(self) -> tuple[str, ...]:
        """Names of the blobs that are identified only by their ETag."""
        return tuple(file.blob.name for file in self.files if not file.blob.md5)

    def plain(self) -> dict[str, object]:
        return {"kind": "blob", "files": [file.plain() for file in self.files]}

    def names(self) -> tuple[str, ...]:
        return tuple(
            self.asked if self.asked.endswith(f"/{file.label}") else f"{self.asked.rstrip('/')}/{file.label}"
            for file in self.files
        )

    def columns(self) -> Collection[str] | None:
        return self._header

    @cached_property
    def _header(self) -> Collection[str] | None:
        first = self.files[0]
        return columns_of_head(
            first.format, first.blob.size, lambda start, end: first.container.read(first.blob, start, end), _HEAD
        )

    def fetch(self, index: int, folder: Folder, progress: Callable[[int], object]) -> SourceFile:
        file = self.files[index]
        blob = file.blob
        name = f"{index:05}-{digest_of(file.plain(), 16)}.{file.format}"
        path = folder.place(name)
        if blob.md5 and path.exists() and path.stat().st_size == blob.size and file_md5(path) == blob.md5:
            progress(blob.size)
            return SourceFile(path, file.format, blob.size, "")
        folder.need(blob.size)
        digest = hashlib.md5(usedforsecurity=False)
        with folder.writing(name) as out:
            for start in range(0, blob.size, _PIECE):
                piece = file.container.read(blob, start, min(start + _PIECE, blob.size))
                digest.update(piece)
                out.write(piece)
                progress(start + len(piece))
            if blob.md5 and digest.hexdigest() != blob.md5:
                raise PhiftError(
                    f"{self.asked}: the content of {blob.name} does not match the MD5 in its properties",
                    detail=f"Content-MD5 {blob.md5}, found {digest.hexdigest()}.",
                    remedy="Upload the file again: the uploading program set a wrong MD5.",
                )
        return SourceFile(path, file.format, blob.size, "")

    def __str__(self) -> str:
        return self.asked


def blob_files(reference: AssetRef | DatastoreRef, stores: Stores) -> BlobFiles:
    """Identify the files of a data asset or a datastore path, in row order, without reading them.

    reference: with a version. Raises InvalidSpecError if the asset or blob does not exist or its type is unsupported,
    and AzureError.
    """
    if isinstance(reference, DatastoreRef):
        if reference.workspace is not None and _is_elsewhere(reference.workspace, stores.arm_id):
            summary = f"{reference} is in another workspace, {reference.workspace.label}"
            raise invalid("asset", summary, "Copy the data to a datastore of this workspace.", "asset")
        return _at(reference, str(reference), stores, folder=reference.path.endswith("/") or not reference.path)
    name, version = reference.name, str(reference.version)
    asset = stores.asset(name, version)
    if asset is None:
        raise _no_asset(name, version, stores)
    try:
        place = _place(asset.uri, stores)
    except ValueError as error:
        raise invalid("asset", f"{reference} refers to {asset.uri!r}: {error}", _OTHER_PLACE, "asset") from None
    if asset.type == "mltable":
        return _table(place, str(reference), stores)
    if asset.type not in ("uri_file", "uri_folder"):
        remedy = "Supported types: uri_file, uri_folder, mltable."
        raise invalid("asset", f"{reference} has the unsupported type {asset.type or 'unknown'}", remedy, "asset")
    return _at(place, str(reference), stores, folder=asset.type == "uri_folder")


_OTHER_PLACE = "Register the container as a datastore of the workspace, and create an asset with a path in it."


def _place(uri: str, stores: Stores) -> DatastoreRef:
    """Resolve an address to a path in a datastore. Raises ValueError with a clause for a message."""
    from phift.data.addresses import storage_place

    if "/datastores/" in uri:
        reference = DatastoreRef.parse(uri)
        if reference.workspace is not None and _is_elsewhere(reference.workspace, stores.arm_id):
            raise ValueError(f"it is in another workspace, {reference.workspace.label}")
        return DatastoreRef(reference.store, reference.path)
    found = storage_place(uri)
    if found is None:
        raise ValueError("not a path in a datastore")
    store = stores.holding(found.account, found.container)
    if not store:
        raise ValueError(f"the workspace has no datastore for {found.account}/{found.container}")
    return DatastoreRef(store, found.path)


def _is_elsewhere(workspace: WorkspaceId, arm_id: str) -> bool:
    return workspace.arm_id.lower() != arm_id.lower()


def _at(place: DatastoreRef, asked: str, stores: Stores, *, folder: bool) -> BlobFiles:
    container = stores.open(place.store)
    if folder:
        return BlobFiles(asked, _in_folder(container, place.path, asked))
    blob = container.find(place.path)
    if blob is None:
        if next(container.list(f"{place.path.rstrip('/')}/"), None) is not None and asked.startswith("azureml://"):
            return BlobFiles(asked, _in_folder(container, place.path, asked))
        raise _missing(asked, place)
    return BlobFiles(asked, (_file(blob, container, asked),))


def _file(blob: Blob, container: Container, asked: str, format: str = "", label: str = "") -> BlobFile:
    kind = format or format_named(blob.name)
    if kind is None:
        suffix = PurePosixPath(blob.name).suffix or "(none)"
        raise invalid("format", f"{asked}: unknown file format of {blob.name}: suffix {suffix}",
                      f"Use a suffix of a supported format: {KNOWN_SUFFIXES}.", "asset")  # fmt: skip
    if blob.size == 0:
        raise invalid("empty", f"{asked}: {blob.name} is empty", "It must contain at least one row.", "asset")
    return BlobFile(blob, kind, container, label or PurePosixPath(blob.name).name)


def _in_folder(container: Container, path: str, asked: str, format: str = "") -> tuple[BlobFile, ...]:
    """Return the data files below a folder, by name."""
    prefix = f"{path.rstrip('/')}/" if path.strip("/") else ""
    found: list[BlobFile] = []
    others = 0
    for count, blob in enumerate(container.list(prefix)):
        if count >= _MOST_BLOBS or len(found) > _MOST_FILES:
            summary = f"{asked} contains more than {_MOST_FILES} data files, or {_MOST_BLOBS} blobs"
            raise invalid("files", summary, "Merge the files, or use a more specific folder.", "asset")
        below = PurePosixPath(blob.name.removeprefix(prefix))
        if any(part.startswith(_IGNORED) for part in below.parts) or below.name == MLTABLE:
            continue
        if not format and format_named(below.name) is None:
            others += 1
            continue
        found.append(_file(blob, container, asked, format, str(below)))
    if not found:
        there = f" ({others} files have other suffixes)" if others else ""
        raise invalid(
            "empty",
            f"{asked}: the folder has no data files{there}",
            f"Supported suffixes: {KNOWN_SUFFIXES}.",
            "asset",
        )
    return tuple(found)


def _table(place: DatastoreRef, asked: str, stores: Stores) -> BlobFiles:
    container = stores.open(place.store)
    base = place.path.rstrip("/")
    blob = container.find(f"{base}/{MLTABLE}" if base else MLTABLE)
    if blob is None:
        raise invalid("mltable", f"{asked}: its folder has no file {MLTABLE}", "Re-create the asset.", "asset")
    if blob.size > _TABLE_BYTES:
        raise invalid("mltable", f"{asked}: its file {MLTABLE} is larger than 1 MB", path="asset")
    table = read_table(container.read(blob, 0, blob.size), asked)
    files: list[BlobFile] = []
    for path in table.paths:
        where, place_of = container, _below(base, path.value)
        if "://" in path.value:
            try:
                found = _place(path.value, stores)
            except ValueError as error:
                raise invalid(
                    "mltable", f"{asked}: {path.kind}: {path.value}: {error}", _OTHER_PLACE, "asset"
                ) from None
            where, place_of = stores.open(found.store), found.path
        elif place_of is None:
            raise invalid("mltable", f"{asked}: {path.kind}: {path.value} is outside its folder", path="asset")
        files += _listed(path.kind, where, str(place_of), asked, table.format)
        if len(files) > _MOST_FILES:
            raise invalid("files", f"{asked} has more than {_MOST_FILES} files", "Merge the files.", "asset")
    return BlobFiles(asked, tuple(files))


def _listed(kind: str, container: Container, path: str, asked: str, format: str) -> Sequence[BlobFile]:
    from phift.data.mltable import literal_folder, matcher

    if kind == "folder":
        return _in_folder(container, path, asked, format)
    if kind == "file":
        blob = container.find(path)
        if blob is None:
            raise invalid("missing-file", f"{asked}: blob {path} not found", "Check its MLTable file.", "asset")
        return (_file(blob, container, asked, format),)
    fits = matcher(path)
    found = []
    for count, blob in enumerate(container.list(literal_folder(path))):
        if count >= _MOST_BLOBS:
            raise invalid("files", f"{asked}: {path} requires listing more than {_MOST_BLOBS} blobs", path="asset")
        if fits(blob.name):
            found.append(_file(blob, container, asked, format))
    if not found:
        raise invalid("missing-file", f"{asked}: no blob matches {path}", "Check its MLTable file.", "asset")
    return found


def _below(base: str, path: str) -> str | None:
    """Join a relative path to a folder; None if it leaves the folder."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts or path.startswith("/"):
        return None
    return "/".join(part for part in (base, *parts) if part)


def _no_asset(name: str, version: str, stores: Stores) -> InvalidSpecError:
    if versions := stores.versions(name):
        more = ", ..." if len(versions) > 10 else ""
        there = f"Versions: {', '.join(versions[:10])}{more}."
        return invalid("asset", f"data asset {name} has no version {version}", there, "asset")
    names = stores.names()
    more = ", ..." if len(names) > 10 else ""
    there = (
        f"Data assets of the workspace: {', '.join(names[:10])}{more}."
        if names
        else "The workspace has no data assets."
    )
    return invalid("asset", f"data asset {name} not found in the workspace", there, "asset")


def _missing(asked: str, place: DatastoreRef) -> InvalidSpecError:
    summary = f"{asked}: blob {place.path} not found in datastore {place.store}"
    of_asset = not asked.startswith("azureml://")
    remedy = "The asset refers to a file that was deleted or never uploaded." if of_asset else "Check the path."
    return invalid("missing-file", summary, remedy, "asset")
