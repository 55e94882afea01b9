"""The fingerprint of a plan and the approval in a comment: what they include, what they ignore, what they survive."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phift.address import Address
from phift.diagnostics import Diagnostic, Severity
from phift.plan.action import Action, ChangeAction, ChangedBy, Purpose
from phift.plan.approval import Approval, _packed
from phift.plan.fingerprint import Essence, covers, differences, essence, fingerprint, fingerprint_of_many
from phift.plan.model import Decided, FieldChange, Plan, PlannedResource

COMPUTE = PlannedResource(
    Address("compute", "finetune"),
    Action.UPDATE,
    "gpu",
    reason="max_instances changed",
    changes=(FieldChange("max_instances", 2, 1, ChangeAction.UPDATE),),
    unchanged=6,
    desired={"max_instances": 2, "size": "A"},
    fingerprint="abc",
)
JOB = PlannedResource(
    Address("job", "finetune"),
    Action.RUN,
    "s-0123456789ab",
    desired={"tags": {}},
    details={"compute": "gpu", "memory": {"per_gpu_gib": [1, 2]}},
)
MODEL = PlannedResource(
    Address("model", "finetuned"),
    Action.CREATE,
    "s (version known after apply; expected 2)",
    details={"version": "(known after apply)", "next_version": "2"},
)
PLAN = Plan("s", "prod", "rg/ws", "s.yaml", "r#s.yaml", "0", "2026-03-01T10:00:00Z", resources=(COMPUTE, JOB, MODEL))


def with_(resource: PlannedResource, **changed: object) -> Plan:
    """The plan with one resource changed."""
    others = (r for r in PLAN.resources if r.address != resource.address)
    return replace(PLAN, resources=(*others, replace(resource, **changed)))  # type: ignore[arg-type]


CHANGE = COMPUTE.changes[0]
SAME = {
    "time": replace(PLAN, created="2026-04-01T10:00:00Z"),
    "order": replace(PLAN, resources=PLAN.resources[::-1]),
    "path": replace(PLAN, spec_path="other/s.yaml", source="fork#s.yaml", id="1" * 16),
    "digest of the spec": replace(PLAN, spec_digest="1"),
    "warnings": replace(PLAN, warnings=(Diagnostic("w", Severity.WARNING, code="c"),), notes=("n",)),
    "lock": replace(PLAN, lock={"a": 1}),
    "next version of the model": with_(
        MODEL, identity="s (version known after apply; expected 7)", details={"next_version": "7"}
    ),
    "reason": with_(COMPUTE, reason="because", notes=("n",), unchanged=9),
    "who changed it": with_(COMPUTE, changes=(replace(CHANGE, by=ChangedBy.OUTSIDE, applied=1, reason="r", rule="x"),)),
    "live document": with_(COMPUTE, fingerprint="def"),
    "memory estimate": with_(JOB, details={"compute": "gpu", "memory": {}}),
    "suppressed difference": with_(
        COMPUTE, changes=(CHANGE, FieldChange("x", 1, 2, ChangeAction.SUPPRESSED, rule="case"))
    ),
    "unchanged resource": replace(
        PLAN, resources=(*PLAN.resources, PlannedResource(Address("data", "train"), Action.REUSE, "t:1"))
    ),
    "fields that are not updated": with_(COMPUTE, desired={"max_instances": 2, "size": "B"}),
}
OTHER = {
    "stack": replace(PLAN, stack="t"),
    "target": replace(PLAN, target="test"),
    "workspace": replace(PLAN, workspace="rg/other"),
    "purpose": replace(PLAN, purpose=Purpose.DESTROY),
    "a resource less": replace(PLAN, resources=PLAN.resources[:2]),
    "another address": with_(COMPUTE, address=Address("compute", "other")),
    "action": with_(COMPUTE, action=Action.REPLACE),
    "name": with_(JOB, identity="s-ba9876543210"),
    "wanted value": with_(COMPUTE, changes=(replace(CHANGE, wanted=3),)),
    "live value": with_(COMPUTE, changes=(replace(CHANGE, live=0),)),
    "another field": with_(COMPUTE, changes=(replace(CHANGE, path="min_instances"),)),
    "a field more": with_(COMPUTE, changes=(CHANGE, FieldChange("x", 1, 2, ChangeAction.UPDATE))),
    "consequence": with_(COMPUTE, changes=(replace(CHANGE, action=ChangeAction.REPLACE),)),
    "properties of a new object": with_(JOB, desired={"tags": {"a": "b"}}),
    "where a job runs": with_(JOB, details={"compute": "expensive"}),
    "attempt": with_(JOB, decided=Decided(attempt=2)),
    "tier": with_(COMPUTE, decided=Decided(tier="dedicated")),
    "traffic": with_(COMPUTE, decided=Decided(split={"d": 100})),
    "take over": with_(COMPUTE, decided=Decided(take_over=True)),
}


@pytest.mark.parametrize("plan", SAME.values(), ids=SAME)
def test_it_ignores(plan: Plan) -> None:
    assert fingerprint(plan) == fingerprint(PLAN)
    assert differences(essence(PLAN), essence(plan)) == {}


@pytest.mark.parametrize("plan", OTHER.values(), ids=OTHER)
def test_it_includes(plan: Plan) -> None:
    assert fingerprint(plan) != fingerprint(PLAN)


def test_it_is_stable() -> None:
    """An approval must still match after an upgrade of phift; change the format number with it."""
    assert fingerprint(PLAN) == "a32b7bae4db9a9335808e39f83d46e8c"
    assert fingerprint(replace(PLAN, resources=())) == "1788f993b4772e3516f5409992386cee"


def test_plans_without_changes_are_equal_and_do_not_count() -> None:
    nothing = replace(PLAN, stack="t", resources=())
    assert fingerprint(nothing) == fingerprint(replace(PLAN, resources=()))
    assert fingerprint_of_many([PLAN, nothing]) == fingerprint_of_many([nothing, PLAN]) == fingerprint(PLAN)
    assert fingerprint_of_many([PLAN, replace(PLAN, stack="t")]) != fingerprint(PLAN)


def test_sensitive_values_are_not_part_of_it() -> None:
    hidden = replace(CHANGE, sensitive=True)
    assert fingerprint(with_(COMPUTE, changes=(hidden,))) == fingerprint(
        with_(COMPUTE, changes=(replace(hidden, wanted=9),))
    )


def test_a_difference_names_the_address_and_both_sides() -> None:
    before = essence(PLAN)
    assert differences(before, before[1:]) == {"compute.finetune": "update was approved, but is no longer planned"}
    assert differences(before[1:], before) == {"compute.finetune": "update is planned, but was not approved"}
    assert differences(before, essence(with_(COMPUTE, action=Action.DELETE))) == {
        "compute.finetune": "update was approved, but delete is planned"
    }
    assert differences(before, essence(with_(COMPUTE, changes=(replace(CHANGE, wanted=3),)))) == {
        "compute.finetune": "update with other values than approved"
    }


def test_the_rest_of_a_detached_apply_is_covered_and_nothing_else() -> None:
    approved = essence(PLAN)
    model = next(one for one in approved if one.address == "model.finetuned")
    watched = Essence("job.finetune", "adopt", "0")
    assert covers(approved, [model])
    assert covers(approved, [watched, model])
    assert covers(approved, [])
    assert not covers(approved, [replace(model, digest="1")])
    assert not covers(approved, [Essence("compute.finetune", "adopt", "0")]), "only a run continues"
    assert not covers(approved, [Essence("endpoint.main", "create", "0")])


def test_an_approval_is_read_back_from_a_comment() -> None:
    approval = Approval.of([PLAN, replace(PLAN, stack="t", resources=())], "c" * 40, failed=1)
    line = approval.line(10_000)
    assert "--" not in line.removeprefix("<!-- ").removesuffix(" -->")
    assert Approval.read(f"<!-- phift-plan:s -->\r\n{line}\r\n\r\nText") == approval
    assert list(approval.stacks) == ["s"]
    assert approval.fingerprint == fingerprint(PLAN)


def test_an_approval_leaves_out_what_does_not_fit_but_never_the_fingerprint() -> None:
    many = [replace(with_(COMPUTE, identity=f"gpu{n}"), stack=f"s{n}") for n in range(300)]
    approval = Approval.of(many, "c" * 40)
    sizes = [len(approval.line(room)) for room in (10**6, 15_000, 400)]
    assert sizes[0] > 15_000 >= sizes[1] > 400 >= sizes[2] > 0
    for room in (15_000, 400):
        read = Approval.read(approval.line(room))
        assert read is not None
        assert read.fingerprint == approval.fingerprint
        assert not read.resources
    assert approval.line(10) == ""


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line[:60] + line[61:],
        lambda line: line.replace("phift-approval ", "phift-approval AAAA"),
        lambda line: f"{line}\n{line}",
        lambda line: "<!-- phift-approval -->",
        lambda line: f"text {line}",
        lambda line: "",
    ],
)
def test_a_damaged_or_doubled_approval_is_none(damage) -> None:  # type: ignore[no-untyped-def]
    assert Approval.read(damage(Approval.of([PLAN], "c" * 40).line(10_000))) is None


@pytest.mark.parametrize("forged", [{"format": 2}, {"fingerprint": "all"}, {"fingerprint": 1}, {"failed": "x"}])
def test_an_approval_with_other_content_is_none(forged: dict[str, object]) -> None:
    document = Approval.of([PLAN], "c" * 40)._document({}, {})
    assert Approval.read(f"<!-- phift-approval {_packed(document)} -->") is not None
    assert Approval.read(f"<!-- phift-approval {_packed({**document, **forged})} -->") is None


def test_a_deviation_names_what_the_comment_had_room_for() -> None:
    other = replace(with_(COMPUTE, changes=(replace(CHANGE, wanted=3),)), stack="t")
    whole = Approval.of([PLAN, replace(PLAN, stack="t")], "c" * 40)
    clause = "update with other values than approved"
    assert list(map(str, whole.deviations([PLAN, other]))) == [f"stack t, compute.finetune: {clause}"]
    without_resources = replace(whole, resources={})
    assert list(map(str, without_resources.deviations([PLAN, other]))) == ["stack t: differs from the approved plan"]
    (bare,) = replace(without_resources, stacks={}).deviations([PLAN, other])
    assert str(bare).startswith("fingerprint ")
    assert whole.deviations([]) == (), "nothing changes any more"
