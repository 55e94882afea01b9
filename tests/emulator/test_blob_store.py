"""The blob store without HTTP: content on disk, crashes, listings, signatures."""

import asyncio
import base64
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from azure.storage.blob import generate_account_sas, generate_blob_sas
from hypothesis import given, settings
from hypothesis import strategies as st

from phift.emulator.core.errors import ServiceError
from phift.emulator.core.store import Store
from phift.emulator.core.workspace import Workspace
from phift.emulator.services.blob.account import BlobAccount
from phift.emulator.services.blob.crc64 import crc64
from phift.emulator.services.blob.engine import BlobStore
from phift.emulator.services.blob.index import successor
from phift.emulator.services.blob.model import Blob
from phift.emulator.services.blob.sas import Need, account_sas, check_sas, service_sas

BOX = "box"
KEY = base64.b64encode(b"k" * 64).decode()


def open_store(path, now=lambda: 1_700_000_000.0) -> BlobStore:
    connection = sqlite3.connect(path / "index.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    store = BlobStore(connection, path / "blobs", now)
    store.containers.ensure(BOX)
    return store


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path)


def staged(store, data: bytes):
    stage = store.stage()
    stage.write(data)
    return stage.finish()


def put(store, name: str, data: bytes) -> Blob:
    return store.put_block_blob(BOX, name, staged(store, data))


def read(store, name: str) -> bytes:
    return b"".join(path.read_bytes()[:length] for _, path, length in store.segments(store.get(BOX, name)))


def files(tmp_path) -> list:
    return [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]


def test_no_two_changes_share_an_etag_though_the_clock_stands(store):
    tags = {put(store, "a", b"1").etag for _ in range(5)} | {store.set_metadata(BOX, "a", {"k": "v"}).etag}
    assert len(tags) == 6


def test_overwritten_and_deleted_content_leaves_the_disk(store, tmp_path):
    put(store, "a", b"1")
    put(store, "a", b"2")
    assert len(files(tmp_path)) == 1
    store.put_block(BOX, "a", "AAAA", staged(store, b"3"))
    store.put_block(BOX, "a", "AAAA", staged(store, b"4"))
    assert len(files(tmp_path)) == 2
    store.put_block_list(BOX, "a", [("Latest", "AAAA")])
    assert (read(store, "a"), len(files(tmp_path))) == (b"4", 1)
    with pytest.raises(ServiceError, match="InvalidBlobOrBlock"):
        store.put_block(BOX, "a", "AAAA", staged(store, b"x")) or store.put_block(
            BOX, "a", "A" * 8, staged(store, b"x")
        )
    store.delete(BOX, "a")
    assert files(tmp_path) == []


def test_content_that_is_being_read_goes_when_reading_ends(store, tmp_path):
    blob = put(store, "a", b"1")
    [(file, path, _)] = store.segments(blob)
    with store.pinned([file]), store.pinned([file]):
        store.delete(BOX, "a")
        assert path.read_bytes() == b"1"
    assert files(tmp_path) == []


def test_a_refused_write_leaves_no_file(store, tmp_path):
    with pytest.raises(ServiceError, match="ContainerNotFound"):
        store.put_block_blob("missing", "a", staged(store, b"1"))
    with pytest.raises(ServiceError, match="OutOfRangeInput"):
        put(store, "n" * 1025, b"1")
    assert files(tmp_path) == []


def test_sweep_removes_what_no_blob_names_and_forgets_old_blocks(tmp_path):
    clock = [1_700_000_000.0]
    store = open_store(tmp_path, lambda: clock[0])
    put(store, "kept", b"1")
    store.put_block(BOX, "waiting", "AAAA", staged(store, b"2"))
    staged(store, b"orphan")
    assert store.sweep() == 1
    clock[0] += 8 * 24 * 3600
    assert store.sweep() == 1
    assert read(store, "kept") == b"1"
    with pytest.raises(ServiceError, match="BlobNotFound"):
        store.block_lists(BOX, "waiting")


def test_a_blob_whose_content_was_torn_is_dropped(store, caplog):
    put(store, "kept", b"1")
    for name, damage in (("short", lambda path: path.write_bytes(b"12")), ("gone", lambda path: path.unlink())):
        [(_, path, _)] = store.segments(put(store, name, b"123"))
        damage(path)
    store.sweep()
    assert [blob.name for blob in store.list_blobs(BOX).entries] == ["kept"]
    assert "blob box/short is gone" in caplog.text


def test_blocks_expire_a_week_after_the_last_one_of_their_blob(tmp_path):
    day, clock = 24 * 3600, [1_700_000_000.0]
    store = open_store(tmp_path, lambda: clock[0])
    store.put_block(BOX, "b", "AAAA", staged(store, b"one"))
    clock[0] += 6 * day
    store.put_block(BOX, "b", "AAAB", staged(store, b"two"))
    clock[0] += 6 * day
    assert [block.id for block in store.block_lists(BOX, "b")[2]] == ["AAAA", "AAAB"]
    clock[0] += 2 * day
    for work in (lambda: store.block_lists(BOX, "b"), lambda: store.put_block_list(BOX, "b", [("Latest", "AAAA")])):
        with pytest.raises(ServiceError) as caught:
            work()
        assert caught.value.code in {"BlobNotFound", "InvalidBlockList"}
    store.put_block(BOX, "b", "AAAAAAAA", staged(store, b"ids of another length are no matter then"))
    store.sweep()


def test_an_interrupted_append_is_cut_off(store):
    store.put_append_blob(BOX, "log")
    store.append(BOX, "log", b"one\n")
    [(_, path, _)] = store.segments(store.get(BOX, "log"))
    with path.open("ab") as stream:
        stream.write(b"never acknowledged")
    store.append(BOX, "log", b"two\n")
    assert read(store, "log") == b"one\ntwo\n"
    assert path.read_bytes() == b"one\ntwo\n"


_WRITER = """
import sys
from pathlib import Path
from phift.emulator.services.blob.engine import BlobStore
import sqlite3
path = Path(sys.argv[1])
connection = sqlite3.connect(path / "index.sqlite3", isolation_level=None)
connection.execute("PRAGMA journal_mode=WAL")
connection.execute("PRAGMA synchronous=NORMAL")
store = BlobStore(connection, path / "blobs")
store.containers.ensure("box")
store.put_append_blob("box", "log")
for number in range(100_000):
    stage = store.stage()
    stage.write(b"%d" % number * 1000)
    store.put_block_blob("box", f"b/{number % 50}", stage.finish(), metadata={"n": str(number)})
    store.append("box", "log", b"%d\\n" % number)
    print(number, flush=True)
"""


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path):
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with writer:
        seen = [writer.stdout.readline() for _ in range(120)]
        writer.kill()
        seen += writer.stdout.read().splitlines(keepends=True)
    last = max(int(line) for line in seen if line.endswith("\n"))
    store = open_store(tmp_path)
    store.sweep()
    log = read(store, "log").decode().split()
    assert log[: last + 1] == [str(number) for number in range(last + 1)]
    for blob in store.list_blobs(BOX, "b/").entries:
        number = blob.metadata["n"]
        assert read(store, blob.name) == number.encode() * 1000
        assert int(number) > last - 50
    assert len(files(tmp_path)) == 51


names = st.lists(st.text("ab/z\U00010fff", min_size=1, max_size=5), max_size=20, unique=True)


@settings(max_examples=30)
@given(names, st.sampled_from(["", "a", "a/", "b"]), st.sampled_from(["", "/"]), st.integers(1, 4))
def test_pages_of_a_listing_add_up(tmp_path_factory, names, prefix, delimiter, size):
    store = open_store(tmp_path_factory.mktemp("store"))
    for name in names:
        store.put_append_blob(BOX, name)
    expected = set()
    for name in (name for name in names if name.startswith(prefix)):
        cut = name.find(delimiter, len(prefix)) if delimiter else -1
        expected.add(name[: cut + 1] if cut >= 0 else name)
    seen, start = [], ""
    while True:
        page = store.list_blobs(BOX, prefix, delimiter, start, size)
        assert len(page.entries) <= size
        seen += [entry if isinstance(entry, str) else entry.name for entry in page.entries]
        if not page.marker:
            break
        start = page.marker
    assert seen == sorted(expected)


def test_successor():
    assert successor("a/") == "a0"
    assert successor("\ud7ff") == "\ue000"
    assert successor("a\U0010ffff") == "b"
    assert successor("") == ""


def test_crc64_is_nvme_s():
    assert crc64(b"123456789") == 0xAE8B14860A799888


# signatures


def grants(token: str, permissions: str, *, resource="o", container=BOX, name="a/b", client="127.0.0.1", now=None):
    query = dict(parse_qsl(token.lstrip("?")))
    need = Need(resource, permissions)
    try:
        check_sas(query, account="acct", key=KEY, container=container, name=name, need=need, client=client, now=now)
    except ServiceError as error:
        return error.code
    return "granted"


def test_our_signatures_are_the_client_library_s():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    token = account_sas("acct", KEY, permissions="rcuwdl", seconds=60, now=now)
    assert token.startswith("?sv=2019-07-07&sig=")
    assert token.endswith("&se=2026-01-01T00%3A01%3A00Z&srt=co&ss=bf&sp=rcuwdl")
    assert grants(token, "r", now=now) == "granted"
    assert grants(token, "r", now=now + timedelta(minutes=1)) == "AuthenticationFailed"
    assert grants(token.replace("sp=rcuwdl", "sp=rcuwdla"), "r", now=now) == "AuthenticationFailed"
    soon = datetime.now(UTC) + timedelta(hours=1)
    theirs = generate_blob_sas("acct", BOX, "a/b", account_key=KEY, permission="r", expiry=soon, ip="10.0.0.1-10.0.0.9")
    assert grants(theirs, "r", client="10.0.0.5") == "granted"
    assert grants(theirs, "r", client="10.0.0.10") == "AuthorizationSourceIPMismatch"
    assert grants(theirs, "w", client="10.0.0.5") == "AuthorizationPermissionMismatch"
    ours = service_sas("acct", KEY, BOX, None, permissions="rl", seconds=60)
    assert grants(ours, "l", resource="c", name="") == "granted"
    assert grants(ours, "r", container="other") == "AuthenticationFailed"
    later = generate_account_sas("acct", KEY, "o", "r", soon, start=datetime.now(UTC) + timedelta(minutes=9))
    assert grants(later, "r") == "AuthenticationFailed"


# the account, as the rest of the emulator uses it


@pytest.fixture
def account(tmp_path):
    workspace = Workspace("s", "g", "w", "eastus", "guid", "tenant", "acct", "default-box", "2026-01-01T00:00:00+00:00")
    home = tmp_path / "home"
    home.mkdir()
    store = Store(home / "store.sqlite3")
    yield BlobAccount(workspace.storage_account, store, home / "blobs", (workspace.container,))
    store.close()


async def _round_trip(account, tmp_path):
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "a.txt").write_bytes(b"a")
    (source / "sub" / "b.txt").write_bytes(b"b")
    await account.put_folder("azureml", "runs/1", source)
    targets = await account.export("azureml", "runs/1/", tmp_path / "out")
    assert [path.relative_to(tmp_path / "out").as_posix() for path in targets] == ["a.txt", "sub/b.txt"]
    assert (tmp_path / "out" / "sub" / "b.txt").read_bytes() == b"b"
    one = await account.export("azureml", "runs/1/sub/b.txt", tmp_path / "one", link=False)
    assert [path.name for path in one] == ["b.txt"]
    account.append("azureml", "runs/2/../../evil", b"x")
    with pytest.raises(ServiceError, match="InvalidResourceName"):
        await account.export("azureml", "runs/2/", tmp_path / "two")
    with pytest.raises(ServiceError, match="BlobNotFound"):
        await account.export("azureml", "nothing/", tmp_path / "three")


def test_folders_go_in_and_out(account, tmp_path):
    asyncio.run(_round_trip(account, tmp_path))
    assert account.delete_prefix("azureml", "runs/1/") == 2
    assert [blob.name for blob in account.list("azureml", "runs/")] == ["runs/2/../../evil"]
    assert not (tmp_path / "evil").exists()


def test_logs_grow_and_are_read_back(account):
    for number in range(3):
        account.append("azureml", "log.txt", f"line {number}\n")
    assert account.read("azureml", "log.txt") == b"line 0\nline 1\nline 2\n"
    with account.open("azureml", "log.txt") as stream:
        account.append("azureml", "log.txt", os.urandom(300_000))
        stream.seek(5)
        assert stream.read(1) == b"0"


def test_switches_are_kept(account):
    account.switch(allowSharedKeyAccess=False)
    assert account.switches["allowSharedKeyAccess"] is False
    with pytest.raises(ValueError, match="no such switch: colour"):
        account.switch(colour=True)
