"""Large blobs stream: the emulator's memory does not follow their size. benchmarks/blob_memory.py tries 5 GiB."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from tests.emulator.client import Azure

MIB = 1024 * 1024
SIZE = 128
BOUND = 48


def memory_mib(pid: int, field: str) -> float:
    found = re.search(rf"{field}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    assert found
    return int(found[1]) / 1024


class Repeated:
    """A body of SIZE MiB that is never in memory as a whole."""

    def __init__(self) -> None:
        self.chunk, self.left = os.urandom(MIB), SIZE

    def read(self, size: int = -1) -> bytes:
        self.left -= 1
        return self.chunk if self.left >= 0 else b""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_stays_flat_while_a_large_blob_comes_and_goes(azure: Azure) -> None:
    pid = azure.connection.pid
    document = azure.call("GET", "datastores/workspaceblobstore", api="2024-10-01").json()["properties"]
    url = f"https://{document['accountName']}.blob.core.windows.net/{document['containerName']}/large.bin"
    headers = {
        "Authorization": f"Bearer {azure.token('https://storage.azure.com')}",
        "x-ms-version": "2023-11-03",
    }
    azure.session.get(url, headers=headers)
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="utf-8")
    before = memory_mib(pid, "VmRSS")
    length = {"x-ms-blob-type": "BlockBlob", "Content-Length": str(SIZE * MIB)}
    put = azure.session.put(url, data=Repeated(), headers={**headers, **length})
    assert put.status_code == 201
    with azure.session.get(url, headers=headers, stream=True) as got:
        assert sum(len(part) for part in got.iter_content(MIB)) == SIZE * MIB
    assert memory_mib(pid, "VmHWM") - before < BOUND
    assert azure.session.delete(url, headers=headers).status_code == 202
