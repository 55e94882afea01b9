"""Building blocks of decisions: differences between desired and live resources, and the planned resource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phift.address import Address
from phift.diagnostics import Diagnostic
from phift.plan.action import Action, ChangeAction, ChangedBy
from phift.plan.diff import diff, equal_under
from phift.plan.model import Decided, FieldChange, PlannedResource
from phift.plan.standing import Policy, Standing, Stranger, claimed_because, standing
from phift.state.desired import Desired, Stack
from phift.state.live import Live, Observation
from phift.state.overrides import leaves, overrides, raw_mark
from phift.state.ownership import APPLIED, FIELDS, ID, OWNER, PROTECT, RAW, TAGS, Claim, applied_digest
from phift.state.rules import Behaviour, Rule, rules_of
from phift.state.states import Provisioning

__all__ = [
    "REMOVED_FROM_SPEC",
    "STAYS",
    "Decision",
    "PlanContext",
    "adopted",
    "decide_mutable",
    "differences",
    "later_note",
    "mutable",
    "named_in",
    "planned",
    "why",
]

REMOVED_FROM_SPEC = "removed from the spec"
_NOTHING_DECIDED = Decided()
DEFAULT, OVERRIDE, STAYS = "default", "override", "stays"


@dataclass(frozen=True)
class Decision:
    """The decision about one resource. tentative: findings that are reported only if no ownership conflict exists.
    stranger: an object with another owner; it makes the plan fail."""

    resource: PlannedResource
    findings: tuple[Diagnostic, ...] = ()
    tentative: tuple[Diagnostic, ...] = ()
    stranger: Stranger | None = None


@dataclass(frozen=True)
class PlanContext:
    """The input of a decision. observed: observations by address. planned: the decisions made so far, by address."""

    stack: Stack
    observed: Mapping[Address, Observation]
    policy: Policy
    planned: Mapping[Address, PlannedResource]

    def rules(self, desired: Desired[Any]) -> tuple[Rule, ...]:
        """Return the field rules of the kind of a resource."""
        return rules_of(desired.address.kind)

    def router(self, address: Address) -> PlannedResource | None:
        """Return the planned traffic split of a deployment, or None if the stack does not manage it."""
        router = next((d for d in self.stack.dependents(address) if d.traits.routes), None)
        return self.planned[router.address] if router else None


def decide_mutable(desired: Desired[Any], seen: Observation | None, context: PlanContext) -> Decision:
    """Decide for a kind that is created, replaced, updated in place, or left unchanged."""
    live = seen.live if seen else None
    return Decision(mutable(desired, live, context.rules(desired), context.policy, context.stack.claim))


def mutable(
    desired: Desired[Any], live: Live | None, rules: Sequence[Rule], policy: Policy, claim: Claim
) -> PlannedResource:
    """Plan to create, replace or update a resource, or to leave it unchanged. claim: the claim of the stack."""
    if not desired.owned:
        return planned(desired, Action.NO_OP, live, "a reference: checked, never changed")
    if live is None:
        return planned(desired, Action.CREATE, None, "not in the workspace")
    if live.state == Provisioning.DELETING:
        return planned(desired, Action.CREATE, live, "a resource of this name is being deleted; apply waits for it")
    stands = standing(desired, live, policy)
    if stands is Standing.CLAIMED:
        return adopted(desired, live, rules, claimed_because(desired, live, policy, claim))
    if stands is Standing.SHARED:
        owner = f"belongs to stack {live.owner.stack}" if live.owner.stack else "is not managed by phift"
        return planned(desired, Action.NO_OP, live, "", notes=(f"{desired.name} {owner}; used as-is",))
    if Provisioning.failed(live.state):
        return _failed(desired, live, rules)
    if not Provisioning.settled(live.state):
        # The service fills in defaults late, so nothing is compared before the resource has settled.
        return planned(desired, Action.ADOPT, live, f"in state {live.state}: apply waits for it, then updates it")
    changes, unchanged = differences(desired, live, rules)
    forced = [c for c in changes if c.action is ChangeAction.REPLACE]
    visible = [c for c in changes if c.action is not ChangeAction.SUPPRESSED]
    action = Action.REPLACE if forced else Action.UPDATE if visible else Action.NO_OP
    reason = why(visible)
    if stands is Standing.MOVED:
        action = action if forced else Action.ADOPT
        reason = "; ".join(filter(None, [claimed_because(desired, live, policy, claim), reason]))
    return planned(desired, action, live, reason, changes=changes, unchanged=unchanged)


def _failed(desired: Desired[Any], live: Live, rules: Sequence[Rule]) -> PlannedResource:
    """Plan to replace a failed resource.

    If it exists and only its last update failed, it still works and may host other resources: update it instead.
    """
    details = {"state": live.state, "errors": live.error}
    changes, unchanged = differences(desired, live, rules)
    if not live.created or any(c.action is ChangeAction.REPLACE for c in changes):
        return planned(desired, Action.REPLACE, live, f"it exists in state {live.state}", details=details)
    reason = f"its last update ended in state {live.state}; will be updated again"
    return planned(desired, Action.UPDATE, live, reason, changes=changes, unchanged=unchanged, details=details)


def differences(desired: Desired[Any], live: Live, rules: Sequence[Rule]) -> tuple[tuple[FieldChange, ...], int]:
    """Return the changed fields, including suppressed ones, and the number of equal fields.

    Each change states whether it was made in the spec or outside phift.
    """
    applied = live.marks.get(APPLIED)
    edited = ID in live.marks and live.marks.get(RAW, "") != raw_mark(desired.azure)
    same = applied == applied_digest(desired.properties) and not edited
    # Every apply writes the digest. If only other marks exist, the tags were edited outside phift.
    outside = same or (applied is None and OWNER in live.marks)
    by = ChangedBy.OUTSIDE if outside else ChangedBy.YOU if applied else ChangedBy.UNKNOWN
    kept = {name.lower() for name in desired.properties.get("tags") or {}}
    before = {name for name in live.marks.get(TAGS, "").split(",") if name}
    removed_tags = tuple(sorted(name for name in before if name.lower() not in kept))
    changes, unchanged = diff(
        desired.properties, live.properties, rules, by=by, removed_tags=removed_tags, elsewhere=live.overridden
    )
    changes = (*changes, *_left_the_spec(desired, live, rules), *_override_changes(desired, live, by=by))
    protected = live.marks.get(PROTECT) == "true"
    if desired.protect != protected:
        # A mark, not a property of the object: compared here so that removing the protection updates the workspace.
        changes = (*changes, FieldChange("protect", desired.protect, protected, ChangeAction.UPDATE, "", ChangedBy.YOU))
    if live.owner.stack in desired.former:
        changes = (
            *changes,
            FieldChange("stack", desired.stack, live.owner.stack, ChangeAction.UPDATE, "renamed", ChangedBy.YOU),
        )
    return changes, unchanged


def _left_the_spec(desired: Desired[Any], live: Live, rules: Sequence[Rule]) -> Iterator[FieldChange]:
    """Yield the fields that an earlier apply wrote and the spec no longer contains: they return to the service's
    default.

    Fields without a known default, and fields that others have set, are not changed.
    """
    written = live.marks.get(FIELDS)
    if not written:
        return
    current, wanted = dict(leaves(live.properties)), dict(leaves(desired.properties))
    for path in written.split(","):
        if wanted.get(path) is not None or path in live.overridden:
            continue
        ruling = [r for r in rules if r.covers(path)]
        back = next((r for r in ruling if r.behaviour in (Behaviour.DEFAULT, Behaviour.STAYS)), None)
        if back is None:
            continue
        value, found = back.value, current.get(path)
        if back.behaviour is Behaviour.STAYS:
            yield FieldChange(path, None, found, ChangeAction.SUPPRESSED, back.reason, ChangedBy.YOU, STAYS)
        elif not (value == found or equal_under(ruling, value, found)):
            immutable = any(r.behaviour is Behaviour.IMMUTABLE for r in ruling)
            action = ChangeAction.REPLACE if immutable else ChangeAction.UPDATE
            yield FieldChange(path, value, found, action, REMOVED_FROM_SPEC, ChangedBy.YOU, DEFAULT)


def _override_changes(desired: Desired[Any], live: Live, by: ChangedBy) -> Iterator[FieldChange]:
    """Yield the differences between the live object and the `azure:` block.

    Objects written by release 0.1.0 do not record the block; they are compared after their next write.
    """
    if ID not in live.marks or live.version:
        return  # a version cannot be changed
    written = live.marks.get(RAW, "")
    if not written and not desired.azure:
        return
    for found in overrides(desired.azure, written, live.raw):
        reason = "" if found.shown else "the service does not return it; compared with the value that phift wrote last"
        if found.wanted is None:
            reason = REMOVED_FROM_SPEC
        path = f"azure.{found.path}" if found.path else "azure"
        by_whom = by if found.shown else ChangedBy.YOU
        yield FieldChange(path, found.wanted, found.live, ChangeAction.UPDATE, reason, by_whom, OVERRIDE)


def later_note(desired: Desired[Any], live: Live, what: str) -> tuple[str, ...]:
    """Return a note if the `azure:` block of an immutable object was edited: the edit applies to the next one."""
    if ID not in live.marks or live.marks.get(RAW, "") == raw_mark(desired.azure):
        return ()
    return (f"the edit of `azure:` takes effect with the next {what}",)


def adopted(
    desired: Desired[Any], live: Live, rules: Sequence[Rule], reason: str, identity: str = ""
) -> PlannedResource:
    """Plan to import an existing resource into this stack and to update it.

    If the update requires a replacement: replace it if the command line requested the import (--take-over); leave it
    unchanged if the spec did (`adopt`).
    """
    changes, unchanged = differences(desired, live, rules)
    forced = [c.path for c in changes if c.action is ChangeAction.REPLACE]
    if forced and desired.adopt:
        note = f"{desired.name} is not adopted: {', '.join(forced)} cannot be changed in place; used as-is"
        return planned(desired, Action.NO_OP, live, "", identity=identity, notes=(note,))
    action = Action.REPLACE if forced else Action.ADOPT
    return planned(desired, action, live, reason, identity=identity, changes=changes, unchanged=unchanged)


def why(visible: Sequence[FieldChange]) -> str:
    """Return the reason of an update as one clause: which fields changed, and whether they changed outside phift."""
    if not visible:
        return ""
    outside = all(c.by == ChangedBy.OUTSIDE for c in visible)
    return f"{named_in(visible)} {'was changed outside phift' if outside else 'changed'}"


def named_in(changes: Sequence[FieldChange]) -> str:
    """Return the names of the changed fields, at most three."""
    return ", ".join(c.path for c in changes[:3]) + (", ..." if len(changes) > 3 else "")


def planned(
    desired: Desired[Any],
    action: Action,
    live: Live | None,
    reason: str,
    *,
    identity: str = "",
    changes: tuple[FieldChange, ...] = (),
    unchanged: int = 0,
    details: Mapping[str, Any] | None = None,
    notes: tuple[str, ...] = (),
    decided: Decided = _NOTHING_DECIDED,
) -> PlannedResource:
    """Return the planned resource of a desired resource."""
    return PlannedResource(
        address=desired.address,
        action=action,
        identity=identity or desired.name,
        reason=reason,
        changes=changes,
        unchanged=unchanged,
        desired=desired.properties,
        details={
            **desired.shown,
            **({"azure": desired.azure} if desired.azure else {}),
            **(details or {}),
        },
        depends_on=desired.depends_on,
        fingerprint=live.fingerprint if live else "",
        notes=notes,
        decided=decided,
        protect=desired.protect,
    )
