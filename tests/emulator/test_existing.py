"""What Azure has and the emulator has not is 501, in the envelope of its host; what does not exist there is 404."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from phift.emulator.compose import ROUTES
from phift.emulator.core.errors import OPERATIONS_PAGE, ServiceError
from phift.emulator.core.routing import Host, Router
from tests.emulator.client import Azure

azure_ai_ml = pytest.importorskip("azure.ai.ml")
CLIENTS = Path(azure_ai_ml.__file__).parent / "_restclient"
ROUTER = Router(ROUTES)
_BUILDER = re.compile(r"^def build_\w+_request\b.*?(?=^def |^class |\Z)", re.MULTILINE | re.DOTALL)
_URL = re.compile(r'_url(?:: str)? = (?:kwargs\.pop\(\s*"template_url",\s*)?\(?\s*((?:"[^"]*"\s*)+)')


def templates() -> Iterator[tuple[str, str, str]]:
    """Method, client and URL template of each request that the generated clients of azure-ai-ml can send."""
    for path in sorted(CLIENTS.rglob("*.py")):
        for found in _BUILDER.findall(path.read_text(encoding="utf-8")):
            method = re.search(r'method="([A-Z]+)"', found)
            url = _URL.search(found)
            if method and url:
                client = path.relative_to(CLIENTS).parts[0]
                yield method[1], client, "".join(re.findall(r'"([^"]*)"', url[1]))


TEMPLATES = sorted(set(templates()))


def outcome(host: Host, method: str, path: str) -> int | str:
    """The status of the error, "handled" where there is a handler."""
    try:
        ROUTER.match(host, method, path)
    except ServiceError as error:
        said = error.message.startswith(f"{method} {path} is not supported by the emulator.")
        told = error.code == "NotImplemented" and said and error.message.endswith(OPERATIONS_PAGE)
        return error.status if error.status != 501 or told else error.message
    return "handled"


def test_the_clients_are_read() -> None:
    assert len(TEMPLATES) > 300
    assert {client for _, client, _ in TEMPLATES} >= {"arm_ml_service", "runhistory", "dataset_dataplane"}


@pytest.mark.parametrize("client", sorted({client for _, client, _ in TEMPLATES}))
def test_every_request_of_the_sdks_clients_is_handled_or_501(client: str) -> None:
    host = Host.ARM if client == "arm_ml_service" else Host.DATA_PLANE
    seen = {
        f"{method} {url}": outcome(host, method, re.sub(r"\{\w+\}", "x", url))
        for method, each, url in TEMPLATES
        if each == client
    }
    assert {name: status for name, status in seen.items() if status not in ("handled", 501)} == {}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/subscriptions/x/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/connections/c",
        "/subscriptions/x/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/FEATURESETS/f/v",
        "/subscriptions/x/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/computes/c/restart",
        "/subscriptions/x/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/jobs/j/resume",
        "/subscriptions/x/resourceGroups/g/providers/Microsoft.MachineLearningServices/registries/r/models/m",
        "/subscriptions/x/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n",
        "/subscriptions/x/providers/Microsoft.MachineLearningServices/locations/l/updateQuotas",
        "/subscriptions/x/resources",
        "/subscriptions/x/resourceGroups/g/exportTemplate",
        "/providers/Microsoft.Management/managementGroups",
        "/tenants",
    ],
)
def test_what_azure_has_is_501_whatever_the_method(method: str, path: str) -> None:
    assert outcome(Host.ARM, method, path) == 501


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/nothing/at/all", "NotFound"),
        ("/subscriptions/x/nothing", "NotFound"),
        ("/subscriptions/x/resourceGroups/g/nothing", "NotFound"),
        ("/subscriptions/x/providers/Microsoft.MachineLearningServices/nothings", "InvalidResourceType"),
        (
            "/subscriptions/x/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/nothings/n",
            "InvalidResourceType",
        ),
    ],
)
def test_what_azure_has_not_is_404(path: str, code: str) -> None:
    for method in ("GET", "PUT"):
        with pytest.raises(ServiceError) as caught:
            ROUTER.match(Host.ARM, method, path)
        assert (caught.value.status, caught.value.code) == (404, code)


@pytest.mark.parametrize(
    ("host", "method", "path", "status"),
    [
        (Host.ARM, "TRACE", "/subscriptions/x/resourceGroups/g", 405),
        (Host.DATA_PLANE, "GET", "/artifact/v2.0/x", 501),
        (Host.DATA_PLANE, "GET", "/nothing/v1.0/x", 404),
        (Host.LOGIN, "GET", "/t/oauth2/v2.0/authorize", 501),
        (Host.LOGIN, "GET", "/t/nothing", 404),
        (Host.IMDS, "POST", "/metadata/identity/oauth2/token", 405),
        (Host.BLOB, "PATCH", "/c/b", 405),
        (Host.BLOB, "OPTIONS", "/c/b", 501),
    ],
)
def test_each_host_says_what_its_service_says(host: Host, method: str, path: str, status: int) -> None:
    with pytest.raises(ServiceError) as caught:
        ROUTER.match(host, method, path)
    assert caught.value.status == status


def named(answer: requests.Response) -> str:
    assert answer.status_code == 501, answer.text
    return answer.text


@pytest.mark.parametrize("kind", ["ComputeInstance", "Kubernetes", "AKS", "SynapseSpark"])
def test_other_computes_are_named(azure: Azure, kind: str) -> None:
    body = {"location": "eastus", "properties": {"computeType": kind, "properties": {"vmSize": "Standard_DS3_v2"}}}
    error = azure.call("PUT", "computes/other", body)
    assert f"Computes of type {kind} are not supported" in named(error)
    assert OPERATIONS_PAGE in error.json()["error"]["message"]
    unknown = azure.call("PUT", "computes/other", {"properties": {"computeType": "Abacus", "properties": {}}})
    assert (unknown.status_code, unknown.json()["error"]["target"]) == (400, "computeType")


def test_each_host_answers_501_in_its_own_envelope(azure: Azure) -> None:
    arm = azure.call("POST", "computes/c/start")
    assert "POST" in named(arm)
    assert {part["type"] for part in arm.json()["error"]["additionalInfo"]} >= {"ComponentName", "Correlation", "Time"}
    data_plane = azure.call("GET", "/artifact/v2.0/x", host="eastus.api.azureml.ms")
    assert "GET /artifact/v2.0/x" in named(data_plane)
    assert data_plane.json()["statusCode"] == 501
    account = azure.call("GET", "datastores/workspaceblobstore", api="2024-07-01-preview").json()["properties"]
    url = f"https://{account['accountName']}.blob.core.windows.net/{account['containerName']}"
    headers = {"Authorization": f"Bearer {azure.token('https://storage.azure.com')}", "x-ms-version": "2024-11-04"}
    blob = azure.session.put(f"{url}/b", params={"comp": "tier"}, headers=headers)
    assert "PUT comp=tier" in named(blob)
    assert OPERATIONS_PAGE in blob.text
    assert (blob.headers["x-ms-error-code"], blob.headers["x-ms-version"]) == ("NotImplemented", "2024-11-04")
    invalid = azure.session.get(f"{url}/b", params={"comp": "soup"}, headers=headers)
    assert (invalid.status_code, invalid.headers["x-ms-error-code"]) == (400, "InvalidQueryParameterValue")
    login = azure.session.get("https://login.microsoftonline.com/common/oauth2/v2.0/authorize")
    assert OPERATIONS_PAGE in named(login)
    assert login.json()["error"] == "NotImplemented"


def test_other_deployments_are_named(azure: Azure) -> None:
    azure.wait(azure.call("PUT", "onlineEndpoints/odd", {"location": "eastus", "properties": {"authMode": "Key"}}))

    def put(kind: str) -> requests.Response:
        body = {"location": "eastus", "properties": {"endpointComputeType": kind, "instanceType": "Standard_F4s_v2"}}
        return azure.call("PUT", "onlineEndpoints/odd/deployments/one", body)

    assert "Deployments of type Kubernetes are not supported" in named(put("Kubernetes"))
    assert put("Abacus").status_code == 400
