"""What phift does, phase by phase.

load -> render -> validate -> lock -> compile to resources -> read live -> diff -> preflight -> plan -> approve -> apply
"""

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
