"""What the service may do to a write: refuse, throttle or lose it, or its answer. Each apply comes to the same end."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import Embedded, Project, actions

from phift import phases
from phift.apply.events import ResourceFailed
from phift.errors import LeaseLostError
from phift.ledger.lease import Lease, break_lease
from tests.matrix.killing import Zygote
from tests.matrix.scenarios import SCENARIOS, Scenario, served
from tests.matrix.world import require_settled, world

API = "2024-10-01"

FAULTS: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "500 after the effect": {"status": 500, "after": True},
    "429 with Retry-After": {"status": 429, "headers": {"Retry-After": "0"}},
    "dropped": {"drop": True},
    "dropped after the effect": {"drop": True, "after": True},
    "409 while updating": {"status": 409, "code": "Conflict", "count": 2},
    "412 for a write in between": {"status": 412, "code": "PreconditionFailed", "count": 2},
    "429 while updating": {
        "status": 429,
        "code": "AnotherOperationInProgress",
        "headers": {"Retry-After": "0"},
        "count": 8,
    },
}
_MUTABLE = ("computes/", "onlineEndpoints/")
_MANY = [
    pytest.param(scenario, fault, marks=() if (scenario, fault) in few else pytest.mark.matrix)
    for few in [{("in-place", "409 while updating"), ("destroy", "dropped after the effect")}]
    for scenario in SCENARIOS
    for fault in FAULTS
]


@contextmanager
def faults(embedded: Embedded, *wanted: dict[str, Any]) -> Iterator[None]:
    """In force within it."""
    for fault in wanted:
        embedded.admin("POST", "/faults", fault)
    try:
        yield
    finally:
        embedded.admin("DELETE", "/faults")


def struck(embedded: Embedded) -> int:
    """How many requests the faults in force have met."""
    return sum(fault["struck"] for fault in embedded.admin("GET", "/faults")["value"])


def pattern(write: str, stack: str) -> str:
    """The expression that finds a write, named as in zygote.py, among the requests."""
    method, path, *_ = write.split(" ")
    parts = [re.escape(part) for part in path.replace("STACK", stack).split("*")]
    return f"^{method} .*/{'.*'.join(parts)}([?]|$)"


def failures(project: Project) -> list[str]:
    return [str(event.error) for event in project.events if isinstance(event, ResourceFailed)]


@pytest.mark.parametrize(("scenario", "fault"), _MANY)
def test_each_write_meets_a_fault_once(
    scenario: str, fault: str, roomy: Embedded, zygote: Zygote, tmp_path: Path, stack: str, tell: Callable[[str], None]
) -> None:
    """All writes of one run, and the run itself outlasts it."""
    running: Scenario = SCENARIOS[scenario](tmp_path, stack.split("-")[0] + "f", roomy)
    project = running.begin()
    clean = zygote.carry_out(project, running.action)
    assert clean["code"] == 0, clean["failures"]
    ends = {running.phase: world(project)}
    running.end(project)
    for _ in range(running.phases):
        project = running.begin()
        if running.phase in ends:
            break
        project.applied()  # the way back
    wanted = sorted(set(clean["writes"]))
    if fault[:3] in {"409", "412"} or fault == "429 while updating":
        wanted = [write for write in wanted if write.split(" ")[1].startswith(_MUTABLE)]
    patterns = [pattern(write, project.stack) for write in wanted]
    # writes told apart by a header alone meet theirs one after the other: a request is not tried more than four times
    body = [{**FAULTS[fault], "pattern": p, "offset": patterns[:n].count(p)} for n, p in enumerate(patterns)]
    with faults(roomy, *body):
        result = project.destroy() if running.action == "destroy" else project.apply()
        met = struck(roomy)
    assert result.exit_code == 0, failures(project)
    assert met >= len(set(patterns))
    require_settled(project)
    assert world(project) == ends[running.phase]
    if running.action != "destroy":
        assert not project.plan().changes_something
    running.end(project)
    tell(f"{scenario}: {met} writes met {fault}; came to the same end")


@pytest.fixture
def there(tmp_path: Path, stack: str, roomy: Embedded) -> Iterator[Project]:
    """A served project, taken down at the end."""
    project = served(tmp_path / "project", stack, roomy)
    project.applied()
    yield project
    roomy.admin("DELETE", "/faults")
    assert project.destroy().exit_code == 0


def test_a_name_that_is_busy_after_a_delete_is_waited_for(there: Project) -> None:
    assert there.destroy().exit_code == 0
    taken = {
        "pattern": f"^PUT .*/onlineEndpoints/{there.stack}-[^/]*[?]",
        "status": 400,
        "message": "There is already an endpoint with this name, Endpoint name needs to be unique within a region.",
        "count": 2,
    }
    with faults(there.embedded, taken):
        there.applied()
        assert struck(there.embedded) == 2


def test_a_name_that_stays_taken_is_told(there: Project) -> None:
    assert there.destroy().exit_code == 0
    taken = {
        "pattern": f"^PUT .*/onlineEndpoints/{there.stack}-[^/]*[?]",
        "status": 400,
        "message": "There is already an endpoint with this name.",
        "count": 0,
    }
    there.events.clear()
    with faults(there.embedded, taken):
        assert there.apply().exit_code == 1
    (told,) = failures(there)
    assert "is not available in this region" in told
    assert "endpoint.name" in told
    there.applied()


def test_a_failed_deployment_is_replaced(there: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its container does not come up, for a reason that is in no digest; mended, it is made anew under its name."""
    monkeypatch.setenv("PHIFT_TEST_SECRET", "no licence")
    there.edit(
        "  tags: {team: a}\n",
        "  tags: {team: a}\n  environment_variables:\n    REHEARSAL_FAIL: {secret: env:PHIFT_TEST_SECRET}\n",
    )
    there.edit("learning_rate: 0.008", "learning_rate: 0.004")
    there.events.clear()
    assert there.apply().exit_code == 1
    (told,) = failures(there)
    assert "no licence" in told
    assert "phift logs SPEC --deployment" in told
    assert "a failed deployment is replaced" in told
    monkeypatch.setenv("PHIFT_TEST_SECRET", "")
    plan = there.plan()
    (deployment,) = [r for r in plan.resources if str(r.address) == "deployment.main"]
    assert (deployment.action.value, deployment.reason) == ("replace", "it exists in state Failed")
    there.applied()
    assert not there.plan().changes_something
    (endpoint,) = world(there)["endpoints"]
    assert [(d["state"], d["share"]) for d in endpoint["deployments"]] == [("Succeeded", 100)]


def test_a_failed_cluster_is_replaced(roomy: Embedded, project: Project) -> None:
    """The quota went to somebody else after the plan."""
    limits = roomy.admin("GET", "/quota")["limits"]
    family = next(name for name in limits if "A100" in name.upper() and "NC" in name.upper())
    plan = project.plan()
    roomy.admin("PUT", "/quota", {family: 0})
    try:
        result = project.apply(plan)
    finally:
        roomy.admin("PUT", "/quota", {family: 10_000})
    assert result.exit_code == 1
    assert any("quota" in told.lower() for told in failures(project))
    project.applied()
    assert not project.plan().changes_something


def test_an_endpoint_that_is_being_updated_is_waited_for(there: Project) -> None:
    """By somebody else, at a pace that lasts: the shift of traffic meets it."""
    azure = there.embedded.azure()
    (raw,) = [
        e for e in azure.arm.list(f"{azure.workspace.arm_id}/onlineEndpoints", API) if e["name"].startswith(there.stack)
    ]
    path = f"{azure.workspace.arm_id}/onlineEndpoints/{raw['name']}"
    there.edit("instance_count: 1", "instance_count: 2")
    there.edit("endpoint: {auth_mode: key}", "endpoint: {auth_mode: key, description: changed}")
    plan = there.plan()
    assert actions(plan)["endpoint.main"] == "update"
    there.embedded.admin("PUT", "/settings", {"pace": "faithful", "speed": 60})
    try:
        azure.arm.patch(path, API, {"tags": {**raw["tags"], "other": "1"}})
    finally:
        there.embedded.admin("PUT", "/settings", {"pace": "fast"})
    result = there.apply()
    assert result.exit_code == 0, failures(there)
    assert not there.plan().changes_something
    (after,) = [e for e in azure.arm.list(f"{azure.workspace.arm_id}/onlineEndpoints", API) if e["name"] == raw["name"]]
    assert after["tags"]["other"] == "1"


def test_an_operation_that_outlasts_its_deadline_is_no_failure(there: Project) -> None:
    there.embedded.admin("PUT", "/settings", {"pace": "faithful", "speed": 200})
    try:
        there.edit("instance_count: 1", "instance_count: 2")
        result = there.apply(timeouts={"deployment": 0.1})
        assert result.exit_code == 8
        assert "--timeout deployment=SECONDS" in failures(there)[-1]
        assert actions(there.plan())["deployment.main"] == "adopt"
        there.applied()
    finally:
        there.embedded.admin("PUT", "/settings", {"pace": "fast"})
    assert not there.plan().changes_something
    require_settled(there)


def test_a_token_that_ends_before_its_time_is_renewed(there: Project) -> None:
    there.edit("instance_count: 1", "instance_count: 2")
    ended = {
        "pattern": "^(PUT|GET) .*/deployments/",
        "status": 401,
        "code": "InvalidAuthenticationToken",
        "message": "The access token has expired.",
    }
    with faults(there.embedded, ended):
        there.applied()
        assert struck(there.embedded) == 1
    assert not there.plan().changes_something


def test_credentials_that_are_gone_detach_a_wait(project: Project) -> None:
    project.tag(rehearsal__seconds="1.5")
    gone = {"pattern": "^GET .*/jobs/", "status": 401, "code": "InvalidAuthenticationToken", "offset": 3, "count": 0}
    with faults(project.embedded, gone):
        result = project.apply()
    assert result.exit_code == 8, failures(project)
    assert "re-run `phift apply`" in failures(project)[0]
    project.applied()
    assert len(project.jobs()) == 1


def test_a_lease_lost_while_writing_stops_the_apply(there: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody breaks it while one write is under way; the next is not begun."""
    monkeypatch.setitem(Lease.acquire.__func__.__kwdefaults__, "renew_every", 0.05)  # type: ignore[attr-defined]
    there.edit("instance_count: 1", "instance_count: 2")
    there.edit("endpoint: {auth_mode: key}", "endpoint: {auth_mode: key, description: changed}")
    blobs = there.embedded.azure().blobs
    slow = {"pattern": f"^PUT .*/onlineEndpoints/{there.stack}-", "delay": 1.5}

    def break_it() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not struck(there.embedded):
            time.sleep(0.05)
        assert break_lease(blobs, there.stack)

    there.events.clear()
    with faults(there.embedded, slow):
        other = threading.Thread(target=break_it)
        other.start()
        result = there.apply()
        other.join()
    assert result.exit_code == 1
    (lost,) = [e for e in there.events if isinstance(e, ResourceFailed)]
    assert isinstance(lost.error, LeaseLostError)
    assert str(lost.address) == "deployment.main"
    assert "Re-run the command" in lost.error.remedy
    assert actions(there.plan())["endpoint.main"] == "no-op"
    there.applied()
    assert not there.plan().changes_something
    require_settled(there)


def test_a_plan_and_drift_need_no_ledger(there: Project) -> None:
    there.edit("instance_count: 1", "instance_count: 2")
    closed = {"pattern": "[.]blob[.]", "status": 403, "code": "AuthorizationPermissionMismatch", "count": 0}
    with faults(there.embedded, closed):
        assert actions(there.plan())["deployment.main"] == "update"
        assert [str(r.address) for r in phases.drift(there.request, there.embedded.connector).unapplied] == [
            "deployment.main"
        ]
        there.events.clear()
        assert there.apply().exit_code == 1
        assert all("Storage Blob Data Contributor" in told for told in failures(there))
        assert failures(there)
    there.applied()
    assert not there.plan().changes_something
