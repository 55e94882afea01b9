"""Behaviours that no recording shows can be switched, and clients be tried against both."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from phift.emulator.core.assumed import ASSUMED
from phift.emulator.host import lifecycle
from phift.errors import EmulatorError
from tests.emulator.client import Azure
from tests.emulator.commands import children, command
from tests.emulator.page import require_table
from tests.emulator.serving import Serving
from tests.emulator.test_job_nodes import ends, fails, nodes
from tests.emulator.test_job_submission import API, pipeline, put_data, submit, wait
from tests.emulator.test_sweep import choice, scoring, sweep

COMPUTE_API = "2023-08-01-preview"
DEPLOYMENT_API = "2023-04-01-preview"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lifecycle.Connection]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
        patch.setenv("PHIFT_EMULATOR_DEPLOYMENTS", "rehearse")
        home = tmp_path_factory.mktemp("assumed") / "home"
        connection = lifecycle.ensure(home, idle_seconds=600)
    yield connection
    lifecycle.stop(home)


SWITCHES = [name for name, each in ASSUMED.items() if each.switchable]
EMULATOR = Path(__file__).resolve().parents[2] / "phift" / "emulator"
BEGIN, END = "<!-- assumptions: generated, see phift/emulator/core/assumed.py -->", "<!-- end of assumptions -->"


@pytest.fixture(autouse=True)
def as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    azure: Azure | None = request.getfixturevalue("azure") if "azure" in request.fixturenames else None
    yield
    if azure:
        azure.admin("PUT", "/assumed", dict.fromkeys(SWITCHES, True))


def test_the_page_lists_them() -> None:
    lines = ["| assumed | what | switched off | rests on |", "|---|---|---|---|"]
    lines += [f"| `{name}` | {a.what} | {a.otherwise or 'no switch'} | {a.why} |" for name, a in ASSUMED.items()]
    require_table(BEGIN, END, lines)


def test_whoever_assumes_something_says_what() -> None:
    """No guess in a docstring or comment without its entry, and no entry that nothing follows."""
    guess = re.compile(r"(?<![-\w])(assum\w*|guess\w*|presum\w*|inferred|by analogy|not recorded)\b", re.IGNORECASE)
    mark = re.compile(r"assumed:[\s#]*((?:[a-z_0-9]+(?:,[\s#]*)?)+)")
    told: set[str] = set()
    for path in sorted(EMULATOR.rglob("*.py")):
        if path in (
            EMULATOR / "core" / "assumed.py",
            EMULATOR / "services" / "admin" / "routes.py",
        ):  # the table, and the requests that show it
            continue
        text = path.read_text(encoding="utf-8")
        for found in mark.finditer(text):
            names = set(re.findall(r"[a-z_0-9]+", found[1]))
            told |= {name for name in names if name in ASSUMED}
            assert names & set(ASSUMED), f"{path.name}: {found[0]!r} names no entry of assumed.py"
        told |= set(re.findall(r'holds\([^,]+, "([a-z_0-9]+)"\)', text))
        for number, line in enumerate(text.splitlines(), 1):
            near = "\n".join(text.splitlines()[max(0, number - 2) : number + 1])
            if guess.search(line) and not (mark.search(near) or "emulator.core.assumed" in line):
                pytest.fail(
                    f"{path.relative_to(EMULATOR)}:{number} assumes something that assumed.py does not list: {line}"
                )
    assert told == set(ASSUMED)


def cluster(size: str) -> dict[str, object]:
    scale = {"minNodeCount": 1, "maxNodeCount": 1}
    return {"properties": {"computeType": "AmlCompute", "properties": {"vmSize": size, "scaleSettings": scale}}}


def test_all_are_told_with_what_they_rest_on(azure: Azure) -> None:
    told = azure.admin("GET", "/assumed")
    assert set(told) == set(ASSUMED)
    assert all(each["holds"] and each["what"] and each["why"] for each in told.values())
    assert len([each for each in told.values() if each["otherwise"]]) == len(SWITCHES)
    for body in ({"nothing": True}, {"busy_is_conflict": "no"}, {"page_sizes": False}):
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


def test_the_identity_of_an_endpoint_and_an_environment_that_is_not_there(azure: Azure) -> None:
    def put(kind: str) -> int:
        body = {"location": "eastus", "identity": {"type": kind}, "properties": {"authMode": "Key"}}
        answer = azure.call("PUT", "onlineEndpoints/fixed", body, api="2022-02-01-preview")
        if answer.status_code == 201:
            azure.wait(answer)
        return int(answer.status_code)

    def deploy(environment: str) -> str:
        properties = {"model": "azureml:none:1", "environmentId": environment, "instanceType": "Standard_DS3_v2"}
        body = {"location": "eastus", "sku": {"name": "Default", "capacity": 1}, "properties": properties}
        return str(azure.call("PUT", "onlineEndpoints/fixed/deployments/blue", body, api=DEPLOYMENT_API).text)

    assert (put("SystemAssigned"), put("None")) == (201, 400)
    assert "EnvironmentId" in deploy("azureml:nobodys:1")
    assert "EnvironmentId" in deploy("nonsense")
    azure.admin("PUT", "/assumed", {"endpoint_identity_is_fixed": False, "unknown_environments_are_refused": False})
    assert put("None") == 201
    assert "EnvironmentId" not in deploy("azureml:nobodys:1")


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


def test_a_command_that_takes_too_long(azure: Azure) -> None:
    azure.admin("PUT", "/assumed", {"timed_out_is_canceled": False})
    limits = {"jobLimitsType": "Command", "timeout": "PT1S"}
    submit(azure, "slow", command("sleep 30", limits=limits))
    assert wait(azure, "slow")["properties"]["status"] == "Failed"


def test_nodes_that_were_not_run(azure: Azure) -> None:
    put_data(azure)
    body = nodes("one", "two", reads={"two": "one"})
    azure.admin("PUT", "/assumed", {"skipped_nodes_stay_not_started": False})
    submit(azure, "skipped", fails(body, "one"))
    wait(azure, "skipped")
    assert ends(azure, "skipped") == {"one": "Failed", "two": "Canceled"}


def test_the_secret_of_the_artifact_store(azure: Azure) -> None:
    path, asked = "datastores/workspaceartifactstore/listSecrets", {"expirableSecret": True, "expireAfterHours": 1}
    api = "2024-07-01-preview"
    assert azure.call("POST", path, asked, api=api).json()["secretsType"] == "AccountKey"
    azure.admin("PUT", "/assumed", {"artifact_store_gives_its_key": False})
    assert azure.call("POST", path, asked, api=api).json()["secretsType"] == "Sas"


def test_sweeps_of_failing_trials_and_of_trials_with_several_values(azure: Azure) -> None:
    azure.admin("PUT", "/assumed", {"sweep_fails_with_first_three": False, "best_trial_by_best_value": False})
    submit(azure, "all-fail", sweep("exit ${{search_space.c}}", {"c": choice(1, 2, 3, 4, 5)}))
    assert wait(azure, "all-fail")["properties"]["status"] == "Failed"
    assert len(children(azure, "all-fail")) == 5
    text = "python score.py ${{search_space.accs}}"
    submit(azure, "last", sweep(text, {"accs": choice("0.9,0.1", "0.5")}, trial=scoring(azure, text)))
    assert wait(azure, "last")["properties"]["properties"]["best_child_run_id"] == "last_1"


def test_jobs_and_clusters_in_use(azure: Azure) -> None:
    put_data(azure)
    azure.wait(azure.call("PUT", "computes/used", cluster("Standard_D12_v2"), api=COMPUTE_API))
    long = pipeline(tags={"rehearsal.seconds": "60"}, compute_finetune="used", max_steps="77")
    submit(azure, "long", long)
    wait(azure, "long", wanted={"Running"})
    assert azure.call("DELETE", "jobs/long", api=API).status_code == 400
    azure.admin("PUT", "/assumed", {"busy_cluster_is_deleted": False, "running_job_is_not_deleted": False})
    assert azure.call("DELETE", "computes/used", api=COMPUTE_API).status_code == 409
    assert azure.call("DELETE", "jobs/long", api=API).status_code == 202
    deadline = time.monotonic() + 20
    while azure.call("GET", "jobs/long", api=API).status_code != 404:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    azure.admin("PUT", "/assumed", {"busy_cluster_is_deleted": True})
    assert azure.call("DELETE", "computes/used", api=COMPUTE_API).status_code == 202


def test_a_component_with_another_spec(azure: Azure) -> None:
    spec = {
        "name": "c",
        "version": "1",
        "type": "command",
        "command": "echo",
        "environment": "azureml:AzureML-sklearn-1.5:1",
    }
    path = "components/c/versions/1"

    def put(**change: str) -> tuple[int, str]:
        body = {"properties": {"componentSpec": {**spec, **change}}}
        answer = azure.call("PUT", path, body, api="2024-01-01-preview")
        kept = azure.call("GET", path, api="2024-01-01-preview").json()["properties"]["componentSpec"]
        return answer.status_code, kept["command"] + kept.get("display_name", "")

    assert put() == (201, "echo")
    assert put(command="other") == (400, "echo")
    azure.admin("PUT", "/assumed", {"component_spec_is_fixed": False})
    assert put(command="other", display_name="!") == (200, "echo!")


def test_a_key_that_was_sent(azure: Azure) -> None:
    body = {"location": "eastus", "properties": {"authMode": "Key"}}
    api, path = "2022-02-01-preview", "onlineEndpoints/with-keys"
    azure.wait(azure.call("PUT", path, body, api=api))
    asked = {"keyType": "Secondary", "keyValue": "my-own"}
    for switch, taken in ((True, False), (False, True)):
        azure.admin("PUT", "/assumed", {"regenerated_key_is_random": switch})
        azure.wait(azure.call("POST", f"{path}/regenerateKeys", asked, api=api))
        keys = azure.call("POST", f"{path}/listKeys", api=api).json()
        assert (keys["secondaryKey"] == "my-own") is taken


def test_variables_of_a_deployment_without_code(azure: Azure) -> None:
    serving = Serving(azure)
    serving.endpoint("shows")
    live = serving.deployment("shows", "blue", serving.model("shows"))
    assert "AZUREML_MODEL_DIR" in live["properties"]["environmentVariables"]
    azure.admin("PUT", "/assumed", {"mlflow_deployments_show_variables": False})
    assert serving.get("shows", "blue")["properties"]["environmentVariables"] == {}


def test_sizes_without_prices(azure: Azure) -> None:
    path = f"/subscriptions/{azure.connection.subscription_id}/providers/Microsoft.MachineLearningServices"
    listed = f"{path}/locations/eastus/vmSizes"
    assert all("estimatedVMPrices" in size for size in azure.call("GET", listed).json()["value"])
    azure.admin("PUT", "/assumed", {"sizes_have_prices": False})
    assert not any("estimatedVMPrices" in size for size in azure.call("GET", listed).json()["value"])
