"""The workspace's storage account: its blob store, key and switches, for handlers and the emulator's own work."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO
from urllib.parse import quote

from phift.emulator.core.errors import ServiceError
from phift.emulator.core.store import Store
from phift.emulator.services.blob.engine import BlobStore
from phift.emulator.services.blob.model import Blob, BlobKind, Content
from phift.emulator.services.blob.sas import account_sas, service_sas

__all__ = ["ARTIFACT_CONTAINER", "BlobAccount"]

ARTIFACT_CONTAINER = "azureml"
"""Container of the datastore workspaceartifactstore: logs and run artifacts."""

_DATASTORE_PERMISSIONS = "rcuwdl"  # recorded 2026-03
_SPOOL_BYTES = 16 * 1024 * 1024
_KIND = "storageAccount"
_SWITCHES = {"allowSharedKeyAccess": True, "identityBasedDatastores": False, "dataRoleAssigned": True}


class BlobAccount:
    """One storage account. Methods run on the event-loop thread; those that are `async` do their file work in threads.

    Missing blobs and containers raise ServiceError 404, as over HTTP.
    """

    def __init__(self, name: str, store: Store, folder: Path, containers: Iterable[str]) -> None:
        """Open the account: make its containers, and ARTIFACT_CONTAINER, and sweep what a crash left behind.

        name: of the storage account. folder: of its blobs' content.
        """
        self.name = name
        self.store = BlobStore(store.connection, folder)
        self._documents = store
        document = self._documents.get(_KIND, self.name)
        if document is None:
            document = {"key": base64.b64encode(secrets.token_bytes(64)).decode(), **_SWITCHES}
            self._documents.put(_KIND, self.name, body=document)
        self._document = document
        self.store.sweep()
        for container in (*containers, ARTIFACT_CONTAINER):
            self.store.containers.ensure(container)

    @property
    def key(self) -> str:
        """The account key, base64."""
        return str(self._document["key"])

    @property
    def url(self) -> str:
        return f"https://{self.name}.blob.core.windows.net"

    # switches: what differs between storage accounts in the wild

    @property
    def switches(self) -> dict[str, bool]:
        """allowSharedKeyAccess: keys and key-signed SAS are accepted. identityBasedDatastores: the workspace's
        datastores have no credentials. dataRoleAssigned: bearer tokens may touch data."""
        return {name: bool(self._document.get(name, default)) for name, default in _SWITCHES.items()}

    def switch(self, **values: bool) -> None:
        """Set switches, durably. Raises ValueError for one that does not exist."""
        if unknown := set(values) - set(_SWITCHES):
            raise ValueError(f"no such switch: {', '.join(sorted(unknown))}; there are {', '.join(sorted(_SWITCHES))}")
        self._document = {**self._document, **values}
        self._documents.put(_KIND, self.name, body=self._document)

    # signatures

    def datastore_sas(self, seconds: int) -> str:
        """What listSecrets hands out, with its leading question mark."""
        return account_sas(self.name, self.key, permissions=_DATASTORE_PERMISSIONS, seconds=seconds)

    def sas_url(self, container: str, name: str | None = None, permissions: str = "r", seconds: int = 3600) -> str:
        """The URL of a blob, or of a container when name is None, with a signature of its own."""
        query = service_sas(self.name, self.key, container, name, permissions=permissions, seconds=seconds)
        return f"{self.blob_url(container, name)}?{query}"

    def blob_url(self, container: str, name: str | None = None) -> str:
        """The URL of a blob or container, without signature."""
        return f"{self.url}/{container}" + ("" if name is None else f"/{quote(name)}")

    # content

    async def put_file(self, container: str, name: str, path: Path, *, link: bool = True) -> Blob:
        """A file as a block blob; overwrites. When `link`, hard-linked where possible: do not write into it later."""
        content = await asyncio.to_thread(self.store.adopt, path, link=link)
        return self._put(container, name, content)

    async def put_folder(self, container: str, prefix: str, folder: Path, *, link: bool = True) -> Sequence[Blob]:
        """Every file under a folder as `prefix` + its relative path; symbolic links are followed for files only."""
        base = prefix if not prefix or prefix.endswith("/") else prefix + "/"
        files = await asyncio.to_thread(lambda: sorted(path for path in folder.rglob("*") if path.is_file()))
        return [
            await self.put_file(container, base + path.relative_to(folder).as_posix(), path, link=link)
            for path in files
        ]

    def copy(self, container: str, name: str, source: BlobAccount, blob: Blob) -> Blob:
        """A blob of another account, or of this one, as a block blob here: a link to the same file where possible."""
        segments = source.store.segments(blob)
        if blob.kind is BlobKind.BLOCK and len(segments) == 1 and segments[0][1].stat().st_size == segments[0][2]:
            return self._put(container, name, self.store.adopt(segments[0][1], link=True))
        staged = self.store.stage()
        with source.open(blob.container, blob.name) as stream:
            while chunk := stream.read(1 << 20):
                staged.write(chunk)
        return self._put(container, name, staged.finish())

    def append(self, container: str, name: str, data: bytes | str) -> Blob:
        """Add to an append blob, made when it does not exist: for logs. Text is encoded as UTF-8."""
        raw = data.encode() if isinstance(data, str) else data
        if self.store.find(container, name) is None:
            self.store.put_append_blob(container, name, headers={"content-type": "text/plain"})
        return self.store.append(container, name, raw, counted=False)

    def exists(self, container: str, name: str) -> bool:
        return self.store.find(container, name) is not None

    def open(self, container: str, name: str) -> IO[bytes]:
        """The content as a readable, seekable stream, closed by the caller. Later overwrites do not show in it."""
        segments = self.store.segments(self.store.get(container, name))
        if len(segments) == 1:
            stream = segments[0][1].open("rb")
            if os.fstat(stream.fileno()).st_size == segments[0][2]:
                return stream
            stream.close()
        spool = tempfile.SpooledTemporaryFile(_SPOOL_BYTES)  # noqa: SIM115 - the caller closes it
        for _, path, length in segments:
            with path.open("rb") as source:
                _copy(source, spool, length)
        spool.seek(0)
        return spool

    def read(self, container: str, name: str) -> bytes:
        """The whole content: for small blobs."""
        with self.open(container, name) as stream:
            return stream.read()

    def list(self, container: str, prefix: str = "") -> Iterable[Blob]:
        """All blobs whose name begins with the prefix, in name order."""
        start = ""
        while True:
            page = self.store.list_blobs(container, prefix, start=start)
            yield from (entry for entry in page.entries if isinstance(entry, Blob))
            if not page.marker:
                return
            start = page.marker

    def delete_prefix(self, container: str, prefix: str) -> int:
        """Delete all blobs with the prefix, leased ones too; return how many."""
        blobs = [*self.list(container, prefix)]
        self.store.delete_all(blobs)
        return len(blobs)

    async def export(self, container: str, prefix: str, folder: Path, *, link: bool = True) -> Sequence[Path]:
        """The blobs with the prefix as files under a folder, named by what follows the prefix (a blob of exactly that
        name: by its last part). Hard links where possible when `link`: to be replaced, never written into.

        Raises ServiceError 404 when there is none, 400 for a name that would leave the folder.
        """
        blobs = [*self.list(container, prefix)]
        if not blobs:
            raise ServiceError(404, "BlobNotFound", f"There is no blob under {container}/{prefix}.")
        plan = [(_target(folder, prefix, blob.name), blob, self.store.segments(blob)) for blob in blobs]
        pinned = [file for _, _, segments in plan for file, _, _ in segments]
        with self.store.pinned(pinned):
            for target, blob, segments in plan:
                pieces = [(path, length) for _, path, length in segments]
                whole = link and blob.kind is BlobKind.BLOCK and len(pieces) == 1
                await asyncio.to_thread(_write_out, pieces, target, whole)
        return [target for target, _, _ in plan]

    def _put(self, container: str, name: str, content: Content) -> Blob:
        headers = {"content-type": "application/octet-stream"}
        if content.md5:
            headers["content-md5"] = base64.b64encode(content.md5).decode()
        return self.store.put_block_blob(container, name, content, headers=headers)


def _target(folder: Path, prefix: str, name: str) -> Path:
    rest = name.removeprefix(prefix).strip("/") or PurePosixPath(name).name
    if not prefix.endswith("/") and prefix and name != prefix and not name.startswith(prefix + "/"):
        rest = PurePosixPath(prefix).name + name.removeprefix(prefix)
    parts = rest.split("/")
    if any(part in ("", ".", "..") or "\x00" in part for part in parts):
        raise ServiceError(400, "InvalidResourceName", f"The blob name {name!r} is not a path under a folder.")
    return folder.joinpath(*parts)


def _write_out(pieces: list[tuple[Path, int]], target: Path, link: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    if link:
        try:
            os.link(pieces[0][0], target)
            return
        except OSError:
            pass  # another file system: copied below
    with target.open("wb") as out:
        for path, length in pieces:
            with path.open("rb") as source:
                _copy(source, out, length)


def _copy(source: BinaryIO, out: IO[bytes], length: int) -> None:
    if source.seek(0, os.SEEK_END) == length:
        source.seek(0)
        shutil.copyfileobj(source, out, 1 << 20)
        return
    source.seek(0)
    while length:
        chunk = source.read(min(length, 1 << 20))
        if not chunk:
            raise OSError(f"{source.name} is shorter than its index says")
        out.write(chunk)
        length -= len(chunk)
