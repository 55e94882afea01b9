"""Results for programs: one JSON document each, with a `format_version`. Keys may be added but never renamed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING, Any

from phift.diagnostics import Diagnostic
from phift.errors import AzureError, DiagnosticsError, JobFailedError, PhiftError
from phift.inert import inert
from phift.views.base import NO_OPTIONS, PlanOptions

if TYPE_CHECKING:
    from phift.cost.running import Running
    from phift.explain import Explanation
    from phift.kinds.charge import Rate
    from phift.kinds.unwatched import Unwatched
    from phift.ledger.journal import Intent, Record
    from phift.phases import Drift, LockReport, Metrics, Prices, Status
    from phift.plan.model import Plan
    from phift.spec import LoadedSpec, Origin

_OTHER = r"[^\n\x20-\x7e]"

__all__ = [
    "answers",
    "diagnostics",
    "document",
    "drift",
    "error",
    "escaped",
    "explained",
    "history",
    "lock",
    "metrics",
    "plan",
    "plan_document",
    "prices",
    "rendered",
    "status",
    "unwatched",
]


def document(data: Any) -> str:
    """Return any plain value, indented, keys in insertion order. Control characters are escaped."""
    return escaped(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def escaped(text: str) -> str:
    """Escape every character that could control a terminal: JSON itself leaves some unescaped."""
    return re.sub(_OTHER, lambda m: m[0] if inert(m[0]) == m[0] else json.dumps(m[0])[1:-1], text)


def plan(
    planned: Plan,
    options: PlanOptions = NO_OPTIONS,
) -> str:
    """Return `Plan.to_dict`; the summary leaves out the resources' properties."""
    return document(plan_document(planned, summary=options.summary))


def plan_document(planned: Plan, *, summary: bool = False) -> dict[str, Any]:
    """Return the same as plain values."""
    data = planned.to_dict()
    if not summary:
        return data
    kept = ("address", "action", "identity", "reason")
    return {key: data[key] for key in ("format_version", "purpose", "stack", "target", "workspace", "counts")} | {
        "resources": [{key: r[key] for key in kept} for r in data["resources"] if _writes(r)]
    }


def unwatched(items: Sequence[Unwatched]) -> list[dict[str, Any]]:
    """Return objects that are billed while nobody watches."""
    return [
        {
            "address": str(item.address),
            "name": item.live.name,
            "what": item.what,
            "reason": item.reason,
            "due": item.due,
            "overdue_seconds": int(item.seconds),
            "bills": _rate(item.bills) if item.bills else None,
        }
        for item in items
    ]


def _rate(rate: Rate) -> dict[str, Any]:
    return {"nodes": rate.nodes, "size": rate.size, "tier": rate.tier, "region": rate.region}


def drift(found: Drift) -> str:
    """Return whether there is drift, the outside changes, the spec changes not applied yet, and the failed resources,
    each as in a plan; and the overdue jobs."""
    planned = {r["address"]: r for r in found.plan.to_dict()["resources"]}
    return document(
        {
            "format_version": "1.0",
            "stack": found.plan.stack,
            "target": found.plan.target,
            "workspace": found.plan.workspace,
            "drift": bool(found.outside),
            "outside": [planned[str(r.address)] for r in found.outside],
            "unapplied": [planned[str(r.address)] for r in found.unapplied],
            "failed": [planned[str(r.address)] for r in found.failed],
            "overdue": unwatched(found.overdue),
        }
    )


def history(records: Sequence[Record]) -> str:
    """Return the applies of a stack, newest first: holder, plan summary, and each write with its outcome."""
    return document(
        {
            "format_version": "1.0",
            "applies": [
                {
                    "apply_id": r.apply_id,
                    "started": r.started,
                    "ended": r.ended or None,
                    "outcome": r.outcome,
                    "holder": {k: v for k, v in r.holder.items() if k != "place"},
                    "plan": dict(r.plan),
                    **({"seconds": dict(r.seconds)} if r.seconds else {}),
                    "writes": [
                        *(_write(result.intent, result.outcome, result.at, result.facts) for result in r.results),
                        *(_write(intent, None, None, {}) for intent in r.open),
                    ],
                }
                for r in records
            ],
        }
    )


def _write(intent: Intent, outcome: str | None, ended: str | None, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "address": intent.address,
        "verb": intent.verb,
        "identity": intent.identity,
        "started": intent.at,
        "ended": ended,
        "outcome": outcome,
        "facts": dict(facts),
    }


def _writes(resource: Mapping[str, Any]) -> bool:
    return resource["action"] not in {"no-op", "reuse"}


def status(found: Status) -> str:
    """Return the stack, its workspace, and its resources by address."""
    return document(
        {
            "format_version": "1.0",
            "stack": found.stack,
            "workspace": found.workspace,
            "resources": [
                {
                    "address": str(r.address),
                    "identity": r.identity,
                    "state": r.state,
                    "details": dict(r.details),
                    **({"bills": _bills(r.bills)} if r.bills else {}),
                }
                for r in found.rows
            ],
            **({"usd_per_hour": round(found.usd_per_hour, 4)} if found.billed else {}),
            "notes": list(found.notes),
            "commands": list(found.commands),
        }
    )


def _bills(running: Running) -> dict[str, Any]:
    rate = running.usd_per_hour
    return {
        "nodes": running.nodes,
        "size": running.size,
        "tier": running.tier,
        "usd_per_hour": None if rate is None else round(rate, 4),
        "source": running.price.source,
        "as_of": running.price.as_of,
    }


def prices(found: Prices) -> str:
    """Return the prices of the VM sizes of a spec; none on target local, where nothing is billed."""
    return document(
        {
            "format_version": "1.0",
            "stack": found.stack,
            "region": found.region,
            "billed": not found.local,
            "currency": "USD",
            "prices": [
                {
                    "size": row.size,
                    "tier": row.tier,
                    "region": row.region,
                    "usd_per_hour": row.price.usd_per_hour,
                    "usd_per_hour_listed": row.price.listed,
                    "source": row.price.source,
                    "as_of": row.price.as_of,
                    "used": row.used,
                }
                for row in found.rows
            ],
        }
    )


def answers(results: Sequence[Mapping[str, Any]]) -> str:
    """Return the answers of an endpoint, and the share that equals the ground truth, null if there is none."""
    known = [r for r in results if r["ground_truth"]]
    same = sum(r["answer"] == r["ground_truth"].strip() for r in known)
    exact = same / len(known) if known else None
    return document({"format_version": "1.0", "results": [dict(r) for r in results], "exact_match": exact})


def metrics(measured: Metrics) -> str:
    """Return the job, its state, and its series by name, each a list of points. The value of a training that diverged
    may be null."""
    return document(
        {
            "format_version": "1.0",
            "job": measured.job,
            "state": measured.state,
            "series": {
                name: [
                    {"step": p.step, "value": p.value if isfinite(p.value) else None, "time": p.time} for p in points
                ]
                for name, points in measured.series.items()
            },
        }
    )


def rendered(
    loaded: LoadedSpec, extra: Mapping[str, tuple[Any, Origin]] | None = None, notes: Sequence[str] = ()
) -> str:
    """Return the rendered spec, and the origin of each value by dotted path.

    extra: additional values and origins, such as the model's defaults, under a separate key.
    """
    added = dict(extra or {})
    return document(
        {
            "format_version": "1.0",
            "stack": loaded.stack,
            "target": loaded.target.name,
            "spec": loaded.shown,
            "origins": {path: str(origin) for path, origin in loaded.origins.items()},
            "defaults": {path: {"value": v, "origin": str(origin)} for path, (v, origin) in added.items()},
            "notes": list(notes),
        }
    )


def lock(report: LockReport) -> str:
    """Return the lock file's path, its changes, and the outdated pins."""
    return document(
        {
            "format_version": "1.0",
            "path": str(report.path),
            "changes": [{"what": what, "before": old, "after": new} for what, old, new in report.changes],
            "newer": [{"what": what, "pinned": pinned, "newest": newest} for what, pinned, newest in report.newer],
            "data": [asdict(moved) for moved in report.data],
            "notes": list(report.notes),
            "checked": {split: found.plain() for split, found in report.checked.items()},
            "findings": diagnostics(report.findings),
        }
    )


def diagnostics(found: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Return diagnostics as plain values."""
    return [d.plain() for d in found]


def explained(several: Iterable[Explanation]) -> str:
    """Return diagnostic codes with their explanations."""
    codes = [
        {
            "code": one.code,
            "area": one.area,
            "title": one.title,
            "means": one.means,
            "why": one.why,
            "example": one.bad,
            "fix": one.fix,
            "fixed": one.good,
        }
        for one in several
    ]
    return document({"format_version": "1.0", "codes": codes})


def error(raised: BaseException) -> dict[str, Any]:
    """Return an error as plain values: kind, summary, detail, remedy, address, exit_code, and kind-specific keys."""
    if not isinstance(raised, PhiftError):
        return {"kind": type(raised).__name__, "summary": str(raised), "exit_code": 1}
    data: dict[str, Any] = {
        "kind": type(raised).__name__,
        "summary": raised.summary,
        "detail": raised.detail,
        "remedy": raised.remedy,
        "address": raised.address,
        "exit_code": raised.exit_code,
    }
    if raised.code:
        data["code"] = raised.code
    if isinstance(raised, DiagnosticsError):
        data["diagnostics"] = diagnostics(raised.diagnostics)
    if isinstance(raised, AzureError):
        data |= {"status": raised.status, "code": raised.code, "cause": raised.cause.value}
        data |= {"method": raised.method, "url": raised.url}
    if isinstance(raised, JobFailedError):
        data |= {"step": raised.step, "log": raised.log}
    return data
