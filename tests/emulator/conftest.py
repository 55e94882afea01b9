"""A served emulator, and clients of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from phift.emulator.host import lifecycle
from phift.emulator.host.lifecycle import Connection
from tests.emulator.blobtargets import CONTAINER, EXPECTED, Azurite, Served, Target, azurite_missing
from tests.emulator.client import Azure


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
    """The emulator's blob service, then Azurite's where it is installed."""
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
