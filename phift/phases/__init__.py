"""The phases of phift.

load -> render -> validate -> lock -> compile to resources -> read live -> diff -> preflight -> plan -> approve -> apply

A phase is imported on first use: importing all of them takes longer than a plan.
"""

from typing import TYPE_CHECKING

from phift.lazy import imported_on_use

if TYPE_CHECKING:
    from phift.apply.options import ApplyOptions
    from phift.phases.apply_plan import apply, apply_draft
    from phift.phases.build_report import Report, report
    from phift.phases.call_endpoint import Answered, endpoint_key, invoke
    from phift.phases.chat import Chat, open_chat
    from phift.phases.check_stack import Bed, Checked, Outcome, check
    from phift.phases.compare_metrics import MetricsComparison, metrics_comparison
    from phift.phases.compare_versions import VersionDiff, version_diff
    from phift.phases.destroy_stack import destroy_draft, destroy_plan
    from phift.phases.detect_drift import Drift, StackDrift, drift, drift_many
    from phift.phases.doctor_look import Fact, Result
    from phift.phases.drafting import Draft
    from phift.phases.expire_stacks import Expiring, WatchedStack, expire_drafts, unwatched_stacks
    from phift.phases.export_stack import StackExport, export
    from phift.phases.import_serving import import_endpoint
    from phift.phases.import_training import import_job
    from phift.phases.imported_spec import LOCAL, ImportedSpec, write_imported
    from phift.phases.init_options import InitOptions, Template
    from phift.phases.init_project import Initialized, init
    from phift.phases.many import apply_many, plan_many
    from phift.phases.pin_versions import LockReport, lock
    from phift.phases.plan_stack import PlanSettings, draft, plan
    from phift.phases.read_history import force_unlock, history, last_apply, lease_holder, outputs, settle
    from phift.phases.read_logs import Metrics, Point, deployment_logs, logs, metrics
    from phift.phases.read_prices import PriceRow, Prices, prices
    from phift.phases.read_versions import versions
    from phift.phases.results import ManyApplied, ManyPlans, StackApplied, StackPlan
    from phift.phases.run_doctor import Diagnosis, doctor
    from phift.phases.run_preflight import Preflight, Row, Verdict, preflight
    from phift.phases.show_status import Status, StatusRow, status
    from phift.workbench.inventory import FoundStack, forgotten, stacks_in
    from phift.workbench.request import Connector, Request, load

__all__ = [
    "LOCAL",
    "Answered",
    "ApplyOptions",
    "Bed",
    "Chat",
    "Checked",
    "Connector",
    "Diagnosis",
    "Draft",
    "Drift",
    "Expiring",
    "Fact",
    "FoundStack",
    "ImportedSpec",
    "InitOptions",
    "Initialized",
    "LockReport",
    "ManyApplied",
    "ManyPlans",
    "Metrics",
    "MetricsComparison",
    "Outcome",
    "PlanSettings",
    "Point",
    "Preflight",
    "PriceRow",
    "Prices",
    "Report",
    "Request",
    "Result",
    "Row",
    "StackApplied",
    "StackDrift",
    "StackExport",
    "StackPlan",
    "Status",
    "StatusRow",
    "Template",
    "Verdict",
    "VersionDiff",
    "WatchedStack",
    "apply",
    "apply_draft",
    "apply_many",
    "check",
    "deployment_logs",
    "destroy_draft",
    "destroy_plan",
    "doctor",
    "draft",
    "drift",
    "drift_many",
    "endpoint_key",
    "expire_drafts",
    "export",
    "force_unlock",
    "forgotten",
    "history",
    "import_endpoint",
    "import_job",
    "init",
    "invoke",
    "last_apply",
    "lease_holder",
    "load",
    "lock",
    "logs",
    "metrics",
    "metrics_comparison",
    "open_chat",
    "outputs",
    "plan",
    "plan_many",
    "preflight",
    "prices",
    "report",
    "settle",
    "stacks_in",
    "status",
    "unwatched_stacks",
    "version_diff",
    "versions",
    "write_imported",
]

_MODULES = {
    "Answered": "phift.phases.call_endpoint",
    "ApplyOptions": "phift.apply.options",
    "Bed": "phift.phases.check_stack",
    "Chat": "phift.phases.chat",
    "Checked": "phift.phases.check_stack",
    "Connector": "phift.workbench.request",
    "Diagnosis": "phift.phases.run_doctor",
    "Draft": "phift.phases.drafting",
    "Drift": "phift.phases.detect_drift",
    "Expiring": "phift.phases.expire_stacks",
    "Fact": "phift.phases.doctor_look",
    "FoundStack": "phift.workbench.inventory",
    "ImportedSpec": "phift.phases.imported_spec",
    "InitOptions": "phift.phases.init_options",
    "Initialized": "phift.phases.init_project",
    "LOCAL": "phift.phases.imported_spec",
    "LockReport": "phift.phases.pin_versions",
    "ManyApplied": "phift.phases.results",
    "ManyPlans": "phift.phases.results",
    "Metrics": "phift.phases.read_logs",
    "MetricsComparison": "phift.phases.compare_metrics",
    "Outcome": "phift.phases.check_stack",
    "PlanSettings": "phift.phases.plan_stack",
    "Point": "phift.phases.read_logs",
    "Preflight": "phift.phases.run_preflight",
    "PriceRow": "phift.phases.read_prices",
    "Prices": "phift.phases.read_prices",
    "Report": "phift.phases.build_report",
    "Request": "phift.workbench.request",
    "Result": "phift.phases.doctor_look",
    "Row": "phift.phases.run_preflight",
    "StackApplied": "phift.phases.results",
    "StackDrift": "phift.phases.detect_drift",
    "StackExport": "phift.phases.export_stack",
    "StackPlan": "phift.phases.results",
    "Status": "phift.phases.show_status",
    "StatusRow": "phift.phases.show_status",
    "Template": "phift.phases.init_options",
    "Verdict": "phift.phases.run_preflight",
    "VersionDiff": "phift.phases.compare_versions",
    "WatchedStack": "phift.phases.expire_stacks",
    "apply": "phift.phases.apply_plan",
    "apply_draft": "phift.phases.apply_plan",
    "apply_many": "phift.phases.many",
    "check": "phift.phases.check_stack",
    "deployment_logs": "phift.phases.read_logs",
    "destroy_draft": "phift.phases.destroy_stack",
    "destroy_plan": "phift.phases.destroy_stack",
    "doctor": "phift.phases.run_doctor",
    "draft": "phift.phases.plan_stack",
    "drift": "phift.phases.detect_drift",
    "drift_many": "phift.phases.detect_drift",
    "endpoint_key": "phift.phases.call_endpoint",
    "expire_drafts": "phift.phases.expire_stacks",
    "export": "phift.phases.export_stack",
    "force_unlock": "phift.phases.read_history",
    "forgotten": "phift.workbench.inventory",
    "history": "phift.phases.read_history",
    "import_endpoint": "phift.phases.import_serving",
    "import_job": "phift.phases.import_training",
    "init": "phift.phases.init_project",
    "invoke": "phift.phases.call_endpoint",
    "last_apply": "phift.phases.read_history",
    "lease_holder": "phift.phases.read_history",
    "load": "phift.workbench.request",
    "lock": "phift.phases.pin_versions",
    "logs": "phift.phases.read_logs",
    "metrics": "phift.phases.read_logs",
    "metrics_comparison": "phift.phases.compare_metrics",
    "open_chat": "phift.phases.chat",
    "outputs": "phift.phases.read_history",
    "plan": "phift.phases.plan_stack",
    "plan_many": "phift.phases.many",
    "preflight": "phift.phases.run_preflight",
    "prices": "phift.phases.read_prices",
    "report": "phift.phases.build_report",
    "settle": "phift.phases.read_history",
    "stacks_in": "phift.workbench.inventory",
    "status": "phift.phases.show_status",
    "unwatched_stacks": "phift.phases.expire_stacks",
    "version_diff": "phift.phases.compare_versions",
    "versions": "phift.phases.read_versions",
    "write_imported": "phift.phases.imported_spec",
}
"""The module of each name."""

__getattr__ = imported_on_use(__name__, _MODULES)
