"""The workspace, its discovery, the sizes it offers, and the headers of the resource manager."""

from __future__ import annotations

import pytest
import requests

from phift.emulator.core.sizes import sizes
from tests.emulator.client import Azure


def test_the_workspace_tells_where_its_services_are(azure: Azure) -> None:
    answer = azure.call("GET", azure.workspace, api="2024-10-01-preview")
    document = answer.json()
    assert document["id"] == azure.workspace
    assert document["properties"]["mlFlowTrackingUri"].endswith(f"/mlflow/v1.0{azure.workspace}")
    assert document["properties"]["provisioningState"] == "Succeeded"
    assert document["systemData"]["createdAt"].endswith("Z")
    found = azure.session.get(document["properties"]["discoveryUrl"])
    assert found.json()["api"] == "https://eastus.api.azureml.ms"


def test_allowances_count_down(azure: Azure) -> None:
    name = "x-ms-ratelimit-remaining-subscription-reads"
    first, second = (int(azure.call("GET", azure.workspace).headers[name]) for _ in range(2))
    assert first - second == 1


def test_sizes_are_those_of_the_catalogue_that_still_live(azure: Azure) -> None:
    base = f"/subscriptions/{azure.connection.subscription_id}/providers/Microsoft.MachineLearningServices"
    listed = {each["name"]: each for each in azure.call("GET", f"{base}/locations/eastus/vmSizes").json()["value"]}
    assert set(listed) == {name for name, size in sizes().items() if size.retired is None}
    a100 = listed["Standard_NC24ads_A100_v4"]
    assert (a100["vCPUs"], a100["gpus"], a100["family"]) == (24, 1, "standardNCADSA100v4Family")
    assert "AmlCompute" in a100["supportedComputeTypes"]
    quotas = azure.call("GET", f"{base}/locations/eastus/quotas").json()["value"]
    assert all("currentValue" not in row for row in quotas)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "batchEndpoints"),
        ("PUT", "capabilityHosts/nightly"),
        ("GET", "connections"),
        ("DELETE", ""),  # the workspace of the home itself
        ("GET", "onlineEndpoints/e/deployments/d/skus"),
        ("GET", "/subscriptions/{sub}/providers/Microsoft.Authorization/roleAssignments"),
    ],
)
def test_what_azure_has_and_we_have_not_is_501_with_the_page_that_says_so(azure: Azure, method: str, path: str) -> None:
    path = path.replace("{sub}", azure.connection.subscription_id) or azure.workspace
    answer = azure.call(method, path)
    assert answer.status_code == 501
    error = answer.json()["error"]
    assert error["code"] == "NotImplemented"
    assert "docs/emulator.md#operations" in error["message"]


def test_unknown_paths_and_subscriptions(azure: Azure) -> None:
    assert azure.call("GET", "/nothing/at/all").status_code == 404
    other = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g"
    assert azure.call("GET", other).json()["error"]["code"] == "SubscriptionNotFound"


def test_an_unknown_operation_is_404(azure: Azure) -> None:
    base = f"/subscriptions/{azure.connection.subscription_id}/providers/Microsoft.MachineLearningServices"
    assert azure.call("GET", f"{base}/locations/eastus/mfeOperationsStatus/oeidp:a:b").status_code == 404


def test_the_resource_manager_asks_for_an_api_version(azure: Azure) -> None:
    missing = azure.call("GET", azure.workspace, api="")
    assert (missing.status_code, missing.json()["error"]["code"]) == (400, "MissingApiVersionParameter")
    wrong = azure.call("GET", azure.workspace, api="latest")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "InvalidApiVersionParameter")


ARM_HEADERS = {
    "cache-control": "no-cache",
    "expires": "-1",
    "pragma": "no-cache",
    "x-content-type-options": "nosniff",
    "x-ms-response-type": "standard",
}


def test_headers_of_the_resource_manager(azure: Azure) -> None:
    answer = azure.call("GET", azure.workspace)
    assert {name: answer.headers.get(name) for name in ARM_HEADERS} == ARM_HEADERS
    for name in ("x-ms-correlation-request-id", "x-ms-routing-request-id", "x-request-time", "date"):
        assert answer.headers[name]
    assert azure.call("GET", "models/none/versions").headers["x-ms-response-type"] == "error"


def test_allowances_count_down_by_kind_of_request(azure: Azure) -> None:
    def left(answer: requests.Response, name: str) -> int:
        return int(answer.headers[f"x-ms-ratelimit-remaining-subscription-{name}"])

    first, second = azure.call("GET", "computes"), azure.call("GET", "computes")
    assert left(first, "reads") - left(second, "reads") == 1
    assert left(first, "global-reads") > left(first, "reads")
    assert left(azure.call("POST", "datastores/workspaceblobstore/listSecrets"), "writes"), "a POST counts as a write"
    assert left(azure.call("DELETE", "computes/none"), "deletes")
    assert left(azure.call("PUT", "onlineEndpoints/e/deployments/d", {}), "resource-requests")
