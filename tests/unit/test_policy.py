"""The example policies of docs/policy judge plans as docs/policy.md says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phift.address import Address
from phift.plan.action import Action
from phift.plan.cost import Cost, CostLine, Price, Range
from phift.plan.model import Plan, PlannedResource

regorus = pytest.importorskip("hobofan_regorus", reason="needs the extra [policy]")

DOCS = Path(__file__).parents[2] / "docs"
A100 = "Standard_NC24ads_A100_v4"
TAGS = {"team": "a", "cost_center": "7"}
JOB, DEPLOYMENT, ENDPOINT = Address("job", "finetune"), Address("deployment", "main"), Address("endpoint", "main")


def good() -> Plan:
    """A plan for production that no rule objects to."""
    price = Price(3.67, "workspace", "2026-11-20")
    return Plan(
        "s",
        "prod",
        "rg/ws",
        "s.yaml",
        "r#s.yaml",
        "0",
        "2026-11-20T10:00:00Z",
        resources=(
            PlannedResource(Address("compute", "finetune"), Action.CREATE, "gpu", desired={"size": A100, "tags": TAGS}),
            PlannedResource(JOB, Action.RUN, "s-1", details={"gpus": 8}),
            PlannedResource(ENDPOINT, Action.CREATE, "e", desired={"auth_mode": "aad_token"}, protect=True),
            PlannedResource(DEPLOYMENT, Action.CREATE, "d-1", desired={"instance_type": A100, "tags": TAGS}),
        ),
        cost=Cost(
            "eastus",
            (
                CostLine(JOB, "run", A100, 1, price, hours=Range(1, 2, 3)),
                CostLine(DEPLOYMENT, "always_on", A100, 1, price, now=0),
            ),
        ),
    )


def changed(plan: Plan, address: Address, **fields: Any) -> Plan:
    """The plan with other fields of a resource."""
    return replace(plan, resources=tuple(replace(r, **fields) if r.address == address else r for r in plan.resources))


def spaceless(texts: list[str]) -> list[str]:
    """Texts to compare: the sprintf of this engine drops the space after a verb, which OPA does not."""
    return sorted(re.sub(r"\.0(?=\s*USD)|\s", "", text) for text in texts)


def judge(plan: Plan, rule: str = "deny") -> list[str]:
    return judge_document(plan.to_dict(), rule)


def judge_document(document: dict[str, Any], rule: str = "deny") -> list[str]:
    engine = regorus.Engine()
    engine.add_policy_from_file(str(DOCS / "policy" / "plan.rego"))
    engine.add_data_from_json_file(str(DOCS / "policy" / "limits.json"))
    engine.set_input_json(json.dumps(document))
    found = json.loads(engine.eval_rule_as_json(f"data.main.{rule}"))
    return spaceless(found)


def test_a_plan_that_keeps_to_the_rules() -> None:
    assert judge(good()) == []
    assert judge(good(), "warn") == []


def costing(plan: Plan, **fields: Any) -> Plan:
    assert plan.cost is not None
    return replace(plan, cost=replace(plan.cost, **fields))


def bigger(plan: Plan, number: int, **fields: Any) -> Plan:
    """The plan with other fields of a line of its cost."""
    assert plan.cost is not None
    lines = [replace(line, **fields) if n == number else line for n, line in enumerate(plan.cost.lines)]
    return costing(plan, lines=tuple(lines))


COMPUTE = Address("compute", "finetune")
WRONG = {
    "region of the workspace": (
        costing(good(), region="northeurope"),
        "the workspace is in northeurope; allowed: eastus, westeurope",
    ),
    "region of a cluster": (
        changed(good(), COMPUTE, desired={"size": A100, "tags": TAGS, "location": "uksouth"}),
        "compute.finetune is in uksouth; allowed: eastus, westeurope",
    ),
    "size for training": (
        changed(good(), COMPUTE, desired={"size": "Standard_ND96isr_H100_v5", "tags": TAGS}),
        "compute.finetune uses Standard_ND96isr_H100_v5, which is not an approved size",
    ),
    "size for serving": (
        changed(good(), DEPLOYMENT, desired={"instance_type": "Standard_NC4as_T4_v3", "tags": TAGS}),
        "deployment.main uses Standard_NC4as_T4_v3, which is not an approved size",
    ),
    "tag": (
        changed(good(), DEPLOYMENT, desired={"instance_type": A100, "tags": {"team": "a"}}),
        "deployment.main lacks the tag cost_center",
    ),
    "authentication": (
        changed(good(), ENDPOINT, desired={"auth_mode": "key"}),
        "endpoint.main uses keys; production requires auth_mode: aad_token or aml_token",
    ),
    "protection": (
        changed(good(), ENDPOINT, protect=False),
        "endpoint.main is not protected; production requires protect: true",
    ),
    "size of serverless compute": (
        changed(good(), JOB, details={"gpus": 8, "compute": "serverless:Standard_ND40rs_v2"}),
        "job.finetune uses Standard_ND40rs_v2, which is not an approved size",
    ),
    "size of an existing cluster": (
        bigger(good(), 0, size="Standard_ND40rs_v2"),
        "job.finetune uses Standard_ND40rs_v2, which is not an approved size",
    ),
    "gpus": (
        changed(good(), JOB, details={"gpus": 16}),
        "job.finetune trains on 16 GPUs; at most 8 are allowed",
    ),
    "budget of the apply": (
        bigger(good(), 0, hours=Range(10, 20, 100)),
        "the apply may cost 367 USD; at most 200 are allowed",
    ),
    "budget of a month": (
        bigger(good(), 1, nodes=3),
        "afterwards 8037.3 USD a month; at most 6000 are allowed",
    ),
}


@pytest.mark.parametrize(("plan", "message"), WRONG.values(), ids=WRONG)
def test_each_rule_objects(plan: Plan, message: str) -> None:
    assert judge(plan) == spaceless([message])


def test_other_targets_may_use_keys_without_protection() -> None:
    plan = changed(good(), ENDPOINT, desired={"auth_mode": "key"}, protect=False)
    assert judge(replace(plan, target="dev")) == []


def test_what_runs_above_the_budget_already_and_does_not_grow_passes() -> None:
    assert judge(bigger(good(), 1, nodes=3, now=3)) == []


def test_unknown_costs_and_deletions_are_warnings() -> None:
    unknown = bigger(good(), 0, hours=None)
    assert judge(unknown) == []
    assert judge(unknown, "warn") == spaceless(["the cost of job.finetune is unknown"])
    gone = changed(good(), COMPUTE, action=Action.REPLACE, reason="size changed")
    message = "compute.finetune will be replaced in production: size changed"
    assert judge(gone, "warn") == spaceless([message])


def test_prices_of_the_spec_below_the_listed_ones_are_warnings() -> None:
    given = bigger(good(), 1, price=Price(3.0, "spec", listed=3.67))
    assert judge(given, "warn") == spaceless(["deployment.main is priced by the spec at 3.0 USD; listed: 3.67"])
    assert judge(bigger(good(), 1, price=Price(3.7, "spec", listed=3.67)), "warn") == []


@pytest.mark.parametrize("document", [{"format_version": "1.0", "error": {}}, {"stacks": [{"plan": good().to_dict()}]}])
def test_what_is_not_the_plan_of_one_stack_does_not_pass(document: dict[str, Any]) -> None:
    assert judge_document(document) == spaceless(["this is not the plan of one stack"])


def test_what_stops_billing_may_have_any_size() -> None:
    cost = good().cost
    assert cost is not None
    gone = replace(cost.lines[1], size="Standard_ND40rs_v2", nodes=0, now=1, stops=True)
    assert judge(costing(good(), lines=(*cost.lines, gone))) == []


def test_a_plan_without_a_cost_passes() -> None:
    assert judge(replace(good(), cost=None)) == []
