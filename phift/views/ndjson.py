"""The event stream of `apply --json`: JSON lines on stdout, in the manner of Terraform's machine-readable interface.

Every line has `@level`, `@message`, `@module`, `@timestamp` and `type`. The first is `version`; then `planned_change`,
`change_summary`, `apply_start`, `apply_progress`, `apply_complete`, `apply_errored`, `apply_skipped`, `outputs`,
`diagnostic`, `lease` and `log`. Keys may be added; a renamed key requires a new `UI_VERSION`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from phift import __version__
from phift.apply.events import (
    ApplyFinished,
    ApplyStarted,
    Event,
    LeaseEvent,
    Note,
    ResourceDone,
    ResourceFailed,
    ResourceProgress,
    ResourceSkipped,
    ResourceStarted,
)
from phift.clock import Clock
from phift.plan.model import Plan, PlannedResource
from phift.views.base import Sink, Streams
from phift.views.human.outputs import complete_line
from phift.views.human.values import duration
from phift.views.human.words import planned_phrase, words_of
from phift.views.json import diagnostics, error, escaped
from phift.views.watching import Throttle, Watching

__all__ = ["UI_VERSION", "JsonApply"]

UI_VERSION = "1.0"

EVERY = 5.0
"""Seconds between two `apply_progress` lines of a resource whose state is unchanged."""


class JsonApply(Watching):
    """Writes the event stream of `apply --json` to stdout."""

    def __init__(self, streams: Streams, *, clock: Clock | None = None) -> None:
        super().__init__(clock=clock)
        self._sink = Sink(streams.out)
        self._throttle = Throttle(self._clock, same=EVERY, changed=0.0, longest=EVERY)
        self._line("version", f"phift {__version__}", phift=__version__, ui=UI_VERSION)

    def planned(self, plan: Plan) -> None:
        """Write one `planned_change` per resource to change, and the planned `change_summary`."""
        for warning in plan.warnings:
            self._line("diagnostic", warning.summary, level="warn", diagnostic=diagnostics([warning])[0])
        for resource in plan.resources:
            if resource.action.changes_something:
                said = f"{resource.address}: {planned_phrase(resource)}"
                self._line("planned_change", said, change=_change(resource))
        counts = plan.counts
        self._line(
            "change_summary",
            str(counts) if plan.changes_something else "No changes.",
            changes={"add": counts.add, "change": counts.change, "remove": counts.destroy, "operation": "plan"},
        )

    def finish(self, result: ApplyFinished) -> None:
        """Write the applied `change_summary` and `outputs`."""
        operation = result.plan.purpose.value
        changes = {"add": result.added, "change": result.changed, "remove": result.destroyed, "operation": operation}
        self._line("change_summary", complete_line(result), changes=changes, elapsed_seconds=round(result.elapsed, 3))
        self._line(
            "outputs", f"Outputs: {len(result.outputs)}", outputs={k: dict(v) for k, v in result.outputs.items()}
        )

    def ended(self, failure: BaseException) -> None:
        """Write a `diagnostic` line for an error that ended the command."""
        data = error(failure)
        self._line("diagnostic", data["summary"], level="error", diagnostic=data)

    def _tell(self, event: Event) -> None:
        if isinstance(event, ResourceProgress) and not self._throttle.due(event):
            return
        for kind, message, level, body in _told(event):
            self._line(kind, message, level=level, **body)

    def _line(self, kind: str, message: str, *, level: str = "info", **body: Any) -> None:
        line = {
            "@level": level,
            "@message": message,
            "@module": "phift.ui",
            "@timestamp": self._clock.now().isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "type": kind,
            **body,
        }
        with self._lock:
            self._sink.write(escaped(json.dumps(line, ensure_ascii=False, default=str)))


def _told(event: Event) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Yield type, message, level and body of each line of an event."""
    hook: dict[str, Any]
    match event:
        case ResourceStarted():
            hook = {"resource": str(event.address), "action": event.action.value, "identity": event.identity}
            yield (
                "apply_start",
                f"{event.address}: {words_of(event.address, event.action).doing}",
                "info",
                {"hook": hook},
            )
        case ResourceProgress():
            hook = {
                "resource": str(event.address),
                "state": event.state,
                "message": event.message,
                "elapsed_seconds": round(event.elapsed, 3),
                "current": event.current,
                "total": event.total,
                "unit": event.unit,
                "values": dict(event.values),
            }
            said = f"{event.address}: {event.state} [{duration(event.elapsed)} elapsed]"
            yield "apply_progress", said, "info", {"hook": hook}
        case ResourceDone():
            hook = {
                "resource": str(event.address),
                "action": event.action.value,
                "identity": event.identity,
                "elapsed_seconds": round(event.elapsed, 3),
                "outputs": dict(event.outputs),
            }
            said = f"{event.address}: {words_of(event.address, event.action).done} after {duration(event.elapsed)}"
            yield "apply_complete", said, "info", {"hook": hook}
        case ResourceFailed():
            hook = {
                "resource": str(event.address),
                "action": event.action.value,
                "elapsed_seconds": round(event.elapsed, 3),
                "error": error(event.error),
            }
            yield "apply_errored", f"{event.address}: {hook['error']['summary']}", "error", {"hook": hook}
        case ResourceSkipped():
            hook = {"resource": str(event.address), "because": str(event.because)}
            yield "apply_skipped", f"{event.address}: skipped: depends on {event.because}", "warn", {"hook": hook}
        case LeaseEvent():
            yield "lease", f"Lease {event.state}", "info", {"state": event.state}
        case Note():
            yield "log", event.text, "info", {}
        case ApplyStarted() | ApplyFinished():
            return


def _change(resource: PlannedResource) -> dict[str, Any]:
    return {
        "resource": {"addr": str(resource.address), "kind": resource.address.kind, "name": resource.address.name},
        "identity": resource.identity,
        "action": resource.action.value,
        "reason": resource.reason,
    }
