"""Blob storage as the azure-storage-blob client and plain HTTP see it, through the proxy."""

import asyncio
import base64
import hashlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import requests
from azure.core import MatchConditions
from azure.core.credentials import AccessToken
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import (
    BlobBlock,
    BlobLeaseClient,
    BlobServiceClient,
    BlobType,
    ContentSettings,
    generate_account_sas,
    generate_blob_sas,
    generate_container_sas,
)

from phift.emulator.blobs.account import blobs_of
from phift.emulator.home import Home
from phift.emulator.server import Server

CONTAINER = "things"


class Running:
    """A served home, in a thread of this process."""

    def __init__(self, path) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self.call(self._build(path))
        self.call(self.server.start(0))
        self.account = self.call(self._account())
        self.proxies = {"https": f"http://127.0.0.1:{self.server.port}"}
        self.transport = {
            "proxies": self.proxies,
            "connection_verify": self.server.ca_file,
            "retry_total": 0,
        }
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.proxies = self.proxies
        self.session.verify = self.server.ca_file

    async def _build(self, path):
        return Server(Home(path), "admin")

    async def _account(self):
        return blobs_of(self.server.emulator)

    def call(self, coro):
        return asyncio.run_coroutine_threadsafe(coro, self.loop).result(30)

    def do(self, function, *arguments, **named):
        """Runs a function on the emulator's thread."""

        async def run():
            return function(*arguments, **named)

        return self.call(run())

    def service(self, credential=None, **options) -> BlobServiceClient:
        key = credential or self.account.key
        return BlobServiceClient(self.account.url, credential=key, **self.transport, **options)

    def close(self) -> None:
        self.session.close()
        self.call(self.server.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("home"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def service(running):
    with running.service() as service:
        yield service


@pytest.fixture
def container(service):
    client = service.get_container_client(CONTAINER)
    client.create_container()
    yield client
    client.delete_container()


def test_a_small_blob_comes_back_with_its_headers(container):
    blob = container.get_blob_client("a folder/ü & <x>.txt")
    settings = ContentSettings(content_type="text/plain", content_language="en", cache_control="no-store")
    put = blob.upload_blob(b"hello", metadata={"upload_status": "completed"}, content_settings=settings)
    got = blob.get_blob_properties()
    assert blob.download_blob().readall() == b"hello"
    assert got.etag == put["etag"]
    assert got.size == 5
    assert got.metadata == {"upload_status": "completed"}
    assert (got.content_settings.content_type, got.content_settings.content_language) == ("text/plain", "en")
    assert got.content_settings.cache_control == "no-store"
    assert bytes(got.content_settings.content_md5) == hashlib.md5(b"hello").digest()
    assert (got.lease.state, got.lease.status) == ("available", "unlocked")


def test_blocks_sent_in_parallel_make_one_blob(running, container):
    mib = 1024 * 1024
    data = os.urandom(9 * mib + 17)
    with running.service(max_single_put_size=mib, max_block_size=mib, max_single_get_size=mib) as service:
        blob = service.get_blob_client(CONTAINER, "big.bin")
        blob.upload_blob(data, max_concurrency=8)
        committed, uncommitted = blob.get_block_list("all")
        assert len(committed) == 10
        assert uncommitted == []
        assert blob.download_blob(max_concurrency=4).readall() == data
        assert blob.download_blob(offset=mib - 3, length=10).readall() == data[mib - 3 :][:10]


def test_block_list_reuses_committed_blocks_and_refuses_unknown_ones(container):
    blob = container.get_blob_client("b")
    blob.stage_block("AAAA", b"one ")
    blob.stage_block("AAAB", b"two ")
    assert [b.id for b in blob.get_block_list("uncommitted")[1]] == ["AAAA", "AAAB"]
    assert not blob.exists()
    blob.commit_block_list([BlobBlock("AAAA"), BlobBlock("AAAB"), BlobBlock("AAAA")])
    assert blob.download_blob().readall() == b"one two one "
    blob.stage_block("AAAC", b"three")
    blob.commit_block_list([BlobBlock("AAAB"), BlobBlock("AAAC")])
    assert blob.download_blob().readall() == b"two three"
    with pytest.raises(HttpResponseError) as caught:
        blob.commit_block_list([BlobBlock("AAAA")])
    assert caught.value.error_code == "InvalidBlockList"
    blob.stage_block("AAAA", b"x")
    with pytest.raises(HttpResponseError) as caught:
        blob.stage_block("longer than the others", b"y")
    assert caught.value.error_code == "InvalidBlobOrBlock"


def test_append_blob_grows_and_checks_its_position(container):
    blob = container.get_blob_client("log.txt")
    blob.upload_blob(b"first\n", blob_type=BlobType.APPENDBLOB)
    answer = blob.append_block(b"second\n", appendpos_condition=6)
    assert answer["blob_append_offset"] == "6"
    assert answer["blob_committed_block_count"] == 2
    assert blob.download_blob().readall() == b"first\nsecond\n"
    with pytest.raises(HttpResponseError) as caught:
        blob.append_block(b"x", appendpos_condition=6)
    assert (caught.value.status_code, caught.value.error_code) == (412, "AppendPositionConditionNotMet")
    with pytest.raises(HttpResponseError) as caught:
        blob.append_block(b"x", maxsize_condition=13)
    assert caught.value.error_code == "MaxBlobSizeConditionNotMet"
    blob.append_block(os.urandom(700_000))
    blob.append_block(b"tail")
    assert blob.download_blob().readall()[-4:] == b"tail"
    with pytest.raises(HttpResponseError) as caught:
        blob.stage_block("AAAA", b"x")
    assert caught.value.error_code == "InvalidBlobType"


def test_an_empty_blob_has_no_range(running, container):
    blob = container.get_blob_client("empty")
    blob.upload_blob(b"")
    assert blob.download_blob().readall() == b""
    url = running.account.sas_url(CONTAINER, "empty")
    answer = running.session.get(url, headers={"x-ms-range": "bytes=0-10"})
    assert answer.status_code == 416
    assert answer.headers["x-ms-error-code"] == "InvalidRange"


def test_ranges(running, container):
    container.upload_blob("r", b"0123456789")
    url = running.account.sas_url(CONTAINER, "r")
    part = running.session.get(url, headers={"Range": "bytes=8-1", "x-ms-range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["Content-Range"] == "bytes 2-4/10"
    assert part.headers["x-ms-blob-content-md5"] == base64.b64encode(hashlib.md5(b"0123456789").digest()).decode()
    assert "Content-MD5" not in part.headers
    rest = running.session.get(url, headers={"Range": "bytes=7-", "x-ms-range-get-content-md5": "true"})
    assert (rest.status_code, rest.content) == (206, b"789")
    assert rest.headers["Content-MD5"] == base64.b64encode(hashlib.md5(b"789").digest()).decode()
    assert running.session.get(url, headers={"Range": "bytes=10-"}).status_code == 416
    assert running.session.get(url, headers={"Range": "lines=1-2"}).content == b"0123456789"


def test_conditions(running, container):
    blob = container.get_blob_client("c")
    with pytest.raises(ResourceModifiedError):
        blob.upload_blob(b"0", overwrite=True, match_condition=MatchConditions.IfPresent)
    first = blob.upload_blob(b"1")["etag"]
    with pytest.raises(ResourceExistsError) as caught:
        blob.upload_blob(b"2")
    assert caught.value.error_code == "BlobAlreadyExists"
    second = blob.upload_blob(b"2", overwrite=True, etag=first, match_condition=MatchConditions.IfNotModified)["etag"]
    assert second != first
    with pytest.raises(ResourceModifiedError) as caught:
        blob.upload_blob(b"3", overwrite=True, etag=first, match_condition=MatchConditions.IfNotModified)
    assert caught.value.error_code == "ConditionNotMet"
    url = running.account.sas_url(CONTAINER, "c", "rd")
    hour = timedelta(hours=1)
    past, coming = (f"{datetime.now(UTC) + sign * hour:%a, %d %b %Y %H:%M:%S GMT}" for sign in (-1, 1))

    def ask(method, **headers):
        answer = running.session.request(method, url, headers={k.replace("_", "-"): v for k, v in headers.items()})
        return answer.status_code, answer.headers.get("x-ms-error-code")

    assert ask("GET", If_None_Match=second) == (304, "ConditionNotMet")
    assert ask("GET", If_None_Match=first) == (200, None)
    assert ask("HEAD", If_Match=first) == (412, "ConditionNotMet")
    assert ask("HEAD", If_Unmodified_Since=past) == (412, "ConditionNotMet")
    assert ask("HEAD", If_Modified_Since=past) == (200, None)
    assert ask("GET", If_Modified_Since=coming) == (304, "ConditionNotMet")
    assert ask("GET", If_Modified_Since="noon") == (400, "InvalidHeaderValue")
    assert ask("DELETE", If_Match=first) == (412, "ConditionNotMet")
    assert ask("DELETE", If_Match=f'"else", {second}') == (202, None)
    assert ask("DELETE") == (404, "BlobNotFound")


def test_leases_guard_writes(container):
    blob = container.get_blob_client("leased")
    blob.upload_blob(b"1")
    etag = blob.get_blob_properties().etag
    lease = blob.acquire_lease(15)
    assert blob.get_blob_properties().etag == etag
    assert blob.get_blob_properties().lease.duration == "fixed"
    assert _code(blob.acquire_lease, 15) == (409, "LeaseAlreadyPresent")
    assert _code(blob.upload_blob, b"2", overwrite=True) == (412, "LeaseIdMissing")
    other = "00000000-0000-0000-0000-000000000001"
    assert _code(blob.delete_blob, lease=other) == (412, "LeaseIdMismatchWithBlobOperation")
    assert _code(BlobLeaseClient(blob, other).renew) == (409, "LeaseIdMismatchWithLeaseOperation")
    blob.upload_blob(b"2", overwrite=True, lease=lease)
    lease.renew()
    lease.change(other)
    assert lease.break_lease(lease_break_period=0) == 0
    assert blob.get_blob_properties().lease.state == "broken"
    assert _code(lease.renew) == (409, "LeaseIsBrokenAndCannotBeRenewed")
    endless = blob.acquire_lease(-1)
    assert blob.get_blob_properties().lease.duration == "infinite"
    gone = endless.id
    endless.release()
    assert _code(BlobLeaseClient(blob, gone).release) == (409, "LeaseIdMismatchWithLeaseOperation")
    assert _code(blob.upload_blob, b"3", overwrite=True, lease=gone) == (412, "LeaseNotPresentWithBlobOperation")
    assert _code(blob.acquire_lease, 14) == (400, "InvalidHeaderValue")


def _code(call, *arguments, **named):
    with pytest.raises(HttpResponseError) as caught:
        call(*arguments, **named)
    return caught.value.status_code, caught.value.error_code


def test_listing_pages_folds_and_shows_metadata(container):
    for name in ("a/1", "a/2", "b/c/3", "b/d", "top", "zoë <&>"):
        container.upload_blob(name, b"x", metadata={"of": "it"})
    names = [blob.name for blob in container.list_blobs(results_per_page=2)]
    assert names == ["a/1", "a/2", "b/c/3", "b/d", "top", "zoë <&>"]
    assert [blob.name for blob in container.list_blobs("b/")] == ["b/c/3", "b/d"]
    assert [item.name for item in container.walk_blobs(results_per_page=1)] == ["a/", "b/", "top", "zoë <&>"]
    assert [item.name for item in container.walk_blobs("b/")] == ["b/c/", "b/d"]
    listed = next(iter(container.list_blobs("a/", include=["metadata"])))
    assert listed.metadata == {"of": "it"}
    assert (listed.size, listed.blob_type, listed.lease.state) == (1, "BlockBlob", "available")


def test_containers(service):
    with pytest.raises(ResourceNotFoundError) as caught:
        service.get_container_client("missing").get_container_properties()
    assert caught.value.error_code == "ContainerNotFound"
    with pytest.raises(HttpResponseError) as caught:
        service.create_container("Bad--Name")
    assert caught.value.error_code == "InvalidResourceName"
    made = service.create_container("made", metadata={"k": "v"})
    with pytest.raises(ResourceExistsError):
        service.create_container("made")
    assert made.get_container_properties().metadata == {"k": "v"}
    assert "made" in [item.name for item in service.list_containers(results_per_page=1)]
    made.delete_container()
    assert not made.exists()


def test_a_wrong_md5_is_refused_and_leaves_nothing(running, container):
    url = running.account.sas_url(CONTAINER, "m", "rcw")
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    answer = running.session.put(url, data=b"data", headers={"x-ms-blob-type": "BlockBlob", "Content-MD5": wrong})
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (400, "Md5Mismatch")
    assert answer.content.startswith(b"\xef\xbb\xbf<?xml")
    assert b"<ServerCalculatedMd5>" in answer.content
    assert running.session.get(url).status_code == 404


def test_head_of_a_missing_blob_has_no_body(running, container):
    answer = running.session.head(running.account.sas_url(CONTAINER, "none"))
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (404, "BlobNotFound")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in answer.headers
    assert "Content-Type" not in answer.headers


def test_a_blob_being_read_survives_its_overwriting(running, container):
    data = os.urandom(8 * 1024 * 1024)
    container.upload_blob("old", data)
    with running.session.get(running.account.sas_url(CONTAINER, "old"), stream=True) as answer:
        stream = answer.iter_content(64 * 1024)
        seen = next(stream)
        container.upload_blob("old", b"new", overwrite=True)
        assert seen + b"".join(stream) == data


class Broken:
    """A body that ends too early."""

    def __init__(self) -> None:
        self.left = 3

    def read(self, size=-1):
        self.left -= 1
        if self.left < 0:
            raise InterruptedError
        return os.urandom(300_000)


def test_an_upload_that_breaks_off_leaves_nothing(running, container):
    folder = running.server.home.path / "blobs"

    def content():
        return {path.name for path in folder.rglob("*") if path.is_file()}

    before = content()
    url = running.account.sas_url(CONTAINER, "broken", "rcw")
    headers = {"x-ms-blob-type": "BlockBlob", "Content-Length": "5000000"}
    with pytest.raises(requests.ConnectionError):
        running.session.put(url, data=Broken(), headers=headers)
    deadline = time.monotonic() + 5
    while content() != before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert content() == before
    assert running.session.get(url).status_code == 404


def test_a_body_of_unknown_length_is_stored(running, container):
    url = running.account.sas_url(CONTAINER, "chunked", "rcw")
    put = running.session.put(url, data=iter([b"one ", b"two"]), headers={"x-ms-blob-type": "BlockBlob"})
    assert put.status_code == 201
    assert running.session.get(url).content == b"one two"


def test_many_writers_at_once(container):
    def write(number):
        blob = container.get_blob_client(f"many/{number}")
        blob.upload_blob(str(number).encode())
        return blob.download_blob().readall()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(write, range(60))) == [str(number).encode() for number in range(60)]


# who may do what


def test_account_sas_is_held_to_its_letters(running, service, container):
    name, key = running.account.name, running.account.key
    soon = datetime.now(UTC) + timedelta(minutes=5)

    def client(permission, resource_types="co", expiry=soon, key=key):
        token = generate_account_sas(name, key, resource_types, permission, expiry)
        return running.service(token).get_container_client(CONTAINER)

    client("c").upload_blob("new", b"1")
    assert _code(client("c").upload_blob, "new", b"2", overwrite=True) == (403, "AuthorizationPermissionMismatch")
    client("w").upload_blob("new", b"2", overwrite=True)
    assert client("r").download_blob("new").readall() == b"2"
    assert _code(client("w").download_blob, "new") == (403, "AuthorizationPermissionMismatch")
    assert _code(client("r").delete_blob, "new") == (403, "AuthorizationPermissionMismatch")
    assert [blob.name for blob in client("l").list_blobs()] == ["new"]
    assert _code(lambda: list(client("l", "o").list_blobs())) == (403, "AuthorizationResourceTypeMismatch")
    past = datetime.now(UTC) - timedelta(seconds=1)
    assert _code(client("r", expiry=past).download_blob, "new") == (403, "AuthenticationFailed")
    forged = base64.b64encode(b"x" * 64).decode()
    assert _code(client("r", key=forged).download_blob, "new") == (403, "AuthenticationFailed")
    listing = running.service(generate_account_sas(name, key, "co", "rl", soon))
    assert _code(lambda: list(listing.list_containers())) == (403, "AuthorizationResourceTypeMismatch")


def test_service_sas_opens_its_blob_or_container_only(running, container):
    name, key = running.account.name, running.account.key
    soon = datetime.now(UTC) + timedelta(minutes=5)
    container.upload_blob("mine", b"1")
    container.upload_blob("other", b"2")
    token = generate_blob_sas(name, CONTAINER, "mine", account_key=key, permission="r", expiry=soon, content_type="a/b")
    with running.service(token) as service:
        client = service.get_container_client(CONTAINER)
        download = client.download_blob("mine")
        assert (download.readall(), download.properties.content_settings.content_type) == (b"1", "a/b")
        assert _code(client.download_blob, "other") == (403, "AuthenticationFailed")
    token = generate_container_sas(name, CONTAINER, account_key=key, permission="rwl", expiry=soon)
    with running.service(token) as service:
        client = service.get_container_client(CONTAINER)
        assert [blob.name for blob in client.list_blobs()] == ["mine", "other"]
        assert _code(client.delete_container) == (403, "AuthorizationResourceTypeMismatch")
    with running.service(running.do(running.account.datastore_sas, 60)) as service:
        assert service.get_blob_client(CONTAINER, "other").download_blob().readall() == b"2"
    bare = running.session.get(running.account.blob_url(CONTAINER, "mine"))
    assert (bare.status_code, bare.headers["x-ms-error-code"]) == (409, "PublicAccessNotPermitted")


def test_shared_key_is_verified(running, container):
    container.upload_blob("k", b"1", metadata={"a": "1", "a_b": "2", "ab": "3", "a1": "4"})
    forged = base64.b64encode(b"x" * 64).decode()
    with running.service(forged) as service:
        blob = service.get_blob_client(CONTAINER, "k")
        with pytest.raises(ClientAuthenticationError) as caught:
            blob.download_blob()
        assert caught.value.error_code == "AuthenticationFailed"


class _Token:
    def __init__(self, running, audience="https://storage.azure.com", seconds=600) -> None:
        self.token = running.server.emulator.tokens.mint(audience, "client", seconds=seconds)

    def get_token(self, *scopes, **named):
        return AccessToken(self.token, 2**40)


def test_bearer_tokens_need_the_right_audience_and_time(running, container):
    container.upload_blob("t", b"1")

    def read(token):
        with running.service(token) as service:
            return service.get_blob_client(CONTAINER, "t").download_blob().readall()

    assert read(_Token(running)) == b"1"
    assert _code(read, _Token(running, "https://management.azure.com"))[0] == 401
    assert _code(read, _Token(running, seconds=-5))[0] == 401
    running.do(running.account.switch, dataRoleAssigned=False)
    try:
        assert _code(read, _Token(running)) == (403, "AuthorizationPermissionMismatch")
    finally:
        running.do(running.account.switch, dataRoleAssigned=True)


def test_an_account_without_shared_keys_refuses_keys_and_signatures(running, container):
    container.upload_blob("s", b"1")
    running.do(running.account.switch, allowSharedKeyAccess=False)
    try:
        url = running.account.sas_url(CONTAINER, "s")
        answer = running.session.get(url)
        assert (answer.status_code, answer.headers["x-ms-error-code"]) == (403, "KeyBasedAuthenticationNotPermitted")
        assert answer.headers["Server"] == "Microsoft-HTTPAPI/2.0"
        assert "x-ms-version" not in answer.headers
        assert _code(container.upload_blob, "s2", b"1")[1] == "KeyBasedAuthenticationNotPermitted"
        with running.service(_Token(running)) as service:
            assert service.get_blob_client(CONTAINER, "s").download_blob().readall() == b"1"
    finally:
        running.do(running.account.switch, allowSharedKeyAccess=True)


@pytest.mark.parametrize("comp", ["snapshot", "tier", "tags", "undelete", "copy"])
def test_what_is_not_emulated_says_so(running, container, comp):
    container.upload_blob("u", b"1")
    answer = running.session.put(running.account.sas_url(CONTAINER, "u", "rw") + f"&comp={comp}")
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (501, "NotImplemented")
    assert f"comp={comp}" in answer.text
