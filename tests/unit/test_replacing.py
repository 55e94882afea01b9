"""`--replace`: what may be replaced, what follows from it, and what an earlier apply protected."""

import pytest
from support import wanted

from phift.address import Address
from phift.errors import UsageError
from phift.kinds.registry import KINDS
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.plan.planner import decide
from phift.plan.standing import Policy
from phift.state.desired import Stack
from phift.state.live import Live, Observation
from phift.state.ownership import APPLIED, PROTECT, Claim, Owner, Ownership, applied_digest
from phift.state.source import Source

OURS, FOREIGN = Owner(Ownership.OURS, "s", "r#s.yaml"), Owner(Ownership.FOREIGN, "theirs", "r#t.yaml")
CLAIM = Claim("", Source.parse("r#s.yaml"))
CLUSTER = wanted("compute", "finetune", "gpu", {"size": "Standard_NC24ads_A100_v4"})


def decided(
    address: str,
    *,
    owner: Owner = OURS,
    state: str = "Succeeded",
    marks: dict[str, str] | None = None,
    there: bool = True,
) -> tuple[PlannedResource, list[str]]:
    left = {APPLIED: applied_digest(CLUSTER.properties), **(marks or {})}
    live = Live(object_id="/x", owner=owner, marks=left, properties=CLUSTER.properties, name="gpu", state=state)
    planned, findings = decide(
        Stack("s", "local", CLAIM, (CLUSTER,)),
        {CLUSTER.address: Observation(live if there else None)},
        KINDS,
        Policy(replace=(Address.parse(address),)),
    )
    return planned[0], [f.code for f in findings]


def test_what_could_stay_is_replaced() -> None:
    planned, findings = decided("compute.finetune")
    assert (planned.action, planned.reason, findings) == (Action.REPLACE, "requested by --replace", [])


def test_what_is_not_there_is_made() -> None:
    assert decided("compute.finetune", there=False)[0].action is Action.CREATE


@pytest.mark.parametrize(
    ("wanted", "said"),
    [("compute.other", "compute.other is not in the plan"), ("data.train", "data.train is not in the plan")],
)
def test_an_address_that_the_plan_has_not_is_told(wanted: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace(".", r"\.")) as raised:
        decided(wanted)
    assert "compute.finetune" in raised.value.remedy


def test_what_is_of_others_is_not_replaced() -> None:
    with pytest.raises(UsageError, match="this stack does not own gpu"):
        decided("compute.finetune", owner=FOREIGN)


@pytest.mark.parametrize("state", ["Succeeded", "Failed"])
def test_what_is_protected_is_refused_whoever_asks(state: str) -> None:
    assert decided("compute.finetune", marks={PROTECT: "true"}, state=state)[1] == ["protected"]
