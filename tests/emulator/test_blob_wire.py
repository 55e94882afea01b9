"""Blob storage as azure-storage-blob and plain HTTP see it: the same of the emulator and of Azurite."""

import base64
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from azure.core import MatchConditions
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
    BlobType,
    ContentSettings,
    generate_account_sas,
    generate_blob_sas,
    generate_container_sas,
)

from tests.emulator.blobtargets import CONTAINER


def _code(call, *arguments, **named):
    with pytest.raises(HttpResponseError) as caught:
        call(*arguments, **named)
    return caught.value.status_code, caught.value.error_code


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


def test_blocks_sent_in_parallel_make_one_blob(target, container):
    mib = 1024 * 1024
    data = os.urandom(9 * mib + 17)
    with target.service(max_single_put_size=mib, max_block_size=mib, max_single_get_size=mib) as service:
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


def test_an_empty_blob_has_no_range(target, container):
    blob = container.get_blob_client("empty")
    blob.upload_blob(b"")
    assert blob.download_blob().readall() == b""
    url = target.sas_url(CONTAINER, "empty")
    answer = target.session.get(url, headers={"x-ms-range": "bytes=0-10"})
    assert answer.status_code == 416
    assert answer.headers["x-ms-error-code"] == "InvalidRange"


def test_ranges(target, container):
    container.upload_blob("r", b"0123456789")
    url = target.sas_url(CONTAINER, "r")
    part = target.session.get(url, headers={"Range": "bytes=8-1", "x-ms-range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["Content-Range"] == "bytes 2-4/10"
    assert part.headers["x-ms-blob-content-md5"] == base64.b64encode(hashlib.md5(b"0123456789").digest()).decode()
    assert "Content-MD5" not in part.headers
    rest = target.session.get(url, headers={"Range": "bytes=7-", "x-ms-range-get-content-md5": "true"})
    assert (rest.status_code, rest.content) == (206, b"789")
    assert rest.headers["Content-MD5"] == base64.b64encode(hashlib.md5(b"789").digest()).decode()


def test_a_range_of_no_bytes_is_ignored(target, container):
    container.upload_blob("r", b"0123456789")
    answer = target.session.get(target.sas_url(CONTAINER, "r"), headers={"Range": "lines=1-2"})
    assert (answer.status_code, answer.content) == (200, b"0123456789")


def test_a_range_behind_the_end(target, container):
    container.upload_blob("r", b"0123456789")
    answer = target.session.get(target.sas_url(CONTAINER, "r"), headers={"Range": "bytes=10-"})
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (416, "InvalidRange")


def test_conditions(target, container):
    blob = container.get_blob_client("c")
    first = blob.upload_blob(b"1")["etag"]
    with pytest.raises(ResourceExistsError) as caught:
        blob.upload_blob(b"2")
    assert caught.value.error_code == "BlobAlreadyExists"
    second = blob.upload_blob(b"2", overwrite=True, etag=first, match_condition=MatchConditions.IfNotModified)["etag"]
    assert second != first
    with pytest.raises(ResourceModifiedError) as caught:
        blob.upload_blob(b"3", overwrite=True, etag=first, match_condition=MatchConditions.IfNotModified)
    assert caught.value.error_code == "ConditionNotMet"
    url = target.sas_url(CONTAINER, "c", "rd")
    hour = timedelta(hours=1)
    past, coming = (f"{datetime.now(UTC) + sign * hour:%a, %d %b %Y %H:%M:%S GMT}" for sign in (-1, 1))

    def ask(method, **headers):
        answer = target.session.request(method, url, headers={k.replace("_", "-"): v for k, v in headers.items()})
        return answer.status_code, answer.headers.get("x-ms-error-code")

    assert ask("GET", If_None_Match=second) == (304, "ConditionNotMet")
    assert ask("GET", If_None_Match=first) == (200, None)
    assert ask("HEAD", If_Match=first) == (412, "ConditionNotMet")
    assert ask("HEAD", If_Unmodified_Since=past) == (412, "ConditionNotMet")
    assert ask("HEAD", If_Modified_Since=past) == (200, None)
    assert ask("GET", If_Modified_Since=coming) == (304, "ConditionNotMet")
    assert ask("DELETE", If_Match=first) == (412, "ConditionNotMet")
    assert ask("DELETE", If_Match=second) == (202, None)
    assert ask("DELETE") == (404, "BlobNotFound")


def test_a_missing_blob_matches_no_etag(container):
    blob = container.get_blob_client("c")
    with pytest.raises(ResourceModifiedError):
        blob.upload_blob(b"0", overwrite=True, match_condition=MatchConditions.IfPresent)


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


def test_a_wrong_md5_is_refused_and_leaves_nothing(target, container):
    url = target.sas_url(CONTAINER, "m", "rcw")
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    answer = target.session.put(url, data=b"data", headers={"x-ms-blob-type": "BlockBlob", "Content-MD5": wrong})
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (400, "Md5Mismatch")
    assert answer.content.startswith(b"\xef\xbb\xbf<?xml")
    assert b"<ServerCalculatedMd5>" in answer.content
    assert target.session.get(url).status_code == 404


def test_head_of_a_missing_blob_has_no_body(target, container):
    answer = target.session.head(target.sas_url(CONTAINER, "none"))
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (404, "BlobNotFound")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in answer.headers
    assert "Content-Type" not in answer.headers


def test_a_blob_being_read_survives_its_overwriting(target, container):
    data = os.urandom(8 * 1024 * 1024)
    container.upload_blob("old", data)
    with target.session.get(target.sas_url(CONTAINER, "old"), stream=True) as answer:
        stream = answer.iter_content(64 * 1024)
        seen = next(stream)
        container.upload_blob("old", b"new", overwrite=True)
        assert seen + b"".join(stream) == data


def test_a_body_of_unknown_length_is_refused(target, container):
    url = target.sas_url(CONTAINER, "chunked", "rcw")
    put = target.session.put(url, data=iter([b"one ", b"two"]), headers={"x-ms-blob-type": "BlockBlob"})
    assert (put.status_code, put.headers["x-ms-error-code"]) == (411, "MissingContentLengthHeader")
    assert target.session.get(url).status_code == 404


def test_many_writers_at_once(container):
    def write(number):
        blob = container.get_blob_client(f"many/{number}")
        blob.upload_blob(str(number).encode())
        return blob.download_blob().readall()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(write, range(60))) == [str(number).encode() for number in range(60)]


# who may do what


def test_account_sas_is_held_to_its_letters(target, container):
    soon = datetime.now(UTC) + timedelta(minutes=5)

    def client(permission, resource_types="co"):
        token = generate_account_sas(target.name, target.key, resource_types, permission, soon)
        return target.service(token).get_container_client(CONTAINER)

    client("c").upload_blob("new", b"1")
    assert _code(client("c").upload_blob, "new", b"2", overwrite=True) == (403, "AuthorizationPermissionMismatch")
    client("w").upload_blob("new", b"2", overwrite=True)
    assert client("r").download_blob("new").readall() == b"2"
    assert _code(client("w").download_blob, "new") == (403, "AuthorizationPermissionMismatch")
    assert _code(client("r").delete_blob, "new") == (403, "AuthorizationPermissionMismatch")
    assert [blob.name for blob in client("l").list_blobs()] == ["new"]
    assert _code(lambda: list(client("l", "o").list_blobs())) == (403, "AuthorizationResourceTypeMismatch")
    listing = target.service(generate_account_sas(target.name, target.key, "co", "rl", soon))
    assert _code(lambda: list(listing.list_containers())) == (403, "AuthorizationResourceTypeMismatch")


def test_expired_and_forged_signatures_do_not_authenticate(target, container):
    container.upload_blob("new", b"1")
    forged = base64.b64encode(b"x" * 64).decode()
    for seconds, key in ((-1, target.key), (300, forged)):
        expiry = datetime.now(UTC) + timedelta(seconds=seconds)
        client = target.service(generate_account_sas(target.name, key, "co", "r", expiry))
        assert _code(client.get_blob_client(CONTAINER, "new").download_blob) == (403, "AuthenticationFailed")


def test_service_sas_opens_its_blob(target, container):
    soon = datetime.now(UTC) + timedelta(minutes=5)
    container.upload_blob("mine", b"1")
    signed = {"account_key": target.key, "permission": "r", "expiry": soon, "content_type": "a/b"}
    with target.service(generate_blob_sas(target.name, CONTAINER, "mine", **signed)) as service:
        download = service.get_blob_client(CONTAINER, "mine").download_blob()
        assert (download.readall(), download.properties.content_settings.content_type) == (b"1", "a/b")


def test_service_sas_opens_no_other_blob(target, container):
    container.upload_blob("other", b"2")
    answer = target.session.get(target.sas_url(CONTAINER, "mine").replace("/mine?", "/other?"))
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (403, "AuthenticationFailed")


def test_service_sas_opens_its_container(target, container):
    container.upload_blob("mine", b"1")
    soon = datetime.now(UTC) + timedelta(minutes=5)
    token = generate_container_sas(target.name, CONTAINER, account_key=target.key, permission="rwl", expiry=soon)
    with target.service(token) as service:
        client = service.get_container_client(CONTAINER)
        assert [blob.name for blob in client.list_blobs()] == ["mine"]
        assert client.download_blob("mine").readall() == b"1"


def test_service_sas_does_not_delete_its_container(target, container):
    answer = target.session.delete(target.sas_url(CONTAINER, permissions="rwdl") + "&restype=container")
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (403, "AuthorizationResourceTypeMismatch")


def test_without_authorization_there_is_no_access(target, container):
    container.upload_blob("mine", b"1")
    bare = target.session.get(target.blob_url(CONTAINER, "mine"))
    assert (bare.status_code, bare.headers["x-ms-error-code"]) == (409, "PublicAccessNotPermitted")


def test_shared_key_signs_metadata(container):
    container.upload_blob("k", b"1", metadata={"a": "1", "a_b": "2", "ab": "3", "a1": "4"})
    assert container.get_blob_client("k").get_blob_properties().metadata["a_b"] == "2"


def test_a_forged_shared_key_does_not_authenticate(target, container):
    container.upload_blob("k", b"1")
    forged = base64.b64encode(b"x" * 64).decode()
    with target.service(forged) as service, pytest.raises(ClientAuthenticationError) as caught:
        service.get_blob_client(CONTAINER, "k").download_blob()
    assert caught.value.error_code == "AuthenticationFailed"
