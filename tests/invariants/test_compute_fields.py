"""Where jobs run, on the emulator: each field of a cluster planned, applied, planned again, changed, and changed by
others; serverless compute; the tier that the plan chooses."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import PLENTY, Embedded, Project, actions

from phift import phases
from phift.azure.operations import operation_of
from phift.diagnostics import Severity
from phift.emulator.host import lifecycle
from phift.errors import InvalidSpecError, RefusedError
from phift.plan.model import Plan
from phift.views.base import PlanOptions
from phift.views.human import plan as plan_text

SIZE = "Standard_NC24ads_A100_v4"
FAMILY = "standardNCADSA100v4Family"
GROUP = "/subscriptions/0/resourceGroups/g/providers"
SUBNET = f"{GROUP}/Microsoft.Network/virtualNetworks/v/subnets/nodes"
USER = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/trainer"
PASSWORD = "hunter2-hunter2"
WRITE = "2023-08-01-preview"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """An emulator of these tests, as they set its quota."""
    home = tmp_path_factory.mktemp("computes") / "home"
    yield Embedded.start(home)
    lifecycle.stop(home)


@pytest.fixture
def project(tmp_path: Path, stack: str, cloud: Embedded) -> Project:
    return Project.small(tmp_path / "project", stack, cloud)


def write(project: Project, compute: Any, /, **more: Any) -> None:
    """Give the spec this compute for the fine-tune. more: further keys of `finetune`, and `compute`: of that block."""
    if isinstance(compute, dict):
        compute = {"name": f"{project.stack}-gpu", "size": SIZE, "max_instances": 1, **compute}
    section = {"finetune": compute, **more.pop("compute", {})}
    text = project.spec.read_text(encoding="utf-8")
    text = re.sub(r"^compute:.*?^finetune:", "finetune:", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^  identity:.*\n", "", text, flags=re.MULTILINE)
    added = "".join(f"  {name}: {json.dumps(value)}\n" for name, value in more.items())
    text = text.replace("finetune:\n", f"compute: {json.dumps(section)}\nfinetune:\n{added}")
    project.spec.write_text(text, encoding="utf-8")


def document(project: Project, name: str = "") -> dict[str, Any]:
    azure = project.embedded.azure()
    path = f"{azure.workspace.arm_id}/computes/{name or project.stack + '-gpu'}"
    found: dict[str, Any] = azure.arm.get(path, "2024-10-01")
    return found


def settled(project: Project) -> None:
    """Wait for a write by others."""
    deadline = time.monotonic() + 60
    while document(project)["properties"]["provisioningState"] != "Succeeded":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def changed(plan: Plan) -> dict[str, tuple[Any, Any]]:
    found = next(r for r in plan.resources if str(r.address) == "compute.finetune")
    return {c.path: (c.live, c.wanted) for c in found.visible_changes}


def settle(project: Project) -> None:
    """Apply the spec; nothing is left to do, and the training was not run again."""
    project.applied()
    plan = project.plan()
    assert not plan.changes_something, plan.to_dict()
    assert len(project.jobs()) == 1


ALL = {
    "location": "West Europe",
    "identity": {"type": "system_assigned"},
    "network": {"vnet_name": "ml", "subnet": "nodes", "enable_node_public_ip": False},
    "ssh": {"admin_username": "admin", "admin_password": {"secret": "env:NODE_PASSWORD"}, "ssh_key_value": "ssh-rsa A"},
}


def test_every_field_of_a_cluster(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, ALL)
    plan = project.plan()
    assert [w.code for w in plan.warnings] == ["quota-unknown"]
    monkeypatch.delenv("NODE_PASSWORD", raising=False)
    with pytest.raises(RefusedError) as refused:
        project.apply(plan)
    assert [d.code for d in refused.value.diagnostics] == ["secret-missing"]

    monkeypatch.setenv("NODE_PASSWORD", PASSWORD)
    mark = project.embedded.mark()
    settle(project)
    made = document(project)
    inner = made["properties"]["properties"]
    assert made["location"] == "westeurope"
    assert made["identity"]["type"] == "SystemAssigned"
    assert inner["subnet"]["id"].endswith("/providers/Microsoft.Network/virtualNetworks/ml/subnets/nodes")
    assert inner["enableNodePublicIp"] is False
    assert inner["userAccountCredentials"]["adminUserName"] == "admin"
    assert made["properties"]["disableLocalAuth"] is False
    assert any(r["path"].endswith("-gpu") and r["method"] == "PUT" for r in project.embedded.since(mark))

    said = [repr(project.events), json.dumps(plan.to_dict()), plan_text.render(plan, PlanOptions())]
    said += [repr(phases.history(project.request, project.embedded.connector))]
    said += [path.read_text(errors="replace") for path in project.folder.rglob("*") if path.is_file()]
    assert not [text for text in said if PASSWORD in text]
    assert "env:NODE_PASSWORD" in plan_text.render(plan, PlanOptions())

    # in place, with what the cluster has kept
    write(project, {**ALL, "identity": {"type": "user_assigned", "user_assigned_identities": [USER]}})
    plan = project.plan()
    assert actions(plan)["compute.finetune"] == "update"
    settle(project)
    assert list(document(project)["identity"]["userAssignedIdentities"]) == [USER]
    assert document(project)["properties"]["properties"]["userAccountCredentials"]["adminUserName"] == "admin"

    write(project, {name: value for name, value in ALL.items() if name != "identity"})
    assert changed(project.plan())["identity.type"] == ("user_assigned", None)
    settle(project)
    assert "identity" not in document(project)


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ({"location": "westeurope"}, {"location": "northeurope"}, {"location": ("westeurope", "northeurope")}),
        (
            {"network": {"subnet": SUBNET}},
            {"network": {"subnet": f"{SUBNET}2"}},
            {"network.subnet": (SUBNET, f"{SUBNET}2")},
        ),
        ({"network": {"subnet": SUBNET}}, {}, {"network.subnet": (SUBNET, None)}),
        (
            {"network": {"enable_node_public_ip": False}},
            {},
            {"network.enable_node_public_ip": (False, True)},
        ),
        ({}, {"ssh": {"public_access_enabled": True}}, {"ssh.public_access_enabled": (False, True)}),
        (
            {"ssh": {"admin_username": "a", "ssh_key_value": "ssh-rsa A"}},
            {"ssh": {"admin_username": "a", "ssh_key_value": "ssh-rsa B"}},
            {"ssh.ssh_key_value": ("ssh-rsa A", "ssh-rsa B")},
        ),
        ({"tier": "dedicated"}, {"tier": "low_priority"}, {"tier": ("dedicated", "low_priority")}),
    ],
)
def test_what_azure_cannot_change_replaces_the_cluster(
    project: Project, before: dict[str, Any], after: dict[str, Any], fields: dict[str, Any]
) -> None:
    write(project, before)
    settle(project)
    write(project, after)
    plan = project.plan()
    assert (actions(plan)["compute.finetune"], changed(plan)) == ("replace", fields)
    settle(project)


def test_a_region_that_leaves_the_spec_stays(project: Project) -> None:
    write(project, {"location": "westeurope"})
    settle(project)
    write(project, {})
    plan = project.plan()
    assert [w.code for w in plan.warnings] == ["setting-stays"]
    assert not plan.changes_something


def test_what_others_set_survives_an_update(project: Project) -> None:
    """A PUT replaces the document: what the spec does not mention is repeated."""
    write(project, {"network": {"subnet": SUBNET}, "ssh": {"admin_username": "a", "ssh_key_value": "ssh-rsa A"}})
    settle(project)
    azure = project.embedded.azure()
    theirs = document(project)
    body = {name: theirs[name] for name in ("location", "tags", "properties")}
    body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {USER: {}}}
    answer = azure.arm.put(theirs["id"], WRITE, body)
    assert operation_of(answer) is not None
    settled(project)
    assert not project.plan().changes_something, "a field that the spec does not have belongs to others"
    write(project, {"network": {"subnet": SUBNET}, "max_instances": 2})
    plan = project.plan()
    assert actions(plan)["compute.finetune"] == "replace", "SSH access was removed from the spec"
    write(
        project,
        {
            "network": {"subnet": SUBNET},
            "ssh": {"admin_username": "a", "ssh_key_value": "ssh-rsa A"},
            "max_instances": 2,
        },
    )
    assert actions(project.plan())["compute.finetune"] == "update"
    settle(project)
    assert list(document(project)["identity"]["userAssignedIdentities"]) == [USER]


def test_an_identity_changed_by_others_is_drift(project: Project) -> None:
    write(project, {"identity": {"type": "system_assigned"}})
    settle(project)
    azure, theirs = project.embedded.azure(), document(project)
    body = {name: theirs[name] for name in ("location", "tags", "properties")}
    azure.arm.put(theirs["id"], WRITE, {**body, "identity": {"type": "None"}})
    settled(project)
    found = phases.drift(project.request, project.embedded.connector)
    assert [str(r.address) for r in found.outside] == ["compute.finetune"]
    settle(project)
    assert document(project)["identity"]["type"] == "SystemAssigned"


# tier: any


@pytest.mark.parametrize(("free", "tier"), [(48, "dedicated"), (47, "low_priority")])
def test_the_tier_is_chosen_by_quota_and_kept(project: Project, free: int, tier: str) -> None:
    write(project, {"tier": "any", "max_instances": 2})
    project.embedded.admin("PUT", "/quota", {FAMILY: free})
    try:
        plan = project.plan()
        text = plan_text.render(plan, PlanOptions())
        assert f'tier:                        "{tier}"' in text
        assert ("47 available" in text) is (tier == "low_priority")
        project.applied()
    finally:
        project.embedded.admin("PUT", "/quota", {FAMILY: PLENTY})
    priority = {"dedicated": "Dedicated", "low_priority": "LowPriority"}[tier]
    assert document(project)["properties"]["properties"]["vmPriority"] == priority
    assert not project.plan().changes_something, "it keeps its tier, whatever the quota is now"
    write(project, {"tier": "any", "max_instances": 3})
    assert changed(project.plan()) == {"max_instances": (2, 3)}
    settle(project)
    assert document(project)["properties"]["properties"]["vmPriority"] == priority


def test_a_saved_plan_keeps_the_tier(project: Project) -> None:
    write(project, {"tier": "any"})
    project.embedded.admin("PUT", "/quota", {FAMILY: 0})
    try:
        plan = Plan.from_dict(json.loads(json.dumps(project.plan().to_dict())))
    finally:
        project.embedded.admin("PUT", "/quota", {FAMILY: PLENTY})
    assert project.apply(plan).exit_code == 0
    assert document(project)["properties"]["properties"]["vmPriority"] == "LowPriority"


# serverless


def test_serverless_compute(project: Project) -> None:
    write(project, f"serverless:{SIZE.lower()}", compute={"other_steps": "serverless:Standard_E8s_v3"})
    plan = project.plan()
    assert "compute.finetune" not in actions(plan)
    assert f'compute:         "serverless:{SIZE}"' in plan_text.render(plan, PlanOptions())
    settle(project)
    [job] = project.jobs()
    [node] = job["properties"]["jobs"].values()
    sent = {name: body["value"] for name, body in node["inputs"].items() if name.startswith(("compute_", "instance_"))}
    assert sent == {
        **{f"compute_{step}": "serverless" for step in ("model_import", "preprocess", "finetune", "model_evaluation")},
        "instance_type_finetune": SIZE,
        **{f"instance_type_{step}": "Standard_E8s_v3" for step in ("model_import", "preprocess", "model_evaluation")},
    }
    assert node["inputs"]["number_of_gpu_to_use_finetuning"]["value"] == "1"
    write(project, {})
    assert actions(project.plan())["job.finetune"] == "reuse", "where it ran is not what it made"


def test_serverless_for_the_other_steps_only(project: Project) -> None:
    write(project, {}, compute={"other_steps": "serverless:Standard_E8s_v3"})
    settle(project)
    [node] = project.jobs()[0]["properties"]["jobs"].values()
    sent = {name: body["value"] for name, body in node["inputs"].items() if name.startswith(("compute_", "instance_"))}
    assert sent["compute_finetune"] == f"{project.stack}-gpu"
    assert sent["compute_preprocess"] == "serverless"
    assert "instance_type_finetune" not in sent


@pytest.mark.parametrize(
    ("compute", "code"),
    [
        ("serverless:Standard_NC24rs_v3", "size-retired"),
        ("serverless:Standard_Nothing", "size-unknown"),
        ("serverless:Standard_E8s_v3", "size-without-gpu"),
        ("serverless:Standard_NC4as_T4_v3", "size-not-allowed"),
    ],
)
def test_sizes_are_checked_before_anything_is_written(project: Project, compute: str, code: str) -> None:
    write(project, compute)
    with pytest.raises(RefusedError) as refused:
        project.plan()
    assert code in [d.code for d in refused.value.diagnostics]


def test_quota_of_serverless_compute(project: Project) -> None:
    write(project, f"serverless:{SIZE}")
    project.embedded.admin("PUT", "/quota", {FAMILY: 23})
    try:
        with pytest.raises(RefusedError) as refused:
            project.plan()
        (found,) = [d for d in refused.value.diagnostics if d.code == "quota-exceeded"]
        assert (found.address, found.path) == ("job.finetune", "compute.finetune")
    finally:
        project.embedded.admin("PUT", "/quota", {FAMILY: PLENTY})


# the identity of the job


@pytest.mark.parametrize(
    ("identity", "sent"),
    [
        ({"type": "managed"}, {"identityType": "Managed"}),
        ({"type": "Managed", "client_id": "c"}, {"identityType": "Managed", "clientId": "c"}),
        ({"type": "managed", "object_id": "o"}, {"identityType": "Managed", "objectId": "o"}),
        ({"type": "managed", "msi_resource_id": USER}, {"identityType": "Managed", "resourceId": USER}),
        ({"type": "user_identity"}, {"identityType": "UserIdentity"}),
        ({"type": "aml_token"}, {"identityType": "AMLToken"}),
    ],
)
def test_the_identity_of_the_job(project: Project, identity: dict[str, str], sent: dict[str, str]) -> None:
    write(project, {})
    name = next(r.identity for r in project.plan().resources if str(r.address) == "job.finetune")
    write(project, {}, identity=identity)
    plan = project.plan()
    assert next(r.identity for r in plan.resources if str(r.address) == "job.finetune") == name
    settle(project)
    assert project.jobs()[0]["properties"]["identity"] == sent


def test_an_identity_without_effect_is_rejected(project: Project) -> None:
    for compute in ({"finetune": f"serverless:{SIZE}"}, {"other_steps": "serverless:Standard_E8s_v3"}):
        write(project, compute.get("finetune", {}), compute=compute, identity={"type": "managed"})
        with pytest.raises(InvalidSpecError) as caught:
            phases.load(project.request)
        errors = [d.code for d in caught.value.diagnostics if d.severity is Severity.ERROR]
        assert errors == ["identity-serverless"]
