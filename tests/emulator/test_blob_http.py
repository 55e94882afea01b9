"""Blob storage over HTTP: what is the emulator's own."""

import os
import time

import pytest
import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import (
    HttpResponseError,
)

from tests.emulator.blobtargets import Served

CONTAINER = "things"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    running = Served(tmp_path_factory.mktemp("home"))
    yield running
    running.close()


@pytest.fixture
def container(running):
    with running.service() as service:
        client = service.get_container_client(CONTAINER)
        client.create_container()
        yield client
        client.delete_container()


def _code(call, *arguments, **named):
    with pytest.raises(HttpResponseError) as caught:
        call(*arguments, **named)
    return caught.value.status_code, caught.value.error_code


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
