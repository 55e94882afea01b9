"""Plans of a stack `s`, made of what a test says."""

from __future__ import annotations

from typing import Any

from phift.address import Address
from phift.plan.action import Action, ChangeAction
from phift.plan.model import FieldChange, Plan, PlannedResource

__all__ = ["KEPT", "RETRAIN", "change", "plan", "resource"]


def resource(address: str, action: Action, identity: str = "it", **more: Any) -> PlannedResource:
    """Return a resource. after: the addresses that it depends on, separated by blanks."""
    after = tuple(map(Address.parse, more.pop("after", "").split()))
    return PlannedResource(Address.parse(address), action, identity, depends_on=after, **more)


def change(path: str, live: Any, wanted: Any, action: ChangeAction = ChangeAction.UPDATE, **more: Any) -> FieldChange:
    return FieldChange(path, wanted, live, action, **more)


def plan(*resources: PlannedResource, **more: Any) -> Plan:
    """Return a plan of 2026-03-01. more: other fields of Plan."""
    fixed = {"stack": "s", "target": "local", "workspace": "local", "spec_path": "s.yaml", "source": "r#s.yaml"}
    return Plan(**{**fixed, "spec_digest": "0", "created": "2026-03-01T10:00:00Z", "resources": resources, **more})


RETRAIN = resource(
    "job.finetune",
    Action.RUN,
    reason="learning_rate changed",
    changes=(change("learning_rate", 0.008, 0.004, ChangeAction.RETRAIN),),
    unchanged=12,
)
KEPT = resource("data.train", Action.REUSE, identity="train:1")
