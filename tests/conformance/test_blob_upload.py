"""Files uploaded in blocks: what a cut-off upload left behind is used where it has the content, and only there."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phift.azure import blob_upload
from phift.azure.blob import BlobStore
from phift.azure.blob_content import CHANGED, DIGEST
from phift.azure.connect import connect
from phift.azure.session import Azure
from phift.emulator.host import lifecycle
from phift.errors import AzureError

BLOCK = 100_000
SIZE = 10 * BLOCK + 3


class Recorder:
    """Notes the blocks that leave, and breaks off after `limit` of them."""

    def __init__(self, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch, limit: int = 1000) -> None:
        self.sent: list[str] = []
        self.limit = limit
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()
        self._real = blobs.request
        monkeypatch.setattr(blobs, "request", self._request)

    def _request(self, method: str, name: str, **options: Any) -> Any:
        query = options.get("query") or {}
        if query.get("comp") != "block":
            return self._real(method, name, **options)
        with self._lock:
            if len(self.sent) >= self.limit:
                raise AzureError("cut off")
            self.sent.append(query["blockid"])
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            return self._real(method, name, **options)
        finally:
            with self._lock:
                self._now -= 1


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lifecycle.Connection]:
    home = tmp_path_factory.mktemp("emulator")
    yield lifecycle.ensure(home)
    lifecycle.stop(home)


@pytest.fixture(scope="module")
def azure(connection: lifecycle.Connection) -> Iterator[Azure]:
    session = connect(None, local=connection)
    yield session
    session.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return large(tmp_path)


def large(folder: Path) -> Path:
    """A file of eleven blocks."""
    path = folder / "large.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


def send(azure: Azure, path: Path, name: str, **options: Any) -> bool:
    return blob_upload.upload(azure.blobs, path, name, block=BLOCK, workers=2, **options)


def test_the_blob_has_the_md5_and_the_digest_of_the_whole(azure: Azure, file: Path) -> None:
    assert send(azure, file, "up/whole")
    there = azure.blobs.head("up/whole")
    assert there
    assert there["md5"] == base64.b64encode(hashlib.md5(file.read_bytes()).digest()).decode()
    assert there["metadata"][DIGEST] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_so_many_blocks_at_a_time_and_no_more(azure: Azure, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(azure.blobs, monkeypatch)
    assert send(azure, file, "up/many")
    assert len(recorder.sent) == len(set(recorder.sent)) == 11
    assert recorder.most <= 2


def test_a_block_that_arrives_damaged_is_sent_again_by_itself(
    azure: Azure, connection: lifecycle.Connection, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(azure.blobs, monkeypatch)
    damaged = {"pattern": "comp=block&", "offset": 3, "count": 2, "status": 400, "code": "Md5Mismatch"}
    lifecycle.request(connection, "POST", "/faults", damaged)
    assert send(azure, file, "up/damaged-on-the-way")
    assert len(recorder.sent) == 11 + 2
    assert len(set(recorder.sent)) == 11
    assert azure.blobs.get("up/damaged-on-the-way") == file.read_bytes()
    lifecycle.request(connection, "POST", "/faults", damaged | {"offset": 0, "count": 0})
    with pytest.raises(AzureError) as caught:
        send(azure, file, "up/always-damaged")
    lifecycle.request(connection, "DELETE", "/faults")
    assert caught.value.code == "Md5Mismatch"
    assert azure.blobs.head("up/always-damaged") is None


def test_a_left_block_of_other_content_is_sent_again(azure: Azure, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off while the file was damaged; then the sound one is uploaded under the same digest."""
    sound = file.read_bytes()
    digest = hashlib.sha256(sound).hexdigest()
    file.write_bytes(sound[:150_000] + b"damage" + sound[150_006:])
    recorder = Recorder(azure.blobs, monkeypatch, limit=4)
    with pytest.raises(AzureError, match="cut off"):
        send(azure, file, "up/damaged", digest=digest)
    damaged = recorder.sent[1]
    file.write_bytes(sound)
    recorder.sent.clear()
    recorder.limit = 1000
    assert send(azure, file, "up/damaged", digest=digest)
    assert len(recorder.sent) == 8  # all but the three sound ones of the four that were sent
    assert damaged not in recorder.sent
    assert azure.blobs.get("up/damaged") == sound


def test_a_file_of_another_digest_is_not_committed(azure: Azure, file: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.write_bytes(b"x")
    for path in (file, small):
        with pytest.raises(AzureError, match="has changed since it was digested") as caught:
            send(azure, path, "up/changed", digest="0" * 64)
        assert caught.value.code == CHANGED
        assert azure.blobs.head("up/changed") is None


def test_left_blocks_with_ids_of_another_length_are_dropped(azure: Azure, file: Path) -> None:
    azure.blobs.request("PUT", "up/ids", query={"comp": "block", "blockid": "AAAA"}, content=b"left")
    seen: list[int] = []
    assert send(azure, file, "up/ids", progress=lambda done, _: seen.append(done))
    assert azure.blobs.get("up/ids") == file.read_bytes()
    assert seen[-1] == max(seen) == SIZE


def test_blocks_that_are_gone_at_the_commit_are_sent_again(
    azure: Azure, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They expired, or somebody wrote the blob meanwhile."""
    real, left = azure.blobs.request, [1]

    def request(method: str, name: str, **options: Any) -> Any:
        if (options.get("query") or {}).get("comp") == "blocklist" and method == "PUT" and left:
            left.clear()
            real("PUT", name, headers={"x-ms-blob-type": "BlockBlob"}, content=b"other")
        return real(method, name, **options)

    monkeypatch.setattr(azure.blobs, "request", request)
    assert send(azure, file, "up/gone")
    assert azure.blobs.get("up/gone") == file.read_bytes()


def test_two_uploads_of_one_file_end_well(azure: Azure, file: Path) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            send(azure, file, "up/both")
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert azure.blobs.get("up/both") == file.read_bytes()


def test_a_blob_that_is_not_what_was_uploaded_is_an_error(
    azure: Azure, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = azure.blobs.request

    def request(method: str, name: str, **options: Any) -> Any:
        answer = real(method, name, **options)
        if method == "PUT" and (options.get("query") or {}).get("comp") == "blocklist":
            real("PUT", name, headers={"x-ms-blob-type": "BlockBlob"}, content=b"other")
        return answer

    monkeypatch.setattr(azure.blobs, "request", request)
    with pytest.raises(AzureError, match="differs from the uploaded content"):
        send(azure, file, "up/other")
