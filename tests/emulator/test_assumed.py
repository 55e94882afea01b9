"""Behaviours that no recording shows can be switched, and clients be tried against both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from phift.emulator import lifecycle
from phift.emulator.assumed import ASSUMED
from phift.errors import EmulatorError
from tests.emulator.conftest import Azure
from tests.emulator.test_job_submission import API, pipeline, put_data, submit, wait

COMPUTE_API = "2023-08-01-preview"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lifecycle.Connection]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
        home = tmp_path_factory.mktemp("assumed") / "home"
        connection = lifecycle.ensure(home, idle_seconds=600)
    yield connection
    lifecycle.stop(home)


@pytest.fixture(autouse=True)
def as_it_was(azure: Azure) -> Iterator[None]:
    yield
    azure.admin("PUT", "/assumed", dict.fromkeys(ASSUMED, True))


def cluster(size: str) -> dict[str, object]:
    scale = {"minNodeCount": 1, "maxNodeCount": 1}
    return {"properties": {"computeType": "AmlCompute", "properties": {"vmSize": size, "scaleSettings": scale}}}


def test_all_are_told_with_what_they_rest_on(azure: Azure) -> None:
    told = azure.admin("GET", "/assumed")
    assert set(told) == set(ASSUMED)
    assert all(each["holds"] and each["what"] and each["otherwise"] and each["why"] for each in told.values())
    for body in ({"nothing": True}, {"busy_is_conflict": "no"}):
        with pytest.raises(EmulatorError, match="Not an assumption"):
            azure.admin("PUT", "/assumed", body)


def test_cluster_size_and_the_usage_of_a_cluster(azure: Azure) -> None:
    azure.wait(azure.call("PUT", "computes/c1", cluster("Standard_DS3_v2"), api=COMPUTE_API))
    changed = cluster("Standard_DS4_v2")
    assert azure.call("PUT", "computes/c1", changed, api=COMPUTE_API).status_code == 400
    azure.admin("PUT", "/assumed", {"cluster_size_is_fixed": False})
    azure.wait(azure.call("PUT", "computes/c1", changed, api=COMPUTE_API))
    kept = azure.call("GET", "computes/c1", api=COMPUTE_API).json()["properties"]["properties"]["vmSize"]
    assert kept == "Standard_DS3_v2"
    provider = f"/subscriptions/{azure.connection.subscription_id}/providers/Microsoft.MachineLearningServices"
    rows = azure.call("GET", f"{provider}/locations/eastus/usages").json()["value"]
    own = [row for row in rows if row["type"].endswith("workspaces/computes/usages")]
    assert [(row["currentValue"], row["id"].split("/")[-3:-1]) for row in own] == [(4, ["c1", "usages"])]
    same_name = [row for row in rows if row["name"]["value"] == own[0]["name"]["value"]]
    assert len(same_name) == 3, "by family, by workspace, by compute"


def test_a_pipeline_put_again_and_the_cancel_of_an_ended_one(azure: Azure) -> None:
    put_data(azure)
    submit(azure, "again", pipeline())
    wait(azure, "again")
    submit(azure, "again", pipeline(), 200)
    assert azure.call("POST", "jobs/again/cancel", api=API).status_code == 200
    azure.admin("PUT", "/assumed", {"pipeline_put_again_is_compared": False, "cancel_of_ended_job_is_200": False})
    refused = submit(azure, "again", pipeline(), 400)
    assert "InputBindings" in refused.json()["error"]["message"]
    answer = azure.call("POST", "jobs/again/cancel", api=API)
    assert (answer.status_code, "Location" in answer.headers) == (202, True)


def test_a_busy_endpoint(azure: Azure) -> None:
    azure.admin("PUT", "/settings", {"pace": "faithful"})
    body = {"location": "eastus", "properties": {"authMode": "Key"}}
    try:
        assert azure.call("PUT", "onlineEndpoints/busy-one", body, api="2023-04-01-preview").status_code == 201
        assert azure.call("PUT", "onlineEndpoints/busy-one", body, api="2023-04-01-preview").status_code == 409
        azure.admin("PUT", "/assumed", {"busy_is_conflict": False})
        assert azure.call("PUT", "onlineEndpoints/busy-one", body, api="2023-04-01-preview").status_code == 400
    finally:
        azure.admin("PUT", "/settings", {"pace": "fast"})


def test_a_command_job_is_accepted_and_says_why_it_is_not_run(azure: Azure) -> None:
    body = {"properties": {"jobType": "Command", "command": "echo", "environmentId": "azureml:e:1", "outputs": {}}}
    assert azure.call("PUT", "jobs/command", body, api="2025-01-01-preview").status_code == 201
    assert wait(azure, "command")["properties"]["status"] == "Failed"
    history = f"/history/v1.0{azure.workspace}/runs/command"
    run = azure.call("GET", history, host="eastus.api.azureml.ms", api="v1.0").json()
    message = run["error"]["error"]["message"]
    assert message.startswith("not run here")
    assert "docs/emulator.md#operations" in message
    sweep = {"properties": {"jobType": "Sweep"}}
    assert azure.call("PUT", "jobs/sweep", sweep, api="2025-01-01-preview").status_code == 501
