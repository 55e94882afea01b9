"""The blob store: block and append blobs, their blocks and leases, over an index and content files.

Everything here is synchronous, runs on the thread that owns the SQLite connection, and touches little content: bytes
are staged beforehand (`stage`, any thread). Each change is one transaction that is committed when the call returns.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection

from phift.emulator.core.errors import ServiceError
from phift.emulator.services.blob import lease as leases
from phift.emulator.services.blob.conditions import ANY, NO_LIMITS, AppendLimits, Conditions
from phift.emulator.services.blob.containers import Containers
from phift.emulator.services.blob.files import ContentFiles, Staged
from phift.emulator.services.blob.index import Index, Segment, successor
from phift.emulator.services.blob.lease import Lease
from phift.emulator.services.blob.model import Blob, BlobKind, Block, Content, Page, Ticks, ticks_of
from phift.emulator.services.blob.names import check_blob_name, check_block_id

__all__ = ["MAX_BLOCKS", "BlobStore"]

logger = logging.getLogger("phift.emulator")

MAX_BLOCKS = 50_000  # of a block blob, and appends of an append blob
_STALE_BLOCK_SECONDS = 7 * 24 * 3600  # the service forgets blocks a week after the last one of a blob


class BlobStore:
    """containers: where the blobs live. now: seconds since 1970.

    All methods raise ServiceError with the service's status and code.
    """

    def __init__(self, connection: Connection, folder: Path, now: Callable[[], float] = time.time) -> None:
        self._index = Index(connection, lambda: ticks_of(now() - _STALE_BLOCK_SECONDS))
        self._files = ContentFiles(folder)
        self._now = now
        self._ticks = Ticks(now)
        self.containers = Containers(self._index, self._files, self._ticks)

    # reading

    def find(self, container: str, name: str) -> Blob | None:
        """The blob, or None; raises 404 ContainerNotFound."""
        self.containers.get(container)
        return self._index.blob(container, name)

    def get(self, container: str, name: str, conditions: Conditions = ANY, lease_id: str = "") -> Blob:
        blob = self._existing(container, name)
        conditions.check_read(blob)
        leases.check_read(blob.lease, lease_id, self._now())
        return blob

    def segments(self, blob: Blob) -> list[tuple[str, Path, int]]:
        """The content in order: file name (to pin), path, length in bytes."""
        return [(file, self._files.path(file), length) for _, file, length in self._index.segments(blob.id)]

    def pinned(self, files: Iterable[str]) -> AbstractContextManager[None]:
        """Context in which these content files stay readable, whatever happens to their blob."""
        return self._files.pinned(files)

    def list_blobs(
        self, container: str, prefix: str = "", delimiter: str = "", start: str = "", limit: int = 5000
    ) -> Page:
        """One page of blobs in name order; with a delimiter, names beyond it are folded into their common prefix."""
        self.containers.get(container)
        entries: list[Blob | str] = []
        while True:
            folded = ""
            for blob in self._index.blobs(container, prefix, start):
                cut = blob.name.find(delimiter, len(prefix)) if delimiter else -1
                folded = blob.name[: cut + len(delimiter)] if cut >= 0 else ""
                if len(entries) == limit:
                    return Page(entries, folded or blob.name)
                if folded:
                    break
                entries.append(blob)
            if not folded:
                return Page(entries)
            entries.append(folded)
            start = successor(folded)

    # writing

    def stage(self, *, hashed: bool = True) -> Staged:
        """Where the bytes of a coming `put` are written first, from any thread. hashed: with their MD5."""
        return self._files.stage(hashed=hashed)

    def adopt(self, source: Path, *, link: bool) -> Content:
        """A file of this machine as content, from any thread; hard-linked where possible when `link`."""
        return self._files.adopt(source, link=link)

    def discard(self, content: Content) -> None:
        """Drop content that no blob took."""
        self._files.discard([content.file])

    def put_block_blob(
        self,
        container: str,
        name: str,
        content: Content,
        *,
        headers: Mapping[str, str] | None = None,
        metadata: Mapping[str, str] | None = None,
        conditions: Conditions = ANY,
        lease_id: str = "",
    ) -> Blob:
        """The whole blob in one piece."""
        with self._taking(content):
            segments = [("", content.file, content.length)]
            return self._put(container, name, BlobKind.BLOCK, segments, headers, metadata, conditions, lease_id)

    def put_append_blob(
        self,
        container: str,
        name: str,
        *,
        headers: Mapping[str, str] | None = None,
        metadata: Mapping[str, str] | None = None,
        conditions: Conditions = ANY,
        lease_id: str = "",
    ) -> Blob:
        """An empty append blob."""
        return self._put(container, name, BlobKind.APPEND, [], headers, metadata, conditions, lease_id)

    def put_block(self, container: str, name: str, block_id: str, content: Content, *, lease_id: str = "") -> None:
        """Keep a block until a block list takes it. The blob, if any, does not change."""
        with self._taking(content):
            check_blob_name(name)
            check_block_id(block_id)
            existing = self.find(container, name)
            if existing:
                leases.check_write(existing.lease, lease_id, self._now())
                _check_kind(existing, BlobKind.BLOCK)
            if self._index.block_length(container, name) not in (None, len(block_id)):
                raise ServiceError(400, "InvalidBlobOrBlock", "The specified blob or block content is invalid.")
            replaced = self._index.block_file(container, name, block_id)
            with self._index.transaction():
                self._index.put_block(container, name, (block_id, content.file, content.length), self._ticks.next())
        if replaced:
            self._drop_unused([replaced])

    def put_block_list(
        self,
        container: str,
        name: str,
        wanted: Sequence[tuple[str, str]],
        *,
        headers: Mapping[str, str] | None = None,
        metadata: Mapping[str, str] | None = None,
        conditions: Conditions = ANY,
        lease_id: str = "",
    ) -> Blob:
        """The blob out of blocks. wanted: (where, id) in order, where is Latest, Uncommitted or Committed."""
        if len(wanted) > MAX_BLOCKS:
            raise _too_many_blocks()
        existing = self.find(container, name)
        committed = {segment[0]: segment for segment in self._index.segments(existing.id)} if existing else {}
        uncommitted = {segment[0]: segment for segment in self._index.blocks(container, name)}
        tables = {"Latest": committed | uncommitted, "Uncommitted": uncommitted, "Committed": committed}
        try:
            segments = [tables[where][block] for where, block in wanted]
        except KeyError as error:
            raise ServiceError(400, "InvalidBlockList", "The specified block list is invalid.") from error
        return self._put(container, name, BlobKind.BLOCK, segments, headers, metadata, conditions, lease_id)

    def block_lists(
        self, container: str, name: str, lease_id: str = ""
    ) -> tuple[Blob | None, list[Block], list[Block]]:
        """The blob, its committed blocks in order, and the uncommitted ones by id; 404 when there is neither."""
        blob = self.find(container, name)
        waiting = [Block(block, length) for block, _, length in self._index.blocks(container, name)]
        if blob is None and not waiting:
            raise _not_found()
        if blob is None:
            return None, [], waiting
        _check_kind(blob, BlobKind.BLOCK)
        leases.check_read(blob.lease, lease_id, self._now())
        return blob, [Block(i, length) for i, _, length in self._index.segments(blob.id) if i], waiting

    def append(
        self,
        container: str,
        name: str,
        data: bytes | Content,
        *,
        conditions: Conditions = ANY,
        lease_id: str = "",
        limits: AppendLimits = NO_LIMITS,
        counted: bool = True,
    ) -> Blob:
        """The append blob with more bytes. limits: the caller's conditions on its length.
        counted: whether it is one more of the 50,000 appends a blob may see; the emulator's own log writer is not.

        Few bytes are written into the last file of the blob; content becomes a further piece.
        """
        if isinstance(data, Content):
            with self._taking(data):
                blob = self._appendable(container, name, conditions, lease_id, limits, data.length, counted)
                with self._index.transaction():
                    self._index.add_segment(blob.id, ("", data.file, data.length))
                    self._index.put_blob(blob)
                return blob
        blob = self._appendable(container, name, conditions, lease_id, limits, len(data), counted)
        last = self._index.last_segment(blob.id)
        if last is None:
            staged = self._files.stage(hashed=False)
            staged.write(data)
            return self.append(
                container, name, staged.finish(), conditions=conditions, lease_id=lease_id, counted=counted
            )
        self._files.append(last[1], last[2], data)
        with self._index.transaction():
            self._index.grow_last_segment(blob.id, len(data))
            self._index.put_blob(blob)
        return blob

    def set_metadata(
        self,
        container: str,
        name: str,
        metadata: Mapping[str, str],
        *,
        conditions: Conditions = ANY,
        lease_id: str = "",
    ) -> Blob:
        return self._change(container, name, conditions, lease_id, metadata=metadata)

    def set_headers(
        self, container: str, name: str, headers: Mapping[str, str], *, conditions: Conditions = ANY, lease_id: str = ""
    ) -> Blob:
        """Replace all content headers; those not given are cleared."""
        return self._change(container, name, conditions, lease_id, headers=headers)

    def delete(self, container: str, name: str, *, conditions: Conditions = ANY, lease_id: str = "") -> None:
        blob = self._existing(container, name)
        conditions.check_write(blob)
        leases.check_write(blob.lease, lease_id, self._now())
        self.delete_all([blob])

    def delete_all(self, blobs: Iterable[Blob]) -> None:
        """Remove blobs with their uncommitted blocks in one transaction, whatever their leases say."""
        files: list[str] = []
        with self._index.transaction():
            for blob in blobs:
                files += self._files_of(blob)
                self._index.delete_blob(blob)
                self._index.delete_blocks(blob.container, blob.name)
        self._drop_unused(files)

    # leases

    def lease(self, container: str, name: str, step: Callable[[Lease], Lease], conditions: Conditions = ANY) -> Blob:
        """The blob with its lease taken one step on (see the functions of `lease`). ETag and Last-Modified stay."""
        blob = self._existing(container, name)
        conditions.check_write(blob)
        blob = replace(blob, lease=step(blob.lease))
        with self._index.transaction():
            self._index.put_blob(blob)
        return blob

    def sweep(self) -> int:
        """Forget expired blocks, drop blobs whose content a power cut tore, remove files that no row names.

        Returns how many files. Only before serving.
        """
        with self._index.transaction():
            self._index.delete_stale_blocks()
        removed, torn = self._files.sweep(self._index.files())
        with self._index.transaction():
            for file in torn:
                for name in self._index.forget(file):
                    logger.warning("blob %s is gone: its content had not reached the disk", name)
        return removed

    def _existing(self, container: str, name: str) -> Blob:
        blob = self.find(container, name)
        if blob is None:
            raise _not_found()
        return blob

    def _put(
        self,
        container: str,
        name: str,
        kind: BlobKind,
        segments: Sequence[Segment],
        headers: Mapping[str, str] | None,
        metadata: Mapping[str, str] | None,
        conditions: Conditions,
        lease_id: str,
    ) -> Blob:
        check_blob_name(name)
        existing = self.find(container, name)
        conditions.check_write(existing, creates=True)
        held = leases.check_write(existing.lease if existing else Lease(), lease_id, self._now())
        tick = self._ticks.next()
        blob = Blob(
            existing.created if existing else tick,
            tick,
            existing.id if existing else 0,
            container,
            name,
            kind,
            sum(length for _, _, length in segments),
            dict(headers or {}),
            dict(metadata or {}),
            held,
        )
        old = self._files_of(blob)
        with self._index.transaction():
            blob = replace(blob, id=self._index.put_blob(blob))
            self._index.set_segments(blob.id, segments)
            self._index.delete_blocks(container, name)
        self._drop_unused(old)
        return blob

    def _change(
        self,
        container: str,
        name: str,
        conditions: Conditions,
        lease_id: str,
        *,
        headers: Mapping[str, str] | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Blob:
        blob = self._existing(container, name)
        conditions.check_write(blob)
        blob = replace(
            blob,
            modified=self._ticks.next(),
            lease=leases.check_write(blob.lease, lease_id, self._now()),
            headers=blob.headers if headers is None else dict(headers),
            metadata=blob.metadata if metadata is None else dict(metadata),
        )
        with self._index.transaction():
            self._index.put_blob(blob)
        return blob

    def _appendable(
        self,
        container: str,
        name: str,
        conditions: Conditions,
        lease_id: str,
        limits: AppendLimits,
        length: int,
        counted: bool,
    ) -> Blob:
        blob = self._existing(container, name)
        conditions.check_write(blob)
        held = leases.check_write(blob.lease, lease_id, self._now())
        _check_kind(blob, BlobKind.APPEND)
        limits.check(blob, length)
        if counted and blob.blocks >= MAX_BLOCKS:
            raise _too_many_blocks()
        return replace(
            blob,
            modified=self._ticks.next(),
            length=blob.length + length,
            blocks=blob.blocks + 1 if counted else max(1, blob.blocks),
            lease=held,
        )

    def _files_of(self, blob: Blob) -> list[str]:
        return [file for _, file, _ in (*self._index.segments(blob.id), *self._index.blocks(blob.container, blob.name))]

    def _drop_unused(self, files: Sequence[str]) -> None:
        self._files.discard(self._index.unused(files))

    @contextmanager
    def _taking(self, content: Content) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.discard(content)
            raise


def _not_found() -> ServiceError:
    return ServiceError(404, "BlobNotFound", "The specified blob does not exist.")


def _too_many_blocks() -> ServiceError:
    return ServiceError(
        409, "BlockCountExceedsLimit", "The committed block count cannot exceed the maximum limit of 50,000 blocks."
    )


def _check_kind(blob: Blob, kind: BlobKind) -> None:
    if blob.kind is not kind:
        raise ServiceError(409, "InvalidBlobType", "The blob type is invalid for this operation.")
