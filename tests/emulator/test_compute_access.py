"""Identity, region, network and SSH access of clusters, and serverless compute of jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phift.emulator.host import lifecycle
from phift.emulator.host.lifecycle import Connection
from tests.emulator.client import Azure
from tests.emulator.test_compute import body, create, usages
from tests.emulator.test_job_submission import SIZE, pipeline, put_data, submit, wait

GROUP = "/subscriptions/s/resourceGroups/g/providers"
SUBNET = f"{GROUP}/Microsoft.Network/virtualNetworks/v/subnets/nodes"
USER = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/trainer"
CREDENTIALS = {"adminUserName": "admin", "adminUserPassword": "hunter2", "adminUserSshPublicKey": "ssh-rsa A"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
        home: Path = tmp_path_factory.mktemp("access") / "home"
        connection = lifecycle.ensure(home, idle_seconds=600)
    yield connection
    lifecycle.stop(home)


def refused(azure: Azure, name: str, sent: dict[str, Any]) -> dict[str, Any]:
    answer = azure.call("PUT", f"computes/{name}", sent)
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    return error


def test_a_password_is_stored_nowhere_and_access_is_fixed(azure: Azure) -> None:
    access = {
        "userAccountCredentials": CREDENTIALS,
        "subnet": {"id": SUBNET},
        "enableNodePublicIp": False,
        "remoteLoginPortPublicAccess": "Enabled",
    }
    made = create(azure, "private", body(**access))["properties"]["properties"]
    assert made["userAccountCredentials"] == {**CREDENTIALS, "adminUserPassword": None}
    assert (made["subnet"], made["enableNodePublicIp"], made["remoteLoginPortPublicAccess"]) == (
        {"id": SUBNET},
        False,
        "Enabled",
    )
    again = create(azure, "private", body(most=3))["properties"]["properties"]
    assert again["userAccountCredentials"]["adminUserName"] == "admin", "what a request leaves out stays"
    assert (again["subnet"], again["enableNodePublicIp"]) == ({"id": SUBNET}, False)
    for key, other in (
        ("subnet", {"id": f"{SUBNET}2"}),
        ("enableNodePublicIp", True),
        ("remoteLoginPortPublicAccess", "Disabled"),
        ("userAccountCredentials", {**CREDENTIALS, "adminUserName": "other"}),
    ):
        assert "cannot be changed" in refused(azure, "private", body(**{**access, key: other}))["message"]
    elsewhere = {**body(**access), "location": "westeurope"}
    assert refused(azure, "private", elsewhere)["target"] == "location"
    assert azure.call("PUT", "computes/private", {**body(**access), "location": "East US"}).status_code == 201


@pytest.mark.parametrize(
    ("inner", "target"),
    [
        ({"subnet": {"id": "nodes"}}, "subnet"),
        ({"userAccountCredentials": {"adminUserPassword": "x"}}, "adminUserName"),
        ({"userAccountCredentials": {"adminUserName": "x"}}, "userAccountCredentials"),
    ],
)
def test_what_no_cluster_can_have(azure: Azure, inner: dict[str, Any], target: str) -> None:
    assert refused(azure, "wrong", body(**inner))["target"] == target


def test_an_identity_is_kept_changed_and_removed(azure: Azure) -> None:
    first = create(azure, "who", {**body(), "identity": {"type": "SystemAssigned"}})["identity"]
    assert (first["type"], bool(first["principalId"])) == ("SystemAssigned", True)
    assert create(azure, "who", body(most=3))["identity"] == first
    both = {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {USER: {}}}
    second = create(azure, "who", {**body(), "identity": both})["identity"]
    assert second["principalId"] == first["principalId"]
    assert set(second["userAssignedIdentities"][USER]) == {"principalId", "clientId"}
    assert "identity" not in create(azure, "who", {**body(), "identity": {"type": "None"}})
    azure.admin("PUT", "/assumed", {"cluster_identity_is_kept": False})
    try:
        create(azure, "who", {**body(), "identity": {"type": "SystemAssigned"}})
        assert "identity" not in create(azure, "who", body(most=3))
    finally:
        azure.admin("PUT", "/assumed", {"cluster_identity_is_kept": True})


@pytest.mark.parametrize(
    "identity",
    [
        {"type": "Mine"},
        {"type": "UserAssigned"},
        {"type": "UserAssigned", "userAssignedIdentities": {"trainer": {}}},
    ],
)
def test_what_is_not_an_identity(azure: Azure, identity: dict[str, Any]) -> None:
    assert refused(azure, "nobody", {**body(), "identity": identity})["target"] == "identity"


def test_a_cluster_elsewhere_takes_nothing_of_the_quota_here(azure: Azure) -> None:
    family = "Standard FSv2 Family Cluster Dedicated vCPUs"
    azure.admin("PUT", "/quota", {"standardFSv2Family": 0})
    try:
        far = {**body("Standard_F4s_v2", least=1), "location": "West Europe"}
        found = create(azure, "far", far)
        assert (found["location"], found["properties"]["computeLocation"]) == ("westeurope", "westeurope")
    finally:
        azure.admin("PUT", "/quota", {"standardFSv2Family": 192})
    [here] = [row for row in usages(azure) if row["name"]["value"] == family and "vmFamily" in row["type"]]
    assert here["currentValue"] == 0
    ended = azure.wait(
        azure.call(
            "PUT", "computes/further", {**far, **body("Standard_F4s_v2", least=99, most=99), "location": "northeurope"}
        )
    )
    assert (ended["status"], ended["error"]["code"]) == ("Failed", "ClusterMinNodesExceedCoreQuota")


# serverless compute


def serverless(tags: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    sizes = {"compute_finetune": "serverless", "instance_type_finetune": SIZE, "max_steps": "3"}
    return pipeline(tags=tags, **{**sizes, **more})


def shown_as_serverless(azure: Azure) -> int:
    rows = [row for row in usages(azure) if "/workspaces/Serverless/" in row["id"]]
    return int(rows[0]["currentValue"]) if rows else 0


def test_a_step_on_serverless_compute_takes_vcpus_while_it_runs(azure: Azure) -> None:
    put_data(azure)
    submit(azure, "takes", serverless({"rehearsal.seconds": "60"}, num_nodes_finetune="2"))
    deadline = time.monotonic() + 60
    while shown_as_serverless(azure) != 48:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    family = [
        row for row in usages(azure) if row["name"]["value"] == "Standard NCADSA100v4 Family Cluster Dedicated vCPUs"
    ]
    assert {row["type"].split("/")[1]: row["currentValue"] for row in family if "computes" not in row["type"]} == {
        "vmFamily": 48,
        "workspaces": 48,
    }
    azure.call("POST", "jobs/takes/cancel")
    wait(azure, "takes")
    assert shown_as_serverless(azure) == 0


def test_a_step_on_serverless_compute_waits_for_quota(azure: Azure) -> None:
    put_data(azure)
    azure.admin("PUT", "/quota", {"standardNCADSA100v4Family": 24})
    try:
        submit(azure, "waits", serverless(num_nodes_finetune="2"))
        wait(azure, "waits", wanted=("Queued",))
    finally:
        azure.admin("PUT", "/quota", {"standardNCADSA100v4Family": 192})
    assert wait(azure, "waits")["properties"]["status"] == "Completed"


@pytest.mark.parametrize(
    ("inputs", "step"),
    [
        ({"instance_type_finetune": "Standard_NC24rs_v3"}, "finetune"),
        ({"instance_type_finetune": "Standard_Nothing"}, "finetune"),
        ({"compute_preprocess": "serverless", "instance_type_preprocess": "Standard_Nothing"}, "preprocess"),
    ],
)
def test_sizes_of_serverless_compute_must_be_offered(azure: Azure, inputs: dict[str, str], step: str) -> None:
    error = submit(azure, "old", serverless(**inputs), 400).json()["error"]
    assert f"Set the input instance_type_{step}" in error["message"]
    azure.admin("PUT", "/assumed", {"serverless_size_is_checked": False})
    try:
        submit(azure, f"old-{inputs['instance_type_' + step][-3:]}-{step}", serverless(**inputs))
    finally:
        azure.admin("PUT", "/assumed", {"serverless_size_is_checked": True})


def test_the_identity_of_a_job_is_shown(azure: Azure) -> None:
    put_data(azure)
    sent = serverless()
    sent["properties"]["identity"] = {"identityType": "Managed", "clientId": "c-1"}
    submit(azure, "as-whom", sent)
    assert wait(azure, "as-whom")["properties"]["identity"] == {"identityType": "Managed", "clientId": "c-1"}
