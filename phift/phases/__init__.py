"""What phift does, phase by phase.

load -> render -> validate -> lock -> compile to resources -> read live -> diff -> preflight -> plan -> approve -> apply

A phase is imported when it is asked for: all of them take longer to import than a plan to make.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phift.apply.options import ApplyOptions
    from phift.phases.applying import apply, apply_draft
    from phift.phases.drifting import Drift, drift
    from phift.phases.gathering import FoundStack, forgotten, stacks_in
    from phift.phases.invoking import Answered, endpoint_key, invoke
    from phift.phases.locking import LockReport, lock
    from phift.phases.looking import Metrics, Point, Status, StatusRow, deployment_logs, logs, metrics, status
    from phift.phases.many import apply_many, plan_many
    from phift.phases.planning import Draft, destroy_draft, destroy_plan, draft, plan
    from phift.phases.recording import force_unlock, history, lease_holder, outputs, settle
    from phift.phases.request import Connector, Request, load
    from phift.phases.results import ManyApplied, ManyPlans, StackApplied, StackPlan

__all__ = [
    "Answered",
    "ApplyOptions",
    "Connector",
    "Draft",
    "Drift",
    "FoundStack",
    "LockReport",
    "ManyApplied",
    "ManyPlans",
    "Metrics",
    "Point",
    "Request",
    "StackApplied",
    "StackPlan",
    "Status",
    "StatusRow",
    "apply",
    "apply_draft",
    "apply_many",
    "deployment_logs",
    "destroy_draft",
    "destroy_plan",
    "draft",
    "drift",
    "endpoint_key",
    "force_unlock",
    "forgotten",
    "history",
    "invoke",
    "lease_holder",
    "load",
    "lock",
    "logs",
    "metrics",
    "outputs",
    "plan",
    "plan_many",
    "settle",
    "stacks_in",
    "status",
]

_MODULES = {
    "Answered": "phift.phases.invoking",
    "ApplyOptions": "phift.apply.options",
    "Connector": "phift.phases.request",
    "Draft": "phift.phases.planning",
    "Drift": "phift.phases.drifting",
    "FoundStack": "phift.phases.gathering",
    "LockReport": "phift.phases.locking",
    "ManyApplied": "phift.phases.results",
    "ManyPlans": "phift.phases.results",
    "Metrics": "phift.phases.looking",
    "Point": "phift.phases.looking",
    "Request": "phift.phases.request",
    "StackApplied": "phift.phases.results",
    "StackPlan": "phift.phases.results",
    "Status": "phift.phases.looking",
    "StatusRow": "phift.phases.looking",
    "apply": "phift.phases.applying",
    "apply_draft": "phift.phases.applying",
    "apply_many": "phift.phases.many",
    "deployment_logs": "phift.phases.looking",
    "destroy_draft": "phift.phases.planning",
    "destroy_plan": "phift.phases.planning",
    "draft": "phift.phases.planning",
    "drift": "phift.phases.drifting",
    "endpoint_key": "phift.phases.invoking",
    "force_unlock": "phift.phases.recording",
    "forgotten": "phift.phases.gathering",
    "history": "phift.phases.recording",
    "invoke": "phift.phases.invoking",
    "lease_holder": "phift.phases.recording",
    "load": "phift.phases.request",
    "lock": "phift.phases.locking",
    "logs": "phift.phases.looking",
    "metrics": "phift.phases.looking",
    "outputs": "phift.phases.recording",
    "plan": "phift.phases.planning",
    "plan_many": "phift.phases.many",
    "settle": "phift.phases.recording",
    "stacks_in": "phift.phases.gathering",
    "status": "phift.phases.looking",
}
"""By name, where it is."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = getattr(import_module(_MODULES[name]), name)
    return found
