"""Every envelope of the service becomes the right error, and no secret survives."""

from __future__ import annotations

import json

import pytest
from azure.core import exceptions as core
from hypothesis import given, settings
from hypothesis import strategies as st

from phift import errors
from phift.azure.errors import from_exception, from_response, redact, retry_after

URL = "https://management.azure.com/subscriptions/s/x?api-version=1&sig=SECRET"

IMMUTABLE = {
    "error": {
        "code": "UserError",
        "message": "A job with this name already exists.",
        "details": [],
        "additionalInfo": [
            {"type": "ComponentName", "info": {"value": "managementfrontend"}},
            {
                "type": "InnerError",
                "info": {
                    "value": {"code": "Immutable", "innerError": {"code": "JobPropertyImmutable", "innerError": None}}
                },
            },
        ],
    }
}
PROBLEM = {
    "errors": {"VmSize": ["Not enough quota available for Standard_F4s_v2. Additional needed: 8"]},
    "type": "https://tools.ietf.org/html/rfc7231",
    "title": "One or more validation errors occurred.",
    "status": 400,
}
QUOTA = {
    "error": {
        "code": "BadRequest",
        "message": "The request is invalid.",
        "details": [{"code": "InferencingClientCreateDeploymentFailed", "message": json.dumps(PROBLEM)}],
    }
}
DATA_PLANE = {
    "error": {
        "code": "UserError",
        "severity": None,
        "message": "Run not found.",
        "details": [],
        "innerError": {"code": "NotFound", "innerError": {"code": "RunNotFound"}},
    },
    "correlation": {"operation": "1"},
    "statusCode": 404,
}
BLOB = (
    b"\xef\xbb\xbf<?xml version='1.0'?>"
    b"<Error><Code>LeaseIdMissing</Code><Message>There is a lease.\nTime:x</Message></Error>"
)


def error(status: int, body: object, headers: dict[str, str] | None = None) -> errors.AzureError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return from_response("PUT", URL, status, headers or {}, data)


def test_resource_manager_tells_its_innermost_code() -> None:
    found = error(400, IMMUTABLE)
    assert type(found) is errors.AzureError
    assert (found.code, found.status, found.method) == ("JobPropertyImmutable", 400, "PUT")
    assert found.summary == "A job with this name already exists."


def test_a_problem_hidden_in_a_detail_is_unfolded() -> None:
    found = error(400, QUOTA)
    assert found.code == "InferencingClientCreateDeploymentFailed"
    assert found.summary == "VmSize: Not enough quota available for Standard_F4s_v2. Additional needed: 8"


def test_data_plane_blob_and_login_envelopes() -> None:
    missing = error(404, DATA_PLANE)
    assert isinstance(missing, errors.NotFoundError)
    assert missing.code == "RunNotFound"
    leased = error(412, BLOB)
    assert isinstance(leased, errors.ConflictError)
    assert (leased.code, leased.summary) == ("LeaseIdMissing", "There is a lease.")
    login = error(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret."})
    assert isinstance(login, errors.AuthenticationError)
    assert login.code == "invalid_client"


def test_answers_without_a_body_have_a_code_from_the_header() -> None:
    found = error(404, b"", {"x-ms-error-code": "BlobNotFound"})
    assert isinstance(found, errors.NotFoundError)
    assert found.code == "BlobNotFound"
    assert found.summary == "PUT https://management.azure.com/subscriptions/s/x: HTTP 404 BlobNotFound"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.AzureError),
        (401, errors.AuthenticationError),
        (403, errors.AzureError),
        (404, errors.NotFoundError),
        (408, errors.ServerError),
        (409, errors.ConflictError),
        (412, errors.ConflictError),
        (429, errors.ThrottledError),
        (500, errors.ServerError),
        (503, errors.ServerError),
    ],
)
def test_every_status_has_its_kind(status: int, kind: type[errors.AzureError]) -> None:
    assert type(error(status, {"error": {"code": "X", "message": "m"}})) is kind


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (core.ServiceRequestError("refused"), errors.UnreachableError),
        (core.ServiceRequestTimeoutError("slow"), errors.UnreachableError),
        (core.ServiceResponseError("dropped"), errors.UnreachableError),
        (core.ServiceResponseTimeoutError("slow"), errors.UnreachableError),
        (core.IncompleteReadError("half"), errors.UnreachableError),
        (core.HttpResponseError("eh"), errors.AzureError),
        (core.ClientAuthenticationError("who"), errors.AuthenticationError),
        (core.DecodeError("what"), errors.AzureError),
        (ConnectionResetError("gone"), errors.UnreachableError),
    ],
)
def test_every_exception_of_azure_core_has_its_kind(raised: Exception, kind: type[errors.AzureError]) -> None:
    found = from_exception(raised, "GET", URL)
    assert type(found) is kind
    assert "SECRET" not in str(found)


@settings(max_examples=60)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_body_whatever_breaks_the_translation(body: bytes) -> None:
    assert str(from_response("GET", URL, 500, {}, body))


KEYS = st.sampled_from(["error", "code", "message", "details", "innerError", "errors", "title", "additionalInfo"])
DOCUMENTS = st.recursive(
    st.none() | st.text(max_size=5),
    lambda inner: st.dictionaries(KEYS, inner | st.lists(inner, max_size=2), max_size=4),
    max_leaves=8,
)


@settings(max_examples=60)
@given(DOCUMENTS)
def test_no_json_whatever_breaks_the_translation(body: object) -> None:
    assert str(from_response("GET", URL, 400, {}, json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Failed to parse: http://phift:0a1b@127.0.0.1:80", "Failed to parse: http://phift:***@127.0.0.1:80"),
        ("to proxy 'http://me:p%40ss@proxy:3128'", "to proxy 'http://me:***@proxy:3128'"),
        ("https://account.blob.core.windows.net/a:b@c", "https://account.blob.core.windows.net/a:b@c"),
        ("http://host:80/ and me@example.org", "http://host:80/ and me@example.org"),
    ],
)
def test_credentials_in_urls_are_redacted(text: str, clean: str) -> None:
    assert redact(text) == clean


def test_secrets_are_redacted() -> None:
    text = (
        "https://a.blob.core.windows.net/c/b?sv=1&sig=abc%2B&se=2 Bearer abc.def-1 SharedKey acc:aGVsbG8= "
        'eyJhbGciOiJub25lIn0.eyJhdWQiOiJ4In0.c2ln client_secret=hush&x=1 {"primaryKey": "k1", "key":"k2"}'
    )
    clean = redact(text)
    for secret in ("abc%2B", "abc.def", "aGVsbG8", "eyJhb", "hush", "k1", "k2"):
        assert secret not in clean
    assert "sv=1" in clean
    found = error(403, {"error": {"code": "AuthenticationFailed", "message": "Signature did not match sig=abc&x=1"}})
    assert "abc" not in str(found)
    assert "SECRET" not in str(found) + found.url


def test_retry_after_is_read_in_every_form() -> None:
    assert retry_after({"Retry-After": "7"}) == 7
    assert retry_after({"x-ms-retry-after-ms": "1500"}) == 1.5
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None
    assert error(429, b"", {"Retry-After": "3"}).retry_after == 3
