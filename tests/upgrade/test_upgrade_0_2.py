"""Stacks of release 0.2.0, made before phift.lock pinned environments and before clusters, endpoints and deployments
had the fields of today.

0.2.0/home.tar.xz is the home of an emulator to which that release applied the projects beside it (record.py
says how); it wrote the lock files and saved the plans.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from releases import World, changed, edit, world_of

from phift.cli.planfile import read
from phift.errors import StalePlanError

SUBNET = "/providers/Microsoft.Network/virtualNetworks/v/subnets/nodes"
READ = "2024-10-01"
STACKS: dict[str, tuple[str, dict[str, str]]] = {
    name: (name, {}) for name in ("served", "registry", "inplace", "replaced", "plain")
}
FLOATING = ("served", "registry", "inplace", "replaced")
"""Stacks whose deployment refers to the newest version of an environment."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_of("0.2.0", tmp_path, STACKS) as found:
        yield found


def endpoint(world: World, stack: str) -> str:
    """Return the path of the endpoint of a stack."""
    name = next(name for name in world.billed(stack) if name.startswith("endpoint ")).split()[1]
    return f"{world.embedded.azure().workspace.arm_id}/onlineEndpoints/{name}"


def deployments(world: World, stack: str) -> list[str]:
    found = world.embedded.azure().arm.list(f"{endpoint(world, stack)}/deployments", READ)
    return [str(one["name"]) for one in found]


def pinned(world: World, stack: str) -> str:
    text = (world.projects / stack / "phift.lock").read_text(encoding="utf-8")
    return text.partition("    environment:\n")[2]


def publish(world: World, version: str) -> None:
    azure = world.embedded.azure()
    path = f"{azure.workspace.arm_id}/environments/minimal/versions/{version}"
    azure.arm.put(path, READ, {"properties": {"image": f"minimal:{version}", "osType": "Linux"}})


def clusters(world: World) -> set[str]:
    azure = world.embedded.azure()
    return {str(one["name"]) for one in azure.arm.list(f"{azure.workspace.arm_id}/computes", READ)}


def wait_until(done: Callable[[], bool]) -> None:
    for _ in range(300):
        if done():
            return
        time.sleep(0.1)
    pytest.fail("still waiting after 30 s")


def test_a_label_is_pinned_without_a_new_deployment_until_the_pin_moves(world: World) -> None:
    before, locks = {stack: deployments(world, stack) for stack in STACKS}, world.locks()
    for stack in STACKS:
        plan = world.plan(stack)
        assert not changed(plan), f"{stack}: {changed(plan)}"
    for stack in FLOATING:
        assert pinned(world, stack).endswith("      as_written: true\n")
    served = world.projects / "served" / "phift.lock"
    assert served.read_bytes().partition(b"    environment:\n")[0] == locks[served]
    assert world.locks()[world.projects / "plain" / "phift.lock"] == locks[world.projects / "plain" / "phift.lock"]

    publish(world, "3")
    locks = world.locks()
    for stack in ("served", "inplace"):
        plan = world.plan(stack)
        assert not changed(plan)
        assert any("minimal 3 is available" in note for note in plan.notes)
    assert world.locks() == locks
    # Without a newer version, an upgrade of the pins does not rename anything.
    assert not changed(world.plan("registry", upgrade=True))

    for spec in (world.project(stack).spec for stack in STACKS):
        edit(spec, "tags: {team: a}", "tags: {team: b}")
    for stack in STACKS:
        plan = world.plan(stack)
        assert set(changed(plan).values()) == {"update"}, f"{stack}: {changed(plan)}"
        world.apply(stack, plan)
        assert not changed(world.plan(stack))
    assert {stack: deployments(world, stack) for stack in STACKS} == before

    for stack, action in (("served", "create"), ("inplace", "update"), ("replaced", "replace")):
        plan = world.plan(stack, upgrade=True)
        assert changed(plan)["deployment.main"] == action
        assert pinned(world, stack).endswith('      version: "3"\n')
        world.apply(stack, plan)
        assert not changed(world.plan(stack)), f"{stack}: {changed(world.plan(stack))}"
    assert not set(deployments(world, "served")) & set(before["served"])
    for stack in STACKS:
        world.destroy(stack)
        assert world.billed(stack) == []


def test_a_clone_with_the_same_lock_file_computes_the_same_names(world: World) -> None:
    served = world.project("served").spec
    assert not changed(world.plan("served"))
    world.destroy("served")
    # Nothing is left in the workspace that shows which release created the deployment.
    resource = next(r for r in world.plan("served").resources if str(r.address) == "deployment.main")
    assert resource.action.value == "create"
    assert pinned(world, "served").endswith("      as_written: true\n")
    lock = served.parent / "phift.lock"
    lock.write_text(lock.read_text().replace("      as_written: true\n", ""))
    other = next(r for r in world.plan("served").resources if str(r.address) == "deployment.main")
    assert other.identity != resource.identity


def test_a_cluster_with_values_of_others_is_neither_changed_nor_replaced(world: World) -> None:
    azure = world.embedded.azure()
    path = f"{azure.workspace.arm_id}/computes/served-gpu"
    raw = azure.arm.get(path, READ)
    inner = raw["properties"]["properties"]
    fields = {name: inner[name] for name in ("vmSize", "vmPriority", "scaleSettings")}
    fields |= {
        "enableNodePublicIp": False,
        "subnet": {"id": azure.workspace.arm_id.partition("/providers/")[0] + SUBNET},
        "remoteLoginPortPublicAccess": "Enabled",
        "userAccountCredentials": {"adminUserName": "admin1", "adminUserSshPublicKey": "ssh-rsa AAAA"},
    }
    azure.arm.delete(path, READ, underlyingResourceAction="Delete")
    wait_until(lambda: "served-gpu" not in clusters(world))
    body = {
        "location": "East US",
        "tags": raw["tags"],
        "identity": {"type": "SystemAssigned"},
        "properties": {"computeType": "AmlCompute", "disableLocalAuth": False, "properties": fields},
    }
    azure.arm.put(path, READ, body)
    wait_until(lambda: azure.arm.get(path, READ)["properties"]["provisioningState"] == "Succeeded")
    assert not changed(world.plan("served"))
    edit(world.project("served").spec, "    name: served-gpu\n", "    name: served-gpu\n    location: East US\n")
    assert not changed(world.plan("served"))


def test_saved_plans_of_the_release_are_shown_and_applied(world: World) -> None:
    for stack, name, old, new in (
        ("served", "cluster.json", "max_instances: 1", "max_instances: 2"),
        ("plain", "tags.json", "team: a", "team: b"),
    ):
        file = world.projects / stack / name
        spec = world.project(stack).spec
        edit(spec, old, new)
        plan, _ = read(file)
        assert plan.resources
        world.apply(stack, plan, saved=True)
        assert not changed(world.plan(stack))


def test_a_saved_plan_of_the_release_is_stale_after_a_change(world: World) -> None:
    edit(world.project("plain").spec, "team: a", "team: b")
    azure = world.embedded.azure()
    path = endpoint(world, "plain")
    raw = azure.arm.get(path, READ)
    azure.arm.patch(path, READ, {"tags": {**raw["tags"], "owner": "someone"}})
    plan, _ = read(world.projects / "plain" / "tags.json")
    with pytest.raises(StalePlanError, match="1 of 4 resources changed"):
        world.apply("plain", plan, saved=True)
