"""The Python API of phift: open a spec, plan, apply, inspect, destroy.

    from phift import api

    with api.open_spec("finetune.yaml", target="prod") as spec:
        plan = api.plan(spec)
        result = api.apply(spec, plan)
        result.raise_for_errors()

Every function takes the handle as first argument and all others by keyword. No function prints, prompts, exits or
installs a signal handler. Errors are those of phift.errors. Importing this module loads neither Azure nor data
libraries; functions load what they need when called. docs/api.md is the reference.
"""

from typing import TYPE_CHECKING

import phift.posix  # noqa: F401  (first: it fails on other systems)
from phift.api._change import ApplyResult, apply, destroy, lock, plan, plan_destroy
from phift.api._data import data_diff, data_preview, data_stats
from phift.api._import import import_endpoint, import_job
from phift.api._look import (
    compare_metrics,
    compare_versions,
    drift,
    history,
    invoke,
    logs,
    metrics,
    open_chat,
    outputs,
    status,
)
from phift.api._spec import Rendering, SpecHandle, Validation, open_spec, render, validate
from phift.apply.options import ApplyOptions
from phift.lazy import imported_on_use
from phift.plan.model import Plan

if TYPE_CHECKING:
    from phift.ledger.journal import Record
    from phift.phases.call_endpoint import Answered
    from phift.phases.chat import Chat
    from phift.phases.compare_data import DataDiff
    from phift.phases.compare_metrics import MetricsComparison
    from phift.phases.compare_versions import VersionDiff
    from phift.phases.detect_drift import Drift
    from phift.phases.imported_spec import ImportedSpec
    from phift.phases.inspect_data import DataStats, Preview
    from phift.phases.pin_versions import LockReport
    from phift.phases.read_logs import Metrics
    from phift.phases.show_status import Status

__all__ = [
    "Answered",
    "ApplyOptions",
    "ApplyResult",
    "Chat",
    "DataDiff",
    "DataStats",
    "Drift",
    "ImportedSpec",
    "LockReport",
    "Metrics",
    "MetricsComparison",
    "Plan",
    "Preview",
    "Record",
    "Rendering",
    "SpecHandle",
    "Status",
    "Validation",
    "VersionDiff",
    "apply",
    "compare_metrics",
    "compare_versions",
    "data_diff",
    "data_preview",
    "data_stats",
    "destroy",
    "drift",
    "history",
    "import_endpoint",
    "import_job",
    "invoke",
    "lock",
    "logs",
    "metrics",
    "open_chat",
    "open_spec",
    "outputs",
    "plan",
    "plan_destroy",
    "render",
    "status",
    "validate",
]

_LAZY = {
    "Answered": "phift.phases.call_endpoint",
    "Chat": "phift.phases.chat",
    "DataDiff": "phift.phases.compare_data",
    "DataStats": "phift.phases.inspect_data",
    "Drift": "phift.phases.detect_drift",
    "ImportedSpec": "phift.phases.imported_spec",
    "LockReport": "phift.phases.pin_versions",
    "Metrics": "phift.phases.read_logs",
    "MetricsComparison": "phift.phases.compare_metrics",
    "Preview": "phift.phases.inspect_data",
    "Record": "phift.ledger.journal",
    "Status": "phift.phases.show_status",
    "VersionDiff": "phift.phases.compare_versions",
}
"""Results whose modules are loaded on first use."""

__getattr__ = imported_on_use(__name__, _LAZY)
