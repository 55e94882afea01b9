"""Files into blobs: skipped when there already, else in parallel blocks that a cut-off upload takes up again."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from phift.azure.blob import DIGEST, content_md5
from phift.digest import file_digest
from phift.errors import AzureError, NotFoundError

if TYPE_CHECKING:
    from phift.azure.blob import BlobStore

__all__ = ["BLOCK", "WORKERS", "upload"]

BLOCK = 8 * 1024 * 1024
WORKERS = 8
_MOST_BLOCKS = 50_000
"""The service's limit a blob; beyond 400 GB blocks grow."""


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
    """See BlobStore.upload. block: bytes a block. workers: blocks in flight."""
    before = path.stat()
    size = before.st_size
    digest = digest or file_digest(path)
    report = _Report(size, progress)
    there = store.head(name)
    if there is not None and there["size"] == size and there["metadata"].get(DIGEST) == digest:
        report.add(size)
        return False
    if size <= block:
        store.put(name, path.read_bytes(), metadata={DIGEST: digest})
        report.add(size)
    else:
        block = max(block, -(-size // _MOST_BLOCKS))
        _upload_blocks(store, path, name, size, digest, block, workers, report)
    after = path.stat()
    if (after.st_size, after.st_mtime_ns) != (size, before.st_mtime_ns):
        store.delete(name)
        raise AzureError(f"{path} changed while it was uploaded", remedy="Run the command again.")
    return True


def _upload_blocks(
    store: BlobStore, path: Path, name: str, size: int, digest: str, block: int, workers: int, report: _Report
) -> None:
    offsets = range(0, size, block)
    ids = [base64.b64encode(f"{digest[:32]}-{block:012d}-{i:06d}".encode()).decode() for i in range(len(offsets))]
    there = _uncommitted(store, name)
    stop = threading.Event()

    def send(index: int) -> None:
        length = min(block, size - offsets[index])
        if not stop.is_set() and ids[index] not in there:
            with path.open("rb") as stream:
                stream.seek(offsets[index])
                data = stream.read(length)
            query = {"comp": "block", "blockid": ids[index]}
            store.request("PUT", name, query=query, headers={"Content-MD5": content_md5(data)}, content=data)
        report.add(length)

    with ThreadPoolExecutor(workers, thread_name_prefix="upload") as pool:
        futures = [pool.submit(send, index) for index in range(len(offsets))]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    body = "".join(
        ["<?xml version='1.0' encoding='utf-8'?><BlockList>", *(f"<Latest>{i}</Latest>" for i in ids), "</BlockList>"]
    )
    headers = {f"x-ms-meta-{DIGEST}": digest}
    store.request("PUT", name, query={"comp": "blocklist"}, headers=headers, content=body.encode())


def _uncommitted(store: BlobStore, name: str) -> set[str]:
    """Ids of blocks that an earlier, cut-off upload left in the service."""
    try:
        answer = store.request("GET", name, query={"comp": "blocklist", "blocklisttype": "uncommitted"})
    except NotFoundError:
        return set()
    root = ElementTree.fromstring(answer.content)
    return {block.findtext("Name", "") for block in root.iterfind("UncommittedBlocks/Block")}


class _Report:
    """Adds up what is done, for one listener, from any thread."""

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
