"""Every action the planner can decide on, with its reason, from values alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support import wanted

from phift.kinds.job.parts import JobObservation, JobParts
from phift.kinds.model.parts import ModelObservation
from phift.kinds.registry import KINDS
from phift.plan.action import Action, ChangeAction
from phift.plan.model import KNOWN_AFTER_APPLY, PlannedResource
from phift.plan.planner import decide
from phift.plan.removal import decide_removal
from phift.plan.standing import Policy
from phift.state.desired import Desired, Stack
from phift.state.live import Live, Observation, Previous
from phift.state.ownership import APPLIED, PROTECT, TAGS, Claim, Owner, Ownership, applied_digest
from phift.state.source import Source

OURS, UNMARKED = Owner(Ownership.OURS, "s", "r#s.yaml"), Owner(Ownership.UNMARKED)
FOREIGN = Owner(Ownership.FOREIGN, "theirs", "r#t.yaml")
NO_RETRIES = Policy()
CLAIM = Claim("", Source.parse("r#s.yaml"))

RUN = JobParts(component="c", document={}, base_model="b", literals={}, data={})

CLUSTER = wanted(
    "compute",
    "finetune",
    "gpu",
    {"type": "amlcompute", "size": "Standard_NC24ads_A100_v4", "max_instances": 1, "tags": {"team": "a"}},
)
DATA = wanted("data", "train", "s-train", {"type": "uri_file", "tags": {}}, digest="abc")
JOB = wanted(
    "job",
    "finetune",
    "s-123",
    {"display_name": "d"},
    digest="123",
    inputs={"parameters": {"learning_rate": 0.004}, "gpus": 1},
    parts=RUN,
    depends_on=(CLUSTER.address, DATA.address),
)
MODEL = wanted("model", "finetuned", "m", {"type": "mlflow_model"}, digest="123", depends_on=(JOB.address,))


def live(desired: Desired[Any], owner: Owner = OURS, *, marks: dict[str, str] | None = None, **more: Any) -> Live:
    """The object as an apply of `desired` left it, but for what is given."""
    applied = {APPLIED: applied_digest(desired.properties), TAGS: ",".join(desired.properties.get("tags") or {})}
    fields = {"properties": desired.properties, "name": desired.name, **more}
    return Live(object_id="/x", owner=owner, marks={**applied, **(marks or {})}, **fields)


def decided(
    desired: Desired[Any], seen: Observation | None, policy: Policy = NO_RETRIES, *also: Desired[Any], **others: Any
) -> Any:
    """(planned, findings) of one resource. others: observations by kind, for the resources in `also`."""
    stack = Stack("s", "local", CLAIM, (desired, *also))
    observed = {d.address: others[d.address.kind] for d in also if d.address.kind in others}
    if seen is not None:
        observed[desired.address] = seen
    planned, findings = decide(stack, observed, KINDS, policy)
    return planned[0], findings


def of(desired: Desired[Any], owner: Owner = OURS, **more: Any) -> Observation:
    kinds = {"job": JobObservation, "model": ModelObservation}
    return kinds.get(desired.address.kind, Observation)(live(desired, owner, **more))


@pytest.mark.parametrize(
    ("desired", "seen", "action", "reason"),
    [
        (CLUSTER, Observation(), Action.CREATE, "not in the workspace"),
        (CLUSTER, of(CLUSTER), Action.NO_OP, ""),
        (CLUSTER, of(CLUSTER, state="Failed"), Action.REPLACE, "it exists in state Failed"),
        (
            CLUSTER,
            of(CLUSTER, state="Deleting"),
            Action.CREATE,
            "a resource of this name is being deleted; apply waits for it",
        ),
        (
            replace(CLUSTER, owned=False),
            of(CLUSTER, UNMARKED),
            Action.NO_OP,
            "a reference: checked, never changed",
        ),
        (DATA, Observation(), Action.CREATE, "no registered version with this content"),
        (DATA, of(DATA), Action.REUSE, "same content"),
        (DATA, of(DATA, state="Archived"), Action.UPDATE, "archived: will be restored"),
        (MODEL, ModelObservation(), Action.CREATE, "no registered version for these training inputs"),
        (MODEL, of(MODEL, version="3"), Action.REUSE, "same content"),
        (MODEL, of(MODEL, version="3", state="Archived"), Action.UPDATE, "archived: will be restored"),
        (JOB, JobObservation(), Action.RUN, "not run yet"),
        (JOB, of(JOB, state="Completed"), Action.REUSE, "already completed"),
        (JOB, of(JOB, state="Queued"), Action.ADOPT, "already running (Queued); will be awaited, not restarted"),
    ],
)
def test_action_and_reason(desired: Desired[Any], seen: Observation, action: Action, reason: str) -> None:
    planned, findings = decided(desired, seen)
    assert (planned.action, planned.reason, findings) == (action, reason, ())


def test_an_endpoint_whose_last_change_failed_is_written_again() -> None:
    """It serves on, and replacing it would take its deployments along."""
    endpoint = wanted("endpoint", "main", "e", {"auth_mode": "key"})
    created = {"created": True, "error": "OperationCanceled: overridden"}
    planned, _ = decided(endpoint, of(endpoint, state="Failed", **created))
    assert (planned.action, planned.reason) == (
        Action.UPDATE,
        "its last update ended in state Failed; will be updated again",
    )
    assert (planned.details["state"], planned.details["errors"]) == ("Failed", "OperationCanceled: overridden")
    planned, _ = decided(endpoint, of(endpoint, state="Failed"))
    assert planned.action is Action.REPLACE
    old = {"auth_mode": "aml_token"}
    planned, _ = decided(endpoint, of(endpoint, state="Failed", properties=old, **created))
    assert planned.action is Action.UPDATE


def differing(**properties: Any) -> Observation:
    return of(CLUSTER, properties={**CLUSTER.properties, **properties}, marks={APPLIED: "before"})


def test_a_mutable_field_updates_and_an_immutable_one_replaces() -> None:
    planned, _ = decided(CLUSTER, differing(max_instances=4))
    assert (planned.action, planned.reason) == (Action.UPDATE, "max_instances changed")
    assert [(c.wanted, c.live, c.by, c.action.force) for c in planned.changes] == [(1, 4, "you", "")]
    planned, _ = decided(CLUSTER, differing(size="Standard_NC48ads_A100_v4", max_instances=4))
    assert (planned.action, planned.reason) == (Action.REPLACE, "size, max_instances changed")
    assert [c.action.force for c in planned.changes] == ["forces replacement", ""]
    assert planned.changes[0].reason == "the VM size of a cluster cannot be changed"


def test_a_difference_of_case_is_suppressed_with_its_reason() -> None:
    planned, _ = decided(CLUSTER, differing(size="STANDARD_NC24ADS_A100_V4"))
    assert planned.action is Action.NO_OP
    assert planned.visible_changes == ()
    (change,) = planned.changes
    assert (change.action, change.rule) == (ChangeAction.SUPPRESSED, "case_insensitive")


def test_changes_from_outside_are_told_apart() -> None:
    planned, _ = decided(CLUSTER, of(CLUSTER, properties={**CLUSTER.properties, "max_instances": 4}))
    assert planned.reason == "max_instances was changed outside phift"
    assert [c.by for c in planned.changes] == ["outside"]


def test_tags_of_others_stay_and_tags_that_left_the_spec_go() -> None:
    tags = {"team": "a", "cost": "theirs", "old": "ours"}
    seen = of(CLUSTER, properties={**CLUSTER.properties, "tags": tags}, marks={TAGS: "old,team", APPLIED: "before"})
    planned, _ = decided(CLUSTER, seen)
    assert [(c.path, c.wanted, c.live) for c in planned.visible_changes] == [("tags.old", None, "ours")]


@pytest.mark.parametrize(("wanted", "marked"), [(True, {}), (False, {PROTECT: "true"})])
def test_protection_is_a_change(wanted: bool, marked: dict[str, str]) -> None:
    planned, _ = decided(replace(CLUSTER, protect=wanted), of(CLUSTER, marks=marked))
    assert planned.action is Action.UPDATE
    assert [(c.path, c.wanted, c.live) for c in planned.changes] == [("protect", wanted, not wanted)]


@pytest.mark.parametrize(
    ("owner", "note"),
    [(UNMARKED, "gpu is not managed by phift; used as-is"), (FOREIGN, "gpu belongs to stack theirs; used as-is")],
)
def test_a_cluster_of_others_is_used_as_it_is(owner: Owner, note: str) -> None:
    planned, findings = decided(CLUSTER, of(CLUSTER, owner))
    assert (planned.action, planned.notes, findings) == (Action.NO_OP, (note,), ())


@pytest.mark.parametrize("desired", [DATA, MODEL, JOB])
def test_versions_and_jobs_of_others_are_refused(desired: Desired[Any]) -> None:
    planned, findings = decided(desired, of(desired, FOREIGN))
    assert planned.action is Action.NO_OP
    assert [f.code for f in findings] == ["owned-by-another"]
    assert "stack theirs of r#t.yaml" in findings[0].summary


def test_the_next_model_version_is_named_and_known_after_apply() -> None:
    planned, _ = decided(MODEL, ModelObservation(next_version="4"))
    assert planned.identity == "m (version known after apply; expected 4)"
    assert planned.details["version"] == KNOWN_AFTER_APPLY


def test_retraining_says_what_changed_since_which_version() -> None:
    before = Previous("3", {"parameters": {"learning_rate": 0.008, "max_steps": 9}, "gpus": 1})
    planned, _ = decided(JOB, JobObservation(), Policy(), MODEL, model=ModelObservation(previous=before))
    assert planned.reason == "learning_rate, max_steps changed since model version 3"
    assert [(c.path, c.live, c.wanted) for c in planned.changes] == [
        ("learning_rate", 0.008, 0.004),
        ("max_steps", 9, None),
    ]
    assert {c.action.force for c in planned.changes} == {"forces retraining"}


def test_a_job_is_not_looked_at_where_its_model_is() -> None:
    planned, _ = decided(JOB, None, Policy(), MODEL, model=of(MODEL, version="3"))
    assert (planned.action, planned.reason) == (Action.REUSE, "its model is registered as m:3")


@pytest.mark.parametrize(
    ("state", "code"), [("Failed", "job-failed"), ("Canceled", "job-cancelled"), ("NotResponding", "job-failed")]
)
def test_a_job_that_ended_badly_is_refused_or_retried(state: str, code: str) -> None:
    seen = JobObservation(live(JOB, state=state), attempt=1)
    planned, findings = decided(JOB, seen)
    assert (planned.action, [f.code for f in findings]) == (Action.NO_OP, [code])
    again, findings = decided(JOB, seen, Policy(retry_failed=True))
    assert (again.action, again.identity, findings) == (Action.RUN, "s-123-r2", ())
    assert (again.details["attempt"], again.decided.attempt) == (2, 2)


def test_a_cancelled_job_is_not_said_to_fail_again() -> None:
    seen = JobObservation(live(JOB, state="Canceled"), attempt=1, cancelled="at noon, last change by ada")
    planned, (finding,) = decided(JOB, seen)
    assert planned.reason == "was cancelled"
    assert finding.summary.endswith("was cancelled")
    assert finding.detail == "It did not fail; it was cancelled at noon, last change by ada."
    assert "--retry-failed" in finding.remedy
    waited, findings = decided(JOB, JobObservation(live(JOB, state="CancelRequested"), attempt=1))
    assert (waited.action, findings) == (Action.ADOPT, ())
    assert waited.reason == "being cancelled (CancelRequested); will be awaited, not restarted"


def test_retries_of_the_spec_are_bounded() -> None:
    patient = replace(JOB, parts=replace(RUN, retries=1))
    first = JobObservation(live(JOB, state="Failed"), attempt=1, infrastructure="its node was lost")
    second = JobObservation(live(JOB, state="Failed"), attempt=2, infrastructure="its node was lost")
    again, _ = decided(patient, first)
    assert (again.action, again.reason) == (Action.RUN, "attempt 1 ended in state Failed: its node was lost")
    assert [f.code for f in decided(patient, second)[1]] == ["job-failed"]


def test_retries_of_the_spec_are_not_for_failures_of_the_author() -> None:
    patient = replace(JOB, parts=replace(RUN, retries=1))
    seen = JobObservation(live(JOB, state="Failed"), attempt=1, infrastructure="")
    assert [f.code for f in decided(patient, seen)[1]] == ["job-failed"]


def test_order_and_dependencies_are_those_of_the_stack() -> None:
    stack = Stack("s", "local", CLAIM, (CLUSTER, DATA, JOB, MODEL))
    planned, _ = decide(stack, {}, KINDS)
    assert [p.address for p in planned] == [d.address for d in stack.resources]
    assert planned[2].depends_on == (CLUSTER.address, DATA.address)
    assert planned[3].depends_on == (JOB.address,)


def removed(
    desired: Desired[Any], seen: Observation, policy: Policy = NO_RETRIES, *, archive: bool = False
) -> tuple[PlannedResource, list[str]]:
    stack = Stack("s", "local", CLAIM, (desired,))
    planned, findings = decide_removal(stack, {desired.address: seen}, policy, archive=archive)
    return planned[0], [f.code for f in findings]


@pytest.mark.parametrize(
    ("desired", "seen", "archive", "action", "reason"),
    [
        (CLUSTER, Observation(), False, Action.NO_OP, "not in the workspace"),
        (CLUSTER, of(CLUSTER), False, Action.DELETE, "stops billing"),
        (CLUSTER, of(CLUSTER, UNMARKED), False, Action.NO_OP, "not managed by this stack: not deleted"),
        (CLUSTER, of(CLUSTER, FOREIGN), True, Action.NO_OP, "not managed by this stack: not deleted"),
        (replace(CLUSTER, owned=False), of(CLUSTER), False, Action.NO_OP, "not managed by this stack: not deleted"),
        (
            CLUSTER,
            of(CLUSTER, busy="2 nodes busy"),
            False,
            Action.NO_OP,
            "in use (2 nodes busy): not deleted",
        ),
        (JOB, of(JOB, state="Running"), False, Action.DELETE, "running: will be cancelled"),
        (JOB, of(JOB, state="Completed"), True, Action.NO_OP, "finished: kept as history"),
        (DATA, of(DATA), False, Action.NO_OP, "kept: storage cost only"),
        (DATA, of(DATA), True, Action.DELETE, "will be archived"),
        (DATA, of(DATA, state="Archived"), True, Action.NO_OP, "archived"),
        (MODEL, of(MODEL), False, Action.NO_OP, "kept: storage cost only"),
        (MODEL, of(MODEL), True, Action.DELETE, "will be archived"),
    ],
)
def test_removal(desired: Desired[Any], seen: Observation, archive: bool, action: Action, reason: str) -> None:
    planned, codes = removed(desired, seen, archive=archive)
    assert (planned.action, planned.reason, codes) == (action, reason, [])


def test_what_is_protected_is_refused() -> None:
    planned, codes = removed(CLUSTER, of(CLUSTER, marks={PROTECT: "true"}))
    assert (planned.action, codes) == (Action.NO_OP, ["protected"])
