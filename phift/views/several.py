"""Several stacks for programs: one JSON document with a `format_version`. Keys may be added but never renamed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from phift.phases.results import Planned, StackPlan, Unplanned
from phift.views.base import NO_OPTIONS, PlanOptions
from phift.views.json import document, plan_document, unwatched
from phift.views.json import error as error_document

if TYPE_CHECKING:
    from phift.kinds.unwatched import Unwatched
    from phift.phases import Expiring, FoundStack, ManyPlans, WatchedStack

__all__ = ["expired", "forgotten", "plans"]

_VERSION = "1.0"


def plans(
    planned: ManyPlans,
    options: PlanOptions = NO_OPTIONS,
) -> str:
    """Return each stack with its plan or error, and the total counts; the summary as for one plan."""
    return document(
        {
            "format_version": _VERSION,
            "counts": asdict(planned.counts),
            "exit_code": planned.exit_code,
            "stacks": [
                {"stack": one.stack, "path": str(one.request.path), **_plan_or_error(one, options)}
                for one in planned.stacks
            ],
        }
    )


def _plan_or_error(one: StackPlan, options: PlanOptions) -> dict[str, Any]:
    match one:
        case Planned():
            return {"plan": plan_document(one.plan, summary=options.summary), "error": None}
        case Unplanned():
            return {"plan": None, "error": error_document(one.error)}


def expired(found: Sequence[Expiring], codes: Mapping[str, int]) -> str:
    """Return what is due by stack, and the exit code of its removal. codes: by stack; null if nothing was done."""
    return document(
        {
            "format_version": _VERSION,
            "stacks": [
                {
                    "stack": one.stack,
                    "path": str(one.request.path),
                    "due": _priced(one.items),
                    "exit_code": codes.get(one.stack),
                    "error": error_document(one.error) if one.error else None,
                }
                for one in found
            ],
        }
    )


def _priced(items: Sequence[Unwatched]) -> list[dict[str, Any]]:
    """Return objects that are billed while nobody watches. usd_per_hour: null if unknown."""
    return [{**one, "usd_per_hour": item.usd_per_hour} for one, item in zip(unwatched(items), items, strict=True)]


def forgotten(found: Sequence[FoundStack], watched: Sequence[WatchedStack] = ()) -> str:
    """Return the stacks with no matching spec, with their billed objects; and what is billed while nobody watches in
    the stacks of the specs."""
    return document(
        {
            "format_version": _VERSION,
            "forgotten": [
                {
                    "stack": one.stack,
                    "source": str(one.claim.source),
                    "id": one.claim.id,
                    "named_like_ours": one.mistaken,
                    "objects": [{"kind": kind, "name": live.name, "id": live.object_id} for kind, live in one.objects],
                }
                for one in found
            ],
            "unwatched": [
                {
                    "stack": one.stack,
                    "objects": _priced(one.items),
                    "error": error_document(one.error) if one.error else None,
                }
                for one in watched
            ],
        }
    )
