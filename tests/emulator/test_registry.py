"""The azureml registry, from the catalogue."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from phift.catalog.components import component, components
from phift.catalog.models import model, models
from phift.emulator.runtime.foundation.corpus import BASE_ANSWER
from tests.emulator.client import Azure

BASE = (
    "/mferp/managementfrontend/subscriptions/{s}/resourceGroups/{g}"
    "/providers/Microsoft.MachineLearningServices/registries/azureml"
)
HOST = "cert-eastus.experiments.azureml.net"
API = "2021-10-01-dataplanepreview"
NAME = "Phi-3-mini-4k-instruct"


@pytest.fixture
def base(azure: Azure) -> str:
    path = "/registrymanagement/v1.0/registries/azureml/discovery"
    found = azure.call("GET", path, host="eastus.api.azureml.ms", api="v1.0").json()
    assert found["primaryRegionResourceProviderUri"] == f"https://{HOST}/"
    return BASE.format(s=found["subscriptionId"], g=found["resourceGroup"])


def versions(azure: Azure, base: str, kind: str, name: str, **query: str) -> list[dict[str, Any]]:
    answer = azure.call("GET", f"{base}/{kind}/{name}/versions", host=HOST, api=API, **query)
    assert answer.status_code == 200, answer.text
    value: list[dict[str, Any]] = answer.json()["value"]
    return value


def test_the_latest_phi3_is_one_that_azures_notebook_can_use(azure: Azure, base: str) -> None:
    (latest,) = versions(azure, base, "models", NAME, **{"$orderBy": "createdtime desc", "$top": "1"})
    tags = latest["properties"]["tags"]
    assert tags["phift.stand_in"] == "true"
    assert tags["phift.stand_in.untrained"] == BASE_ANSWER
    assert latest["properties"]["flavors"] == {}
    facts = component("chat_completion_pipeline")
    assert facts is not None
    defaults = ast.literal_eval(tags["model_specific_defaults"])
    assert facts.interface.check(defaults, text_numbers=True) == []
    assert "finetune_compute_allow_list" not in tags
    assert "deprecation" not in latest["properties"]["systemMetadata"]
    assert "Standard_NC24ads_A100_v4" in latest["properties"]["systemMetadata"]["supportedComputes"]["finetuneComputes"]


def test_todays_version_and_an_older_one_keep_their_own_facts(azure: Azure, base: str) -> None:
    found = {each["name"]: each["properties"] for each in versions(azure, base, "models", NAME, listViewType="All")}
    assert list(found) == ["16", "15", "14"]
    today, older = found["15"], found["14"]
    known = model(NAME)
    assert known is not None
    assert today["systemMetadata"] == dict(known.system_metadata)
    assert ast.literal_eval(today["tags"]["model_specific_defaults"]) == dict(known.defaults)
    assert "finetune_compute_allow_list" not in today["tags"]
    assert today["isArchived"] is True
    assert "systemMetadata" not in older
    assert isinstance(older["tags"]["finetune_compute_allow_list"], str)
    assert ast.literal_eval(older["tags"]["inference_compute_allow_list"]) == list(known.inference_computes)


def test_every_model_and_component_of_the_catalogue_is_there(azure: Azure, base: str) -> None:
    for kind, known in (("models", models()), ("components", components())):
        answer = azure.call("GET", f"{base}/{kind}", host=HOST, api=API, listViewType="All")
        assert sorted(each["name"] for each in answer.json()["value"]) == sorted(known)
        for name in known:
            for document in versions(azure, base, kind, name, listViewType="All"):
                assert document["id"] == f"azureml://registries/azureml/{kind}/{name}/versions/{document['name']}"
                assert all(isinstance(value, str) for value in document["properties"]["tags"].values())


def test_list_items_of_components_are_complete(azure: Azure, base: str) -> None:
    (item,) = versions(azure, base, "components", "chat_completion_pipeline", **{"$top": "1"})
    spec = item["properties"]["componentSpec"]
    facts = component("chat_completion_pipeline")
    assert facts is not None
    assert list(spec["inputs"]) == list(facts.inputs)
    assert spec["inputs"]["num_nodes_finetune"] == {"type": "integer", "min": "1", "default": "1", "optional": "True"}
    url = f"{base}/components/chat_completion_pipeline/versions/{item['name']}"
    assert azure.call("GET", url, host=HOST, api=API).json() == item


def test_what_is_not_there_and_what_is_not_ours(azure: Azure, base: str) -> None:
    assert versions(azure, base, "models", "no-such-model") == []
    assert azure.call("GET", f"{base}/models/{NAME}/versions/99", host=HOST, api=API).status_code == 404
    path = "/registrymanagement/v1.0/registries/private/discovery"
    denied = azure.call("GET", path, host="eastus.api.azureml.ms", api="v1.0")
    assert denied.status_code == 403
    error = denied.json()["error"]
    assert error["message"] == "User/tenant/subscription is not allowed to access registry private"
    assert error["innerError"]["innerError"]["innerError"]["code"] == "UnAuthorizedRegistryAccess"
    write = azure.call("PUT", f"{base}/models/mine/versions/1", {}, host=HOST, api=API)
    assert write.status_code == 401


def test_the_registries_of_the_text_generation_notebooks_have_their_models(azure: Azure) -> None:
    base = "/mferp/managementfrontend/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices"
    for registry, name in (("azureml-msr", "microsoft-phi-2"), ("azureml-meta", "Llama-2-7b")):
        found = azure.call(
            "GET", f"/registrymanagement/v1.0/registries/{registry}/discovery", host="eastus.api.azureml.ms", api="v1.0"
        ).json()
        assert found["registryName"] == registry
        root = f"{base}/registries/{registry}"
        newest = versions(azure, root, "models", name)[0]
        assert newest["id"].startswith(f"azureml://registries/{registry}/models/{name}/versions/")
        assert versions(azure, root, "models", NAME) == []
        listed = azure.call("GET", f"{root}/components", host=HOST, api=API).json()
        assert listed["value"] == []
