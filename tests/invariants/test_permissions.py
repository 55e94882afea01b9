"""A plan asks for the actions that its apply uses, and reports those that the roles of the caller lack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import Embedded, Project

from phift import phases
from phift.emulator.core.actions import action_of
from phift.errors import RefusedError
from phift.plan.fingerprint import fingerprint
from phift.plan.model import Plan
from phift.preflight.permissions import SECRETS, needed_by

SERVING = """\
endpoint: {auth_mode: key}
deployment: {instance_type: Standard_NC24ads_A100_v4, instance_count: 1}
tests: {smoke: {rows: 1}}
"""
ML = "Microsoft.MachineLearningServices/workspaces"
EVERYTHING = {"actions": ["*"], "dataActions": ["*"]}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """An emulator of these tests, whose roles they change."""
    from phift.emulator.host import lifecycle

    home = tmp_path_factory.mktemp("permissions") / "home"
    yield Embedded.start(home)
    lifecycle.stop(home)


@pytest.fixture
def roles(own: Embedded) -> Iterator[Callable[..., None]]:
    """Assigns roles to the caller; afterwards it is the owner again."""
    before = own.admin("GET", "/roles")["roles"]
    yield lambda *given: own.admin("PUT", "/roles", {"roles": list(given)})
    own.admin("PUT", "/roles", {"roles": before})


def project(own: Embedded, folder: Path, stack: str) -> Project:
    made = Project.small(folder, stack, own)
    made.spec.write_text(made.spec.read_text(encoding="utf-8").replace("targets:", f"{SERVING}targets:"))
    return made


def used(requests: list[dict[str, Any]]) -> set[str]:
    """The actions of the requests to the resource manager that are not reads."""
    asked = {action_of(r["method"], r["path"]) for r in requests if r["host"] == "management.azure.com"}
    return {action for action in asked if action and not action.endswith("/read")}


def test_a_plan_needs_what_its_apply_uses(own: Embedded, tmp_path: Path) -> None:
    stack = project(own, tmp_path / "p", "asks")

    def planned(plan: Plan) -> set[str]:
        bench = phases.draft(stack.request, own.connector).bench
        return {needed.action for needed in needed_by(bench.stack, plan.resources)} | {SECRETS.action}

    plan = stack.plan()
    needed, mark = planned(plan), own.mark()
    assert stack.apply(plan).exit_code == 0
    assert used(own.since(mark)) == needed

    stack.edit("max_instances: 1", "max_instances: 2")
    stack.edit("instance_count: 1}", "instance_count: 2}")
    plan = stack.plan()
    needed, mark = planned(plan), own.mark()
    assert stack.apply(plan).exit_code == 0
    assert used(own.since(mark)) == needed

    plan = phases.destroy_plan(stack.request, own.connector, archive=True)
    needed, mark = planned(plan), own.mark()
    assert stack.destroy(archive=True).exit_code == 0
    assert used(own.since(mark)) == needed
    assert needed >= {f"{ML}/computes/delete", f"{ML}/onlineEndpoints/delete", f"{ML}/models/versions/write"}


def test_a_missing_action_is_an_error_of_the_plan(own: Embedded, roles: Callable[..., None], tmp_path: Path) -> None:
    stack = project(own, tmp_path / "p", "lacks")
    roles("AzureML Data Scientist", "Reader")
    with pytest.raises(RefusedError, match=r"lacks \S+computes/write, required by compute\.finetune") as refused:
        stack.plan()
    assert [(d.code, d.address) for d in refused.value.diagnostics] == [("permission-missing", "compute.finetune")]
    assert "AzureML Compute Operator" in refused.value.diagnostics[0].remedy

    roles("Contributor")
    stack.applied()
    mark = own.mark()
    assert not stack.plan().changes_something
    asked = [r for r in own.since(mark) if r["path"].endswith("/permissions")]
    assert len(asked) == 1, "of the resource group alone"

    roles("Reader")
    with pytest.raises(RefusedError) as refused:
        phases.destroy_plan(stack.request, own.connector)
    assert [d.address for d in refused.value.diagnostics if d.address] == ["compute.finetune", "endpoint.main"]
    assert not stack.plan().changes_something, "a plan without changes needs no role"


def test_a_reader_plans_what_another_identity_applies(
    own: Embedded, roles: Callable[..., None], tmp_path: Path
) -> None:
    """The plan of a pull request, and the comparison after its merge."""
    stack = project(own, tmp_path / "p", "reads")
    before = fingerprint(stack.plan())
    roles("Reader")
    (plan,) = phases.plan_many([stack.request], own.connector, phases.PlanSettings(permissions=False)).plans
    assert fingerprint(plan) == before
    assert [w.code for w in plan.warnings] == []
    (refused,) = phases.plan_many([stack.request], own.connector).failed
    assert isinstance(refused.error, RefusedError)
    assert {d.code for d in refused.error.diagnostics} == {"permission-missing", "permission-data"}
    roles("Contributor")
    stack.applied()
    stack.edit("max_instances: 1", "max_instances: 2")
    before = fingerprint(stack.plan())
    roles("Reader")
    (plan,) = phases.plan_many([stack.request], own.connector, phases.PlanSettings(permissions=False)).plans
    assert fingerprint(plan) == before


def test_a_missing_data_action_is_a_warning(own: Embedded, roles: Callable[..., None], tmp_path: Path) -> None:
    stack = project(own, tmp_path / "p", "blobs")
    secrets = {**EVERYTHING, "notActions": [SECRETS.action], "dataActions": []}
    roles(secrets)
    assert [w.code for w in stack.plan().warnings] == ["permission-data"]
    roles(secrets, "Storage Blob Data Contributor")
    assert not stack.plan().warnings
    stack.edit("auth_mode: key", "auth_mode: aad_token")
    assert [w.code for w in stack.plan().warnings] == ["permission-data"], "the test sends a request to the endpoint"


def test_roles_that_cannot_be_read_are_reported(own: Embedded, tmp_path: Path) -> None:
    stack = project(own, tmp_path / "p", "unread")
    own.admin("POST", "/faults", {"pattern": "/permissions", "status": 403, "code": "AuthorizationFailed", "count": 9})
    try:
        assert [w.code for w in stack.plan().warnings] == ["permissions-unknown"]
    finally:
        own.admin("DELETE", "/faults")
