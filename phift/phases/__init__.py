"""What phift does, phase by phase.

load -> render -> validate -> lock -> compile to resources -> read live -> diff -> preflight -> plan -> approve -> apply
"""

from phift.apply.options import ApplyOptions
from phift.phases.apply import apply, apply_draft
from phift.phases.destroy import destroy_draft, destroy_plan
from phift.phases.drafting import Draft
from phift.phases.drift import Drift, drift
from phift.phases.history import force_unlock, history, lease_holder, outputs, settle
from phift.phases.invoke import Answered, endpoint_key, invoke
from phift.phases.lock import LockReport, lock
from phift.phases.logs import Metrics, Point, deployment_logs, logs, metrics
from phift.phases.many import apply_many, plan_many
from phift.phases.plan import draft, plan
from phift.phases.results import ManyApplied, ManyPlans, StackApplied, StackPlan
from phift.phases.status import Status, StatusRow, status
from phift.workbench.inventory import FoundStack, forgotten, stacks_in
from phift.workbench.request import Connector, Request, load

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
