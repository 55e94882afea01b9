"""What blob storage refuses, and how, and what it tells of a blob: the same of the emulator and of Azurite."""

import base64
import hashlib

import pytest
from azure.storage.blob import ContentSettings

from tests.emulator.blobtargets import CONTAINER

LOST = "LeaseNotPresentWithBlobOperation"
ABSENT = "00000000-0000-0000-0000-000000000001"
TWO = "MultipleConditionHeadersNotSupported"
NO_LEASE = "LeaseNotPresentWithLeaseOperation"
MISMATCH = "LeaseIdMismatchWithLeaseOperation"
WRONG = base64.b64encode(hashlib.md5(b"other").digest()).decode()
LIST = b"<?xml version='1.0'?><BlockList><Latest>QUFB</Latest></BlockList>"
TOLD = {
    "accept-ranges",
    "content-length",
    "content-md5",
    "content-type",
    "etag",
    "last-modified",
    "x-ms-blob-type",
    "x-ms-creation-time",
    "x-ms-lease-state",
    "x-ms-lease-status",
    "x-ms-meta-k",
    "x-ms-server-encrypted",
    "x-ms-version",
}


def _acquire(seconds):
    return {"x-ms-lease-action": "acquire", "x-ms-lease-duration": seconds}


def _with_id(action):
    return {"x-ms-lease-action": action, "x-ms-lease-id": ABSENT}


# what is refused, and how: by method, address, headers and body

BLOCK = {"x-ms-blob-type": "BlockBlob"}
REFUSED = {
    "get-missing": ("GET", "none", {}, b"", 404, "BlobNotFound"),
    "delete-missing": ("DELETE", "none", {}, b"", 404, "BlobNotFound"),
    "metadata-of-missing": ("PUT", "none?comp=metadata", {}, b"", 404, "BlobNotFound"),
    "put-without-type": ("PUT", "new", {}, b"x", 400, "MissingRequiredHeader"),
    "put-unknown-type": ("PUT", "new", {"x-ms-blob-type": "Cube"}, b"x", 400, "InvalidHeaderValue"),
    "put-there-already": ("PUT", "there", BLOCK | {"If-None-Match": "*"}, b"x", 409, "BlobAlreadyExists"),
    "put-if-match-other": ("PUT", "there", BLOCK | {"If-Match": '"0x1"'}, b"x", 412, "ConditionNotMet"),
    "put-if-match-two": ("PUT", "there", BLOCK | {"If-Match": '"1", "2"'}, b"x", 400, TWO),
    "put-with-a-lease-of-none": ("PUT", "there", BLOCK | {"x-ms-lease-id": ABSENT}, b"x", 412, LOST),
    "put-bad-metadata": ("PUT", "new", BLOCK | {"x-ms-meta-1-a": "x"}, b"x", 400, "InvalidMetadata"),
    "append-with-body": ("PUT", "new", {"x-ms-blob-type": "AppendBlob"}, b"x", 400, "InvalidHeaderValue"),
    "block-without-id": ("PUT", "new?comp=block", {}, b"x", 400, "InvalidQueryParameterValue"),
    "block-id-not-base64": ("PUT", "new?comp=block&blockid=%2A%2A", {}, b"x", 400, "InvalidQueryParameterValue"),
    "block-wrong-md5": ("PUT", "new?comp=block&blockid=AAAA", {"Content-MD5": WRONG}, b"x", 400, "Md5Mismatch"),
    "block-list-no-xml": ("PUT", "new?comp=blocklist", {}, b"<Block", 400, "InvalidXmlDocument"),
    "block-list-wrong-md5": ("PUT", "new?comp=blocklist", {"Content-MD5": WRONG}, LIST, 400, "Md5Mismatch"),
    "block-list-unknown": ("PUT", "new?comp=blocklist", {}, LIST, 400, "InvalidBlockList"),
    "block-list-of-missing": ("GET", "none?comp=blocklist", {}, b"", 404, "BlobNotFound"),
    "block-list-of-append": ("GET", "log?comp=blocklist", {}, b"", 409, "InvalidBlobType"),
    "append-to-missing": ("PUT", "none?comp=appendblock", {}, b"x", 404, "BlobNotFound"),
    "append-to-block-blob": ("PUT", "there?comp=appendblock", {}, b"x", 409, "InvalidBlobType"),
    "append-nothing": ("PUT", "log?comp=appendblock", {}, b"", 400, "InvalidHeaderValue"),
    "lease-without-action": ("PUT", "there?comp=lease", {}, b"", 400, "MissingRequiredHeader"),
    "lease-odd-action": ("PUT", "there?comp=lease", {"x-ms-lease-action": "lend"}, b"", 400, "InvalidHeaderValue"),
    "lease-too-short": ("PUT", "there?comp=lease", _acquire("14"), b"", 400, "InvalidHeaderValue"),
    "lease-of-missing": ("PUT", "none?comp=lease", _acquire("15"), b"", 404, "BlobNotFound"),
    "lease-bad-proposal": (
        "PUT",
        "there?comp=lease",
        _acquire("15") | {"x-ms-proposed-lease-id": "mine"},
        b"",
        400,
        "InvalidHeaderValue",
    ),
    "break-no-lease": ("PUT", "there?comp=lease", {"x-ms-lease-action": "break"}, b"", 409, NO_LEASE),
    "renew-no-lease": ("PUT", "there?comp=lease", _with_id("renew"), b"", 409, NO_LEASE),
    "release-no-lease": ("PUT", "there?comp=lease", _with_id("release"), b"", 409, MISMATCH),
    "read-with-a-lease-of-none": ("GET", "there", {"x-ms-lease-id": ABSENT}, b"", 412, LOST),
    "list-no-results": (
        "GET",
        "?restype=container&comp=list&maxresults=0",
        {},
        b"",
        400,
        "OutOfRangeQueryParameterValue",
    ),
    "list-odd-number": ("GET", "?restype=container&comp=list&maxresults=a", {}, b"", 400, "InvalidQueryParameterValue"),
    "list-odd-include": ("GET", "?restype=container&comp=list&include=it", {}, b"", 400, "InvalidQueryParameterValue"),
    "md5-of-no-range": ("GET", "there", {"x-ms-range-get-content-md5": "true"}, b"", 400, "InvalidHeaderValue"),
    "odd-date": ("GET", "there", {"If-Modified-Since": "noon"}, b"", 400, "InvalidHeaderValue"),
    "post": ("POST", "there", {}, b"x", 405, "UnsupportedHttpVerb"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(target, container, case):
    method, address, headers, body, status, code = REFUSED[case]
    container.upload_blob("there", b"1")
    container.get_blob_client("log").create_append_blob()
    name, _, query = address.partition("?")
    url = target.sas_url(CONTAINER, permissions="racwdl")
    url = url.replace("?", f"/{name}?" if name else "?", 1) + ("&" + query if query else "")
    answer = target.session.request(method, url, headers=headers, data=body)
    assert (answer.status_code, answer.headers.get("x-ms-error-code")) == (status, code)
    assert f"<Code>{code}</Code>" in answer.text


def test_what_a_blob_is_told_with(target, container):
    container.upload_blob("b", b"12345", metadata={"k": "v"}, content_settings=ContentSettings(content_type="a/b"))
    url = target.sas_url(CONTAINER, "b")
    get, head = target.session.get(url), target.session.head(url)
    own = {"date", "server", "connection", "keep-alive", "x-phift-emulator"}
    assert set(map(str.lower, get.headers)) - own == TOLD
    assert set(map(str.lower, head.headers)) - own == TOLD | {"x-ms-access-tier", "x-ms-access-tier-inferred"}
