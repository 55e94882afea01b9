"""Upload files to blobs: skip existing content, else send parallel blocks that an interrupted upload can reuse.

The id of a block contains the digest of the file, its number and the MD5 of its bytes. A block that an earlier upload
left in the service is therefore reused only if it has the same content, and two uploads of one file share their blocks.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from phift.azure.blob_content import CHANGED, DIGEST, content_md5
from phift.digest import file_digest
from phift.errors import AzureError, NotFoundError

if TYPE_CHECKING:
    from phift.azure.blob import BlobStore

__all__ = ["BLOCK", "WORKERS", "upload"]

BLOCK = 8 * 1024 * 1024
WORKERS = 4
_MOST_BLOCKS = 50_000
"""The service's limit per blob; beyond 400 GB, blocks get larger."""
_SENDS = 3
"""Attempts to send a block that arrives corrupted."""
_OTHER_IDS = "InvalidBlobOrBlock"
"""The service has uncommitted blocks whose ids have a different length."""
_BLOCKS_GONE = "InvalidBlockList"
"""A block has expired, or another upload of the blob was committed in the meantime."""
_UNFINISHED = "unfinished"


def upload(
    store: BlobStore,
    path: Path,
    name: str,
    *,
    progress: Callable[[int, int], None] | None = None,
    digest: str = "",
    block: int = BLOCK,
    workers: int = WORKERS,
) -> bool:
    """See BlobStore.upload. block: bytes per block. workers: blocks in flight."""
    size = path.stat().st_size
    digest = digest or file_digest(path)
    report = _Report(size, progress)
    there = store.head(name)
    if there is not None and there["size"] == size and there["metadata"].get(DIGEST) == digest:
        report.add(size)
        return False
    if size <= block:
        data = path.read_bytes()
        _require(path, digest, hashlib.sha256(data).hexdigest())
        store.put(name, data, metadata={DIGEST: digest})
        report.add(size)
        return True
    block = max(block, -(-size // _MOST_BLOCKS))
    try:
        _Blocks(store, path, name, size, digest, block, workers, report).send()
    except AzureError as error:
        if error.code not in (_OTHER_IDS, _BLOCKS_GONE):
            raise
        if error.code == _OTHER_IDS:
            # A commit drops all blocks that it does not list. No file has this digest, so the blob counts as absent.
            _commit(store, name, [], {f"x-ms-meta-{DIGEST}": _UNFINISHED})
        report.restart()
        _Blocks(store, path, name, size, digest, block, workers, report).send()
    return True


class _Blocks:
    """One attempt to upload a file in blocks."""

    def __init__(
        self,
        store: BlobStore,
        path: Path,
        name: str,
        size: int,
        digest: str,
        block: int,
        workers: int,
        report: _Report,
    ) -> None:
        self._store = store
        self._path = path
        self._name = name
        self._size = size
        self._digest = digest
        self._block = block
        self._workers = workers
        self._report = report

    def send(self) -> None:
        """Send the missing blocks, then commit, unless the file does not match the digest."""
        there = self._uncommitted()
        whole, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        ids: list[str] = []
        pending: set[Future[None]] = set()
        with self._path.open("rb") as stream, ThreadPoolExecutor(self._workers, "upload") as pool:
            for offset in range(0, self._size, self._block):
                data = stream.read(min(self._block, self._size - offset))
                whole.update(data)
                md5.update(data)
                check = content_md5(data)
                ids.append(self._id(len(ids), check))
                if ids[-1] in there:
                    self._report.add(len(data))
                    continue
                pending.add(pool.submit(self._send, ids[-1], data, check))
                if len(pending) == self._workers:
                    pending = _some_done(pending)
            while pending:
                pending = _some_done(pending)
        _require(self._path, self._digest, whole.hexdigest())
        self._finish(ids, base64.b64encode(md5.digest()).decode())

    def _id(self, number: int, md5: str) -> str:
        # 52 bytes, as in earlier releases: the service rejects ids of different lengths for one blob.
        text = f"{self._digest[:14]}{base64.b64decode(md5).hex()}{number:06d}"
        return base64.b64encode(text.encode()).decode()

    def _send(self, block_id: str, data: bytes, md5: str) -> None:
        for left in reversed(range(_SENDS)):
            try:
                query = {"comp": "block", "blockid": block_id}
                self._store.request("PUT", self._name, query=query, headers={"Content-MD5": md5}, content=data)
                break
            except AzureError as error:
                if error.code != "Md5Mismatch" or not left:
                    raise
        self._report.add(len(data))

    def _uncommitted(self) -> set[str]:
        """Return the ids of blocks that an earlier, interrupted upload left in the service."""
        try:
            query = {"comp": "blocklist", "blocklisttype": "uncommitted"}
            answer = self._store.request("GET", self._name, query=query)
        except NotFoundError:
            return set()
        root = ElementTree.fromstring(answer.content)
        return {block.findtext("Name", "") for block in root.iterfind("UncommittedBlocks/Block")}

    def _finish(self, ids: list[str], md5: str) -> None:
        headers = {f"x-ms-meta-{DIGEST}": self._digest, "x-ms-blob-content-md5": md5}
        _commit(self._store, self._name, ids, headers)
        there = self._store.head(self._name)
        found = there and (there["size"], there["md5"], there["metadata"].get(DIGEST))
        if found != (self._size, md5, self._digest):
            raise AzureError(
                f"blob {self._name} differs from the uploaded content",
                code="BlobDiffers",
                detail=f"Expected size, MD5 and digest {(self._size, md5, self._digest)}, found {found}.",
                remedy="Check whether another program writes to this blob, then re-run the command.",
            )


def _commit(store: BlobStore, name: str, ids: list[str], headers: dict[str, str]) -> None:
    listed = "".join(f"<Latest>{each}</Latest>" for each in ids)
    body = f"<?xml version='1.0' encoding='utf-8'?><BlockList>{listed}</BlockList>".encode()
    headers["Content-MD5"] = content_md5(body)
    store.request("PUT", name, query={"comp": "blocklist"}, headers=headers, content=body)


def _some_done(pending: set[Future[None]]) -> set[Future[None]]:
    """Wait for one transfer to finish and return the others. Raises its error."""
    done, left = wait(pending, return_when=FIRST_COMPLETED)
    for future in done:
        future.result()
    return left


def _require(path: Path, expected: str, found: str) -> None:
    if found != expected:
        raise AzureError(
            f"{path} has changed since it was digested; nothing was uploaded",
            code=CHANGED,
            detail=f"SHA-256 {found}, expected {expected}.",
            remedy="Re-run the command.",
        )


class _Report:
    """Sums up progress for one listener; thread-safe."""

    def __init__(self, total: int, progress: Callable[[int, int], None] | None) -> None:
        self._total = total
        self._progress = progress
        self._done = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self._done += count
            if self._progress is not None:
                self._progress(self._done, self._total)

    def restart(self) -> None:
        """Restart the count."""
        with self._lock:
            self._done = 0
