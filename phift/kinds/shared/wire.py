"""Shared by the kinds: api-versions, marks in documents, request bodies, waiting for a provisioning state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from phift.address import Address
from phift.azure.envelopes import first_line, problem_of
from phift.azure.errors import redact
from phift.azure.operations import Ended, Operation, Outcome, operation_in
from phift.kinds.context import Context
from phift.kinds.progress import Progress
from phift.state.desired import Desired
from phift.state.live import Live
from phift.state.overrides import overridden
from phift.state.ownership import (
    ADDRESS,
    PREFIX,
    TAGS,
    Owner,
    marks_of,
    owner_of,
    user_tags,
)
from phift.state.states import Provisioning

__all__ = [
    "READ",
    "REPLACED",
    "body_of",
    "errors_of",
    "live_of",
    "marks_in",
    "merged",
    "others_tags",
    "own_marks",
    "owner_in",
    "provisioning",
    "reason_of_failure",
    "seconds_of",
]

REPLACED = "Fix the cause and re-run `phift apply`; failed resources are replaced automatically."

_GONE = (
    "The service no longer reports the reason. The activity log of the resource group may contain it: "
    "`az monitor activity-log list --resource-group GROUP --status Failed`."
)

READ = "2024-10-01"
"""The stable api-version of reads: complete for all fields that phift manages."""


def seconds_of(duration: str | None) -> float | None:
    """Convert an ISO 8601 duration to seconds. The service returns durations as sent (PT120S, PT2M)."""
    return None if duration is None else _durations().validate_python(duration).total_seconds()


@cache
def _durations() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(timedelta)


def merged(body: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body merged deeply with `extra`, the `azure:` block of the spec."""
    result = dict(body)
    for key, value in extra.items():
        below = result.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            result[key] = merged(below, value)
        else:
            result[key] = value
    return result


def body_of(context: Context, desired: Desired[Any], entity: Any) -> dict[str, Any]:
    """Return the request body of an entity, merged with the `azure:` block of the spec."""
    from phift.azure import entities

    azure = context.azure
    return merged(entities.body(entity, azure.location, azure.workspace.arm_id), desired.azure)


def own_marks(context: Context, desired: Desired[Any], object_id: str, live: Live | None = None) -> dict[str, str]:
    """Return the marks of the object with an ARM id. live: the object, if it exists."""
    before = live.marks if live else None
    return marks_of(desired, stack=context.stack, claim=context.claim, object_id=object_id, before=before)


def marks_in(tags: Mapping[str, Any] | None) -> dict[str, str]:
    """Return phift's marks among tags or properties. The resource manager compares tag names case-insensitively."""
    return {k.lower(): str(v) for k, v in (tags or {}).items() if k.lower().startswith(PREFIX)}


def live_of(
    context: Context,
    desired: Desired[Any],
    raw: Mapping[str, Any],
    *,
    marks: Mapping[str, str],
    observe: Callable[[Mapping[str, Any]], dict[str, Any]],
    state: str,
    **more: Any,
) -> Live:
    """Return the live object of a document, with its ownership."""
    return Live(
        name=more.pop("name", desired.name),
        object_id=str(raw.get("id", "")),
        properties=observe(raw),
        overridden=overridden(desired.azure, raw, observe),
        owner=owner_in(context, desired, raw, marks),
        marks=marks,
        state=state,
        raw=raw,
        **more,
    )


def owner_in(context: Context, desired: Desired[Any], raw: Mapping[str, Any], marks: Mapping[str, str]) -> Owner:
    """Return the owner of the object of a document by its marks; for another kind, by the address in the marks."""
    address = desired.address
    try:
        marked = Address.parse(marks.get(ADDRESS, ""))
    except ValueError:
        marked = address
    return owner_of(
        marks,
        stack=context.stack,
        claim=context.claim,
        object_id=str(raw.get("id", "")),
        address=marked if marked.kind != address.kind else address,
        former=desired.former,
    )


def others_tags(live: Live, tags: Mapping[str, Any] | None, wanted: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the tags of the live object that others have set. An update writes them back unchanged.

    wanted: the tags of the stack; they replace tags that differ in case only.
    """
    ours = {name.lower() for name in (*live.marks.get(TAGS, "").split(","), *(wanted or {}))}
    return {name: value for name, value in user_tags(tags).items() if name.lower() not in ours}


def provisioning(
    context: Context,
    raw: Mapping[str, Any],
    what: str,
    operation: Operation | None,
    *,
    look: str = "",
    remedy: str = "",
    fallback: str = "",
) -> Progress:
    """Return the progress according to `properties.provisioningState` and the operation of the write.

    operation: of the awaited write, None if another process started it. While it runs, the state is not significant: it
    may be that before the write. look: where to find the reason of a failure if the service no longer reports it.
    remedy: added to the remedy of the error code. fallback: used if the error code does not have a remedy. Default:
    REPLACED.
    """
    state = str((raw.get("properties") or {}).get("provisioningState") or "Succeeded")
    if not Provisioning.settled(state):
        return Progress(state)
    outcome = operation.outcome(context.azure.arm) if operation else Outcome()
    if outcome.ended is Ended.RUNNING:
        return Progress(outcome.state)
    if Provisioning.failed(state) or outcome.ended is Ended.BADLY:
        if outcome.ended is not Ended.BADLY:
            outcome = _reported_by(context, raw)
        ended = state if Provisioning.failed(state) else outcome.state
        error = outcome.failure(
            f"{what} ended in state {ended}",
            look=look or _GONE.replace("GROUP", context.azure.workspace.resource_group),
            remedy=remedy or ("" if fallback else REPLACED),
            fallback=fallback,
        )
        return Progress(ended, error=error)
    return Progress(state, done=True)


def reason_of_failure(context: Context, raw: Mapping[str, Any]) -> str:
    """Return why an object is in state Failed or Canceled, in one line; "" for other states, and if unknown."""
    if not Provisioning.failed(str((raw.get("properties") or {}).get("provisioningState"))):
        return ""
    problem = _reported_by(context, raw).problem
    return redact(": ".join(filter(None, [problem.code, first_line(problem.message)])))


def errors_of(entries: Any) -> str:
    """Return the `provisioningErrors` of a document in one line; "" if empty."""
    inner = [e.get("error", e) for e in entries or () if isinstance(e, Mapping)]
    messages = [": ".join(str(e[k]) for k in ("code", "message") if e.get(k)) for e in inner if isinstance(e, Mapping)]
    return "; ".join(filter(None, messages))


def _reported_by(context: Context, raw: Mapping[str, Any]) -> Outcome:
    """Return the failure according to the document of the object: its errors, or the operation that it refers to."""
    for entry in (raw.get("properties") or {}).get("provisioningErrors") or ():
        inner = entry.get("error", entry) if isinstance(entry, Mapping) else None
        if isinstance(inner, Mapping):
            return Outcome(Ended.BADLY, "Failed", problem_of(inner))
    operation = operation_in(raw)
    return operation.outcome(context.azure.arm) if operation else Outcome()
