"""A saved plan before its first write: what has moved since, and what an earlier run of the plan has done already."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import plans
import pytest

from phift.address import Address
from phift.apply.staleness import came_true, require_fresh, require_unmoved
from phift.errors import StalePlanError
from phift.plan.action import Action
from phift.plan.model import Decided, PlannedResource
from phift.state.desired import Desired, Stack
from phift.state.live import Live, Observation
from phift.state.ownership import APPLIED, DIGEST, Claim, Owner, Ownership, applied_digest
from phift.state.source import Source
from phift.state.states import Provisioning, RunState

MINE, THEIRS = Owner(Ownership.OURS, "s"), Owner(Ownership.FOREIGN, "t")
WANTED = {"max_instances": 2}
COMPUTE: Desired[Any] = Desired(Address("compute", "finetune"), "gpu", WANTED)
BEFORE = Live("gpu", "/gpu", {"max_instances": 1}, MINE)
AFTER = replace(BEFORE, properties=WANTED, marks={APPLIED: applied_digest(WANTED)})
UPDATE = PlannedResource(COMPUTE.address, Action.UPDATE, "gpu", fingerprint=BEFORE.fingerprint)


def checked(planned: PlannedResource, live: Live | None) -> None:
    stack = Stack("s", "local", Claim("", Source.parse("#a.yaml")), (COMPUTE,))
    require_fresh(plans.plan(planned), stack, {COMPUTE.address: Observation(live)})


def test_an_object_that_the_plan_has_changed_already_came_true() -> None:
    assert came_true(UPDATE, COMPUTE, AFTER)
    assert not came_true(UPDATE, COMPUTE, BEFORE), "not written yet"
    assert not came_true(replace(UPDATE, action=Action.REUSE), COMPUTE, AFTER)


@pytest.mark.parametrize(
    "other",
    [
        {"owner": THEIRS},
        {"state": Provisioning.FAILED},
        {"marks": {APPLIED: applied_digest({"max_instances": 3})}},
        {"marks": {**AFTER.marks, DIGEST: "d"}},
    ],
)
def test_an_object_that_differs_from_the_result_did_not(other: dict[str, Any]) -> None:
    assert not came_true(UPDATE, COMPUTE, replace(AFTER, **other))


@pytest.mark.parametrize(
    ("live", "true"),
    [
        ({}, True),
        ({"name": "s-2"}, False),
        ({"owner": THEIRS}, False),
        ({"state": RunState.FAILED}, False),
        ({"state": "Running"}, False),
    ],
)
def test_a_run_came_true_once_it_is_complete(live: dict[str, Any], true: bool) -> None:
    run = PlannedResource(Address("job", "finetune"), Action.RUN, "s-1")
    job = replace(Live("s-1", "/s-1", {}, MINE, state=RunState.COMPLETED), **live)
    assert came_true(run, Desired(run.address, "s-1"), job) is true


def test_a_shift_came_true_once_the_shares_are_those() -> None:
    shift = PlannedResource(Address("traffic", "main"), Action.SHIFT, "e", decided=Decided(split={"a": 100}))
    desired: Desired[Any] = Desired(shift.address, "e")
    assert came_true(shift, desired, Live("e", "/e", {"traffic": {"a": 100}}, MINE))
    assert not came_true(shift, desired, Live("e", "/e", {"traffic": {"b": 100}}, MINE))


@pytest.mark.parametrize(
    ("planned", "live", "how"),
    [
        (UPDATE, None, "was removed"),
        (UPDATE, replace(BEFORE, properties={"max_instances": 7}), "was changed"),
        (replace(UPDATE, action=Action.CREATE, fingerprint=""), BEFORE, "was created by someone else"),
    ],
)
def test_an_object_that_others_changed_makes_the_plan_stale(
    planned: PlannedResource, live: Live | None, how: str
) -> None:
    with pytest.raises(StalePlanError, match=f"compute.finetune: gpu {how} since the plan"):
        require_unmoved(planned, live)
    with pytest.raises(StalePlanError, match="1 of 1 resources changed") as caught:
        checked(planned, live)
    assert how in caught.value.detail


@pytest.mark.parametrize(
    ("planned", "live"),
    [
        (UPDATE, BEFORE),
        (UPDATE, AFTER),
        (replace(UPDATE, action=Action.DELETE), None),
        (replace(UPDATE, action=Action.RUN), None),
        (replace(UPDATE, action=Action.CREATE, fingerprint=""), None),
    ],
)
def test_a_plan_that_nobody_moved_is_fresh(planned: PlannedResource, live: Live | None) -> None:
    checked(planned, live)


def test_whoever_changed_it_is_named() -> None:
    raw = {"systemData": {"lastModifiedBy": "ann@example.org", "lastModifiedAt": "2026-03-01T10:00:00Z"}}
    with pytest.raises(StalePlanError) as caught:
        require_unmoved(UPDATE, replace(BEFORE, properties={"max_instances": 7}, raw=raw))
    assert caught.value.detail == "last modified by ann@example.org at 2026-03-01T10:00:00Z"
