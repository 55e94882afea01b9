"""Autoscale settings on the emulator: load scales out, and a rollout starts with what there is then."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import Embedded, Project, actions, writes

from phift import phases
from phift.azure.session import Azure
from phift.errors import AzureError, RefusedError
from phift.kinds.shared.monitor import SETTINGS_API, settings_path
from phift.phases.expire_stacks import unwatched_stacks

SERVING = """\
endpoint: {auth_mode: key}
deployment:
  instance_type: Standard_NC24ads_A100_v4
  autoscale:
    maximum: 3
    rules:
      - {metric: RequestsPerMinute, above: 5, add: 2, time_aggregation: maximum}
tests:
  smoke: {rows: 1}
targets:
"""


@pytest.fixture
def scaled(tmp_path: Path, stack: str, own_embedded: Callable[[], Embedded]) -> Project:
    """Applied, on an emulator of its own: one load must not scale another test's deployment."""
    project = Project.small(tmp_path / "project", stack, own_embedded())
    project.edit("targets:\n", SERVING)
    return project


def settings(azure: Azure) -> list[dict[str, Any]]:
    return list(azure.arm.list(settings_path(azure.workspace), SETTINGS_API))


def deployments(azure: Azure) -> dict[str, int]:
    """Number of instances by name."""
    found = {}
    for endpoint in azure.arm.list(f"{azure.workspace.arm_id}/onlineEndpoints", "2024-10-01"):
        for each in azure.arm.list(f"{endpoint['id']}/deployments", "2024-10-01"):
            found[each["name"]] = each["sku"]["capacity"]
    return found


def settled(azure: Azure, wanted: dict[str, int]) -> None:
    deadline = time.monotonic() + 120
    while deployments(azure) != wanted or any(
        each["properties"]["provisioningState"] != "Succeeded"
        for endpoint in azure.arm.list(f"{azure.workspace.arm_id}/onlineEndpoints", "2024-10-01")
        for each in azure.arm.list(f"{endpoint['id']}/deployments", "2024-10-01")
    ):
        assert time.monotonic() < deadline, deployments(azure)
        time.sleep(0.5)


def test_load_scales_out_and_a_rollout_starts_with_it(scaled: Project) -> None:
    scaled.applied()
    azure = scaled.embedded.azure()
    (old,) = deployments(azure)
    assert deployments(azure) == {old: 1}
    for _ in range(20):
        assert list(phases.invoke(scaled.request, scaled.embedded.connector, text="hello"))
    scaled.embedded.admin("POST", "/autoscale", {"after": "PT1M"})
    settled(azure, {old: 3})

    before = scaled.embedded.mark()
    plan = scaled.plan()
    assert not plan.changes_something
    assert writes(scaled.embedded.since(before)) == []
    assert not phases.drift(scaled.request, scaled.embedded.connector).outside

    scaled.edit("  instance_type: Standard_NC24ads_A100_v4", "  instance_type: Standard_NC48ads_A100_v4")
    plan = scaled.plan()
    scaled.applied()
    (new,) = deployments(azure)
    assert (new != old, deployments(azure)) == (True, {new: 3})
    assert [s["properties"]["targetResourceUri"].rpartition("/")[2] for s in settings(azure)] == [new]
    asked = [line for line in writes(scaled.embedded.since(before)) if "autoscale" in line or "nlineEndpoints" in line]
    order = [index for index, line in enumerate(asked) if line.startswith("PUT") and "autoscale" in line.lower()]
    shift = next(i for i, line in enumerate(asked) if line.startswith("PUT") and line.endswith(endpoint_of(azure)))
    removed = next(i for i, line in enumerate(asked) if line.startswith("DELETE") and "autoscale" in line.lower())
    deleted = next(i for i, line in enumerate(asked) if line.startswith("DELETE") and f"/deployments/{old}" in line)
    assert order[0] < shift < removed < deleted, asked
    assert not scaled.plan().changes_something


def endpoint_of(azure: Azure) -> str:
    (endpoint,) = azure.arm.list(f"{azure.workspace.arm_id}/onlineEndpoints", "2024-10-01")
    return str(endpoint["name"])


def test_an_orphaned_setting_is_removed(scaled: Project) -> None:
    scaled.applied()
    azure = scaled.embedded.azure()
    (setting,) = settings(azure)
    endpoint = endpoint_of(azure)
    azure.arm.delete(f"{azure.workspace.arm_id}/onlineEndpoints/{endpoint}", "2024-10-01")
    scaled.edit(SERVING.removesuffix("targets:\n"), "")
    assert actions(scaled.plan()).get("endpoint.main") is None
    deadline = time.monotonic() + 60
    while not (found := unwatched_stacks([scaled.request], scaled.embedded.connector)[0].items):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert [item.live.name for item in found] == [setting["name"]]
    assert scaled.destroy().exit_code == 0
    assert settings(azure) == []


def test_missing_permission_names_the_action_and_a_role(scaled: Project) -> None:
    role = {"actions": ["Microsoft.MachineLearningServices/*", "Microsoft.Storage/*"], "dataActions": ["*"]}
    scaled.embedded.admin("PUT", "/roles", {"roles": [role, "Storage Blob Data Contributor"]})
    with pytest.raises(AzureError) as refused:
        scaled.plan()
    assert "Microsoft.Insights/autoscaleSettings/read" in refused.value.remedy
    assert "Monitoring Contributor" in refused.value.remedy


def test_a_provider_that_is_not_registered_is_named(scaled: Project) -> None:
    text = "The subscription is not registered to use namespace 'Microsoft.Insights'. See https://aka.ms/rps-not-found"
    fault = {
        "pattern": "autoscalesettings",
        "count": 0,
        "status": 409,
        "code": "MissingSubscriptionRegistration",
        "message": text,
    }
    scaled.embedded.admin("POST", "/faults", fault)
    with pytest.raises(AzureError) as refused:
        scaled.plan()
    assert "az provider register --namespace Microsoft.Insights" in refused.value.remedy


def test_a_setting_made_by_hand_is_refused(scaled: Project) -> None:
    scaled.applied()
    azure = scaled.embedded.azure()
    (setting,) = settings(azure)
    path = settings_path(azure.workspace)
    azure.arm.delete(f"{path}/{setting['name']}", SETTINGS_API)
    azure.arm.put(f"{path}/mine", SETTINGS_API, {**setting, "name": "mine", "tags": {}})
    with pytest.raises(RefusedError) as refused:
        scaled.plan()
    assert "autoscale-taken" in [d.code for d in refused.value.diagnostics]
