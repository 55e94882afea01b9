"""Which handler answers."""

from __future__ import annotations

from pathlib import Path

import pytest

import phift.emulator.services
from phift.emulator.compose import ROUTES
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.routing import Call, Host, Route, Router, host_kind


async def nothing(call: Call) -> None: ...


def route(method: str, path: str) -> Route:
    return Route(Host.ARM, method, path, nothing)  # type: ignore[arg-type]


ROUTER = Router(
    [
        route("GET", "/things/{name}"),
        route("PUT", "/things/{name}"),
        route("GET", "/things/special"),
        route("GET", "/things/{name}/parts/{part}"),
        route("GET", "/files/{container}/{blob:path}"),
        route("GET", "/{rest:path}"),
    ]
)


@pytest.mark.parametrize(
    ("path", "pattern", "params"),
    [
        ("/Things/A", "/things/{name}", {"name": "A"}),
        ("/things/SPECIAL", "/things/special", {}),
        ("/things/special/parts/p%2Fq", "/things/{name}/parts/{part}", {"name": "special", "part": "p/q"}),
        ("/files/c/a/b%20c/d", "/files/{container}/{blob:path}", {"container": "c", "blob": "a/b c/d"}),
        ("/things/A/", "/things/{name}", {"name": "A"}),
        ("/elsewhere/x", "/{rest:path}", {"rest": "elsewhere/x"}),
    ],
)
def test_literals_win_over_parameters_over_rests(path: str, pattern: str, params: dict[str, str]) -> None:
    found, values = ROUTER.match(Host.ARM, "GET", path)
    assert (found.path, values) == (pattern, params)


def test_another_method_is_405_with_what_is_allowed() -> None:
    with pytest.raises(ServiceError) as caught:
        Router([route("PUT", "/x")]).match(Host.ARM, "GET", "/x")
    assert (caught.value.status, caught.value.headers) == (405, {"Allow": "PUT"})
    with pytest.raises(ServiceError) as caught:
        Router([route("PUT", "/x")]).match(Host.ARM, "GET", "/y")
    assert caught.value.status == 404


def test_two_handlers_for_one_path_are_refused() -> None:
    with pytest.raises(ValueError, match="two handlers"):
        Router([route("GET", "/a/{x}"), route("GET", "/A/{y}")])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("management.azure.com", Host.ARM),
        ("acct.blob.core.windows.net", Host.BLOB),
        ("WESTUS2.api.azureml.ms", Host.DATA_PLANE),
        ("ml.azure.com", Host.DATA_PLANE),
        ("e.eastus.inference.ml.azure.com", Host.INFERENCE),
        ("westus-0.in.applicationinsights.azure.com", Host.TELEMETRY),
        ("pypi.org", None),
        ("evilmanagement.azure.com", None),
        ("huggingface.co", None),
    ],
)
def test_hosts_are_told_apart_by_whole_labels(name: str, kind: Host | None) -> None:
    assert host_kind(name) is kind


def test_every_service_is_answered() -> None:
    """No folder of services/ whose routes are left out of the composition."""
    services = Path(phift.emulator.services.__file__).parent
    answering = {route.handler.__module__.split(".")[3] for route in ROUTES}
    assert answering == {path.parent.name for path in services.glob("*/routes.py")}
