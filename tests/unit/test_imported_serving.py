"""Documents of endpoints and deployments become blocks of a spec, or the reason why not."""

from __future__ import annotations

from typing import Any

import pytest

from phift.kinds.deployment.imported import imported_deployment
from phift.kinds.endpoint.imported import imported_endpoint
from phift.kinds.shared.asset_ids import asset_of

IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
WORKSPACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
OTHER = WORKSPACE.replace("/w", "/v")


def endpoint(**properties: Any) -> dict[str, Any]:
    return {"name": "chat", "tags": {}, "properties": {"authMode": "Key", **properties}}


def deployment(**properties: Any) -> dict[str, Any]:
    sent = {"model": f"{WORKSPACE}/models/m/versions/3", "instanceType": "STANDARD_DS3_V2", **properties}
    return {"name": "blue", "sku": {"capacity": 1}, "tags": {}, "properties": sent}


def test_defaults_are_left_out() -> None:
    probe = {
        "initialDelay": "PT10S",
        "period": "PT10S",
        "timeout": "PT2S",
        "successThreshold": 1,
        "failureThreshold": 30,
    }
    requests = {"requestTimeout": "PT5S", "maxConcurrentRequestsPerInstance": 1, "maxQueueWait": "PT0S"}
    found = imported_deployment(
        deployment(
            livenessProbe=probe,
            readinessProbe={**probe, "period": "PT1M"},
            requestSettings=requests,
            environmentVariables={"AZUREML_MODEL_DIR": "/var/azureml-app"},
            egressPublicNetworkAccess="Enabled",
            appInsightsEnabled=False,
            privateNetworkConnection=False,
            scaleSettings={"scaleType": "Default"},
            dataCollector=None,
        ),
        WORKSPACE,
        None,
    )
    assert found.values == {
        "model": "azureml:m:3",
        "instance_type": "Standard_DS3_v2",
        "instance_count": 1,
        "readiness_probe": {"period": 60},
    }
    assert imported_endpoint(endpoint(publicNetworkAccess="Enabled")).values == {"name": "chat"}


def test_what_the_spec_has_no_field_for_is_kept_in_its_own_words() -> None:
    probe = {"initialDelay": "PT10S", "period": "PT0.5S"}
    found = imported_deployment(deployment(livenessProbe=probe, modelMountPath="/models"), WORKSPACE, None).values
    assert found["azure"] == {"properties": {"livenessProbe": probe, "modelMountPath": "/models"}}


def test_data_collection() -> None:
    collections = {
        "model_inputs": {
            "dataCollectionMode": "Enabled",
            "samplingRate": 1.0,
            "dataId": f"{WORKSPACE}/data/in/versions/1",
        },
        "model_outputs": {"dataCollectionMode": "Disabled", "samplingRate": 0.5, "clientId": None, "dataId": None},
    }
    collector = {"collections": collections, "rollingRate": "Day", "requestLogging": {"captureHeaders": ["x"]}}
    assert imported_deployment(deployment(dataCollector=collector), WORKSPACE, None).values["data_collector"] == {
        "collections": {
            "model_inputs": {"enabled": True, "data": "azureml:in:1"},
            "model_outputs": {"enabled": False, "sampling_rate": 0.5},
        },
        "rolling_rate": "day",
        "request_logging": {"capture_headers": ["x"]},
    }


def test_network_identity_and_mirrored_traffic() -> None:
    identity = {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}}
    raw = {
        **endpoint(authMode="AADToken", publicNetworkAccess="Disabled", mirrorTraffic={"green": 10}),
        "identity": identity,
    }
    found = imported_endpoint(raw)
    assert found.values == {
        "name": "chat",
        "auth_mode": "aad_token",
        "public_network_access": "disabled",
        "identity": {"type": "user_assigned", "user_assigned_identities": [IDENTITY]},
    }
    assert "green 10 %" in found.notes[0]


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        ({"endpointComputeType": "Kubernetes"}, "runs on Kubernetes"),
        ({"provisioningState": "Failed"}, "in state Failed"),
        ({"provisioningState": "Updating"}, "in state Updating"),
        ({"model": None}, "has no model"),
        ({"model": f"{OTHER}/models/m/versions/3"}, "is not a version in this workspace"),
        ({"environmentId": f"{OTHER}/environments/e/versions/3"}, "its environment"),
        ({"codeConfiguration": {"codeId": f"{OTHER}/codes/c/versions/1"}}, "its code"),
        ({"codeConfiguration": {"codeId": f"{WORKSPACE}/codes/c/versions/1"}}, "no environment"),
    ],
)
def test_deployments_that_cannot_be_imported(properties: dict[str, Any], why: str) -> None:
    found = imported_deployment(deployment(**properties), WORKSPACE, None)
    assert any(why in reason for reason in found.refusals), found.refusals


@pytest.mark.parametrize("raw", [endpoint(compute="azureml:aks"), {**endpoint(), "kind": "K8S"}])
def test_kubernetes_endpoints_cannot_be_imported(raw: dict[str, Any]) -> None:
    assert "Kubernetes" in imported_endpoint(raw).refusals[0]


@pytest.mark.parametrize(
    ("id", "written"),
    [
        (f"{WORKSPACE}/models/m/versions/3", "azureml:m:3"),
        (f"azureml:{WORKSPACE.upper()}/MODELS/m/versions/3", "azureml:m:3"),
        ("azureml:AzureML-sklearn-1.0-cpu:33", "azureml:AzureML-sklearn-1.0-cpu:33"),
        ("azureml://registries/azureml/models/m/versions/3", "azureml://registries/azureml/models/m/versions/3"),
        (f"{OTHER}/models/m/versions/3", "None"),
        ("azureml:m@latest", "None"),
        ("", "None"),
        (None, "None"),
    ],
)
def test_ids_of_assets(id: str | None, written: str) -> None:
    assert str(asset_of(id, WORKSPACE)) == written
