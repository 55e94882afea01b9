"""The fingerprint of a plan: equal for two plans that make the same changes, whenever and by whom they are created.

It includes, for each resource that an apply changes: the address, the action, the name if it follows from the content
(a job, a deployment, a data version), each field change with both values, and for an object that is created, its
properties and what else the plan shows of it. It includes the stack, the target, the workspace and the purpose, unless
nothing changes.

It ignores times, the release of phift, versions that the service assigns (of a registered model), reasons, warnings,
notes, costs, memory estimates, the history of values, unchanged resources, and the order of resources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phift.digest import digest_of
from phift.lazy import lazy_pattern
from phift.plan.action import Action, ChangeAction

if TYPE_CHECKING:
    from phift.plan.model import FieldChange, Plan, PlannedResource

__all__ = ["Essence", "covers", "differences", "essence", "fingerprint", "fingerprint_of_many", "is_fingerprint"]

_DIGITS = 32
_FORMAT = 1
"""Part of the digest: an approval by another format of fingerprints does not match."""

_VOLATILE = frozenset({"bytes", "errors", "foreign", "memory", "next_version", "now", "state", "version"})
"""Details that estimate, or that describe the live state; the version of a model is assigned by the service."""

_EXPECTED = lazy_pattern(r" \(version known after apply.*\)$|:\d{1,9}$")
"""The part of a name that the service assigns."""


@dataclass(frozen=True)
class Essence:
    """What a fingerprint covers of one resource. digest: of all of it; 16 hex digits."""

    address: str
    action: str
    digest: str


def fingerprint(plan: Plan) -> str:
    """Return 32 hex digits. All plans without changes have the same fingerprint."""
    return fingerprint_of_many([plan])


def fingerprint_of_many(plans: Iterable[Plan]) -> str:
    """Return the fingerprint of the plans of several stacks, in any order. For one plan, it is its own."""
    return digest_of([_FORMAT, sorted(_document(plan) for plan in plans if plan.changes_something)], _DIGITS)


def essence(plan: Plan) -> tuple[Essence, ...]:
    """Return what the fingerprint covers, by resource, sorted by address."""
    changing = (r for r in plan.resources if r.action.changes_something)
    return tuple(
        sorted(
            (Essence(str(r.address), r.action.value, digest_of(_resource(r), 16)) for r in changing),
            key=lambda one: (one.address, one.digest),
        )
    )


def differences(approved: Iterable[Essence], now: Iterable[Essence]) -> dict[str, str]:
    """Return what differs, by address: a clause such as `was update, is now replace`. Empty if equal."""
    before, after = _by_address(approved), _by_address(now)
    found = {}
    for address in sorted({*before, *after}):
        old, new = before.get(address, ()), after.get(address, ())
        if old == new:
            continue
        if not old:
            found[address] = f"{_actions(new)} is planned, but was not approved"
        elif not new:
            found[address] = f"{_actions(old)} was approved, but is no longer planned"
        elif [o.action for o in old] != [n.action for n in new]:
            found[address] = f"{_actions(old)} was approved, but {_actions(new)} is planned"
        else:
            found[address] = f"{_actions(new)} with other values than approved"
    return found


def covers(approved: Iterable[Essence], now: Iterable[Essence]) -> bool:
    """Return whether a plan only continues an approved one: each change is approved as-is, or watches an approved run.

    An apply that was detached leaves such a plan: part of its changes are done, and its job is running.
    """
    allowed = _by_address(approved)
    return all(
        one in allowed.get(one.address, ())
        or (one.action == Action.ADOPT and any(a.action == Action.RUN for a in allowed.get(one.address, ())))
        for one in now
    )


def is_fingerprint(text: str) -> bool:
    """Return whether a text has the form of a fingerprint."""
    return re.fullmatch(rf"[0-9a-f]{{{_DIGITS}}}", text) is not None


def _by_address(found: Iterable[Essence]) -> dict[str, tuple[Essence, ...]]:
    grouped: dict[str, tuple[Essence, ...]] = {}
    for one in found:
        grouped[one.address] = (*grouped.get(one.address, ()), one)
    return grouped


def _actions(found: Iterable[Essence]) -> str:
    return " and ".join(one.action for one in found)


def _document(plan: Plan) -> list[Any]:
    return [
        plan.stack,
        plan.target,
        plan.workspace,
        plan.purpose.value,
        [[one.address, one.action, one.digest] for one in essence(plan)],
    ]


def _resource(resource: PlannedResource) -> dict[str, Any]:
    made = resource.action.adds
    decided = resource.decided
    return {
        "name": _EXPECTED.sub("", resource.identity),
        "changes": sorted((_change(c) for c in resource.visible_changes), key=lambda found: str(found[0])),
        "desired": dict(resource.desired) if made else {},
        "details": _lasting(resource.details) if made else {},
        "attempt": decided.attempt,
        "split": dict(decided.split or {}),
        "take_over": decided.take_over,
        "keep": bool(decided.keep),
        "tier": decided.tier,
    }


def _lasting(details: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in details.items() if key not in _VOLATILE}


def _change(change: FieldChange) -> list[Any]:
    values = ["(sensitive)"] if change.sensitive else [change.live, change.wanted]
    force = change.action if change.action is not ChangeAction.UPDATE else ""
    return [change.path, *values, str(force)]
