"""A served emulator, and a plain HTTP client that reaches it as any Azure client does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.storage.blob import BlobServiceClient, ContainerClient

from phift.emulator import lifecycle
from phift.emulator.lifecycle import Connection
from tests.emulator.blobtargets import CONTAINER, EXPECTED, Azurite, Served, Target, azurite_missing

WORKSPACE_API = "2023-08-01-preview"


class Azure:
    """Requests through the proxy, with a token of the home's own credential."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.proxies = {"https": connection.proxy_url, "http": connection.proxy_url}
        self.session.verify = connection.ca_file
        self._tokens: dict[str, str] = {}

    @property
    def workspace(self) -> str:
        c = self.connection
        return (
            f"/subscriptions/{c.subscription_id}/resourceGroups/{c.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{c.workspace_name}"
        )

    def token(self, audience: str = "https://management.azure.com") -> str:
        if audience not in self._tokens:
            answer = self.session.post(
                f"https://login.microsoftonline.com/{self.connection.tenant_id}/oauth2/v2.0/token",
                data={
                    "client_id": self.connection.client_id,
                    "client_secret": self.connection.client_secret,
                    "grant_type": "client_credentials",
                    "scope": f"{audience}/.default",
                },
            )
            assert answer.status_code == 200, answer.text
            self._tokens[audience] = answer.json()["access_token"]
        return self._tokens[audience]

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        host: str = "management.azure.com",
        api: str = WORKSPACE_API,
        **query: str,
    ) -> requests.Response:
        """A request with a bearer token. path: absolute, or below the workspace when it has no leading slash."""
        full = path if path.startswith("/") else f"{self.workspace}/{path}"
        return self.session.request(
            method,
            f"https://{host}{full}",
            json=body,
            params={"api-version": api, **query},
            headers={"Authorization": f"Bearer {self.token()}"},
        )

    def wait(self, started: requests.Response, seconds: float = 10.0) -> dict[str, Any]:
        """The status document in which an operation ends."""
        url = started.headers["Azure-AsyncOperation"]
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = self.session.get(url, headers={"Authorization": f"Bearer {self.token()}"})
            document: dict[str, Any] = answer.json()
            if document["status"] not in {"InProgress", "Updating"}:
                return document
            time.sleep(0.02)
        raise AssertionError(f"still running after {seconds} s: {url}")

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        return lifecycle.request(self.connection, method, path, body)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """One emulator a test module."""
    home = tmp_path_factory.mktemp("served") / "home"
    connection = lifecycle.ensure(home, idle_seconds=600)
    try:
        yield connection
    finally:
        lifecycle.stop(home)


@pytest.fixture
def azure(served: Connection) -> Iterator[Azure]:
    client = Azure(served)
    with client.session:
        yield client
        client.admin("DELETE", "/faults")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home of the test's own; whatever was started in it is stopped."""
    path = tmp_path / "home"
    yield path
    lifecycle.stop(path)


# blob storage: each test that asks for one of these runs against both services


@pytest.fixture(scope="module", params=["embedded", "azurite"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The embedded Azure ML's blob service, then Azurite's where it is installed."""
    if request.param == "azurite" and (missing := azurite_missing()):
        pytest.skip(missing)
    kind: type[Served] | type[Azurite] = Served if request.param == "embedded" else Azurite
    target = kind(tmp_path_factory.mktemp(request.param))
    yield target
    target.close()


@pytest.fixture(scope="module")
def service(target: Target) -> Iterator[BlobServiceClient]:
    with target.service() as service:
        yield service


@pytest.fixture
def expected(request: pytest.FixtureRequest, target: Target) -> None:
    """A test that Azurite is known to fail must fail there: the table in docs/emulator.md is made of this."""
    case = getattr(request.node, "callspec", None)
    name = (case.params.get("case") if case else None) or request.node.originalname
    reason = next((row["azurite"] for row in EXPECTED["differences"] if name in row["tests"]), None)
    if isinstance(target, Azurite) and reason:
        request.applymarker(pytest.mark.xfail(reason=f"Azurite {reason}", strict=True))


@pytest.fixture
def container(service: BlobServiceClient, expected: None) -> Iterator[ContainerClient]:
    """An empty container of the target."""
    client = service.get_container_client(CONTAINER)
    client.create_container()
    yield client
    client.delete_container()
