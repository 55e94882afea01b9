"""What every decision is made of: the live object as the planner sees it, its differences, the planned resource."""

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
from phift.state.rules import Rule, rules_of
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
    """What becomes of one resource. tentative: findings that hold only where nobody disputes who owns what. stranger:
    the object that another owns, which refuses the plan."""

    resource: PlannedResource
    findings: tuple[Diagnostic, ...] = ()
    tentative: tuple[Diagnostic, ...] = ()
    stranger: Stranger | None = None


@dataclass(frozen=True)
class PlanContext:
    """What a kind may look at when it decides. observed: by address. planned: what is decided so far, by address."""

    stack: Stack
    observed: Mapping[Address, Observation]
    policy: Policy
    planned: Mapping[Address, PlannedResource]

    def rules(self, desired: Desired[Any]) -> tuple[Rule, ...]:
        """The rules of its kind."""
        return rules_of(desired.address.kind)

    def router(self, address: Address) -> PlannedResource | None:
        """What decides whether the resource of that address receives requests, where the stack decides it."""
        router = next((d for d in self.stack.dependents(address) if d.traits.routes), None)
        return self.planned[router.address] if router else None


def decide_mutable(desired: Desired[Any], seen: Observation | None, context: PlanContext) -> Decision:
    """The decision about a kind that is created, replaced, updated in place, or left alone."""
    live = seen.live if seen else None
    return Decision(mutable(desired, live, context.rules(desired), context.policy, context.stack.claim))


def mutable(
    desired: Desired[Any], live: Live | None, rules: Sequence[Rule], policy: Policy, claim: Claim
) -> PlannedResource:
    """Create it, replace it, update it in place, or leave it alone. claim: the stack's."""
    if not desired.owned:
        return planned(desired, Action.NO_OP, live, "a reference: read and checked, never written")
    if live is None:
        return planned(desired, Action.CREATE, None, "not in the workspace")
    if live.state == Provisioning.DELETING:
        return planned(desired, Action.CREATE, live, "the old one is being deleted; waits until it is gone")
    stands = standing(desired, live, policy)
    if stands is Standing.CLAIMED:
        return adopted(desired, live, rules, claimed_because(desired, live, policy, claim))
    if stands is Standing.SHARED:
        whose = f"belongs to stack {live.owner.stack}" if live.owner.stack else "was not made by phift"
        return planned(desired, Action.NO_OP, live, "", notes=(f"{desired.name} {whose}: used as it is",))
    if Provisioning.failed(live.state):
        return _failed(desired, live, rules)
    if not Provisioning.settled(live.state):
        # What the service fills in comes late, so nothing is compared before it has settled.
        return planned(desired, Action.ADOPT, live, f"in state {live.state}: waited for, then brought up to date")
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
    """Replaced. One that was created, and of which only the last change failed, works as it did and may host others;
    it is written again."""
    details = {"state": live.state, "errors": live.error}
    changes, unchanged = differences(desired, live, rules)
    if not live.created or any(c.action is ChangeAction.REPLACE for c in changes):
        return planned(desired, Action.REPLACE, live, f"the live object is in state {live.state}", details=details)
    reason = f"its last change ended in state {live.state}: written again"
    return planned(desired, Action.UPDATE, live, reason, changes=changes, unchanged=unchanged, details=details)


def differences(desired: Desired[Any], live: Live, rules: Sequence[Rule]) -> tuple[tuple[FieldChange, ...], int]:
    """The changed fields, suppressed ones too, and how many agree; tells your changes from those made outside."""
    applied = live.marks.get(APPLIED)
    edited = ID in live.marks and live.marks.get(RAW, "") != raw_mark(desired.azure)
    same = applied == applied_digest(desired.properties) and not edited
    # Every apply writes the digest: where other marks are and it is not, somebody else wrote the tags.
    outside = same or (applied is None and OWNER in live.marks)
    by = ChangedBy.OUTSIDE if outside else ChangedBy.YOU if applied else ChangedBy.UNKNOWN
    kept = {name.lower() for name in desired.properties.get("tags") or {}}
    before = {name for name in live.marks.get(TAGS, "").split(",") if name}
    gone = tuple(sorted(name for name in before if name.lower() not in kept))
    changes, unchanged = diff(
        desired.properties, live.properties, rules, by=by, removed_tags=gone, elsewhere=live.overridden
    )
    changes = (*changes, *_left_the_spec(desired, live, rules), *_override_changes(desired, live, by=by))
    protected = live.marks.get(PROTECT) == "true"
    if desired.protect != protected:
        # A mark, not a property of the object: compared here so that lifting the protection reaches the workspace.
        changes = (*changes, FieldChange("protect", desired.protect, protected, ChangeAction.UPDATE, "", ChangedBy.YOU))
    if live.owner.stack in desired.former:
        changes = (
            *changes,
            FieldChange("stack", desired.stack, live.owner.stack, ChangeAction.UPDATE, "renamed", ChangedBy.YOU),
        )
    return changes, unchanged


def _left_the_spec(desired: Desired[Any], live: Live, rules: Sequence[Rule]) -> Iterator[FieldChange]:
    """Fields that an earlier apply wrote and the spec no longer has: back to the service's default, where there is a
    way back. What somebody else set was never written down, and is left alone."""
    written = live.marks.get(FIELDS)
    if not written:
        return
    there, wanted = dict(leaves(live.properties)), dict(leaves(desired.properties))
    for path in written.split(","):
        if wanted.get(path) is not None or path in live.overridden:
            continue
        ruling = [r for r in rules if r.covers(path)]
        back = next((r for r in ruling if r.behaviour in ("default", "stays")), None)
        if back is None:
            continue
        value, found = back.value, there.get(path)
        if back.behaviour == "stays":
            yield FieldChange(path, None, found, ChangeAction.SUPPRESSED, back.reason, ChangedBy.YOU, STAYS)
        elif not (value == found or equal_under(ruling, value, found)):
            immutable = any(r.behaviour == "immutable" for r in ruling)
            action = ChangeAction.REPLACE if immutable else ChangeAction.UPDATE
            yield FieldChange(path, value, found, action, REMOVED_FROM_SPEC, ChangedBy.YOU, DEFAULT)


def _override_changes(desired: Desired[Any], live: Live, by: ChangedBy) -> Iterator[FieldChange]:
    """Where the live object is not what the `azure:` block says. Objects of release 0.1.0 carry no note of what was
    written: they are compared from their next write on."""
    if ID not in live.marks or live.version:
        return  # a version keeps what it was made with
    written = live.marks.get(RAW, "")
    if not written and not desired.azure:
        return
    for found in overrides(desired.azure, written, live.raw):
        reason = "" if found.shown else "the service does not show it: compared by what phift wrote"
        if found.wanted is None:
            reason = REMOVED_FROM_SPEC
        path = f"azure.{found.path}" if found.path else "azure"
        by_whom = by if found.shown else ChangedBy.YOU
        yield FieldChange(path, found.wanted, found.live, ChangeAction.UPDATE, reason, by_whom, OVERRIDE)


def later_note(desired: Desired[Any], live: Live, what: str) -> tuple[str, ...]:
    """What to say of an edit of the `azure:` block of something that is made once."""
    if ID not in live.marks or live.marks.get(RAW, "") == raw_mark(desired.azure):
        return ()
    return (f"the edit of `azure:` takes effect with the next {what}",)


def adopted(
    desired: Desired[Any], live: Live, rules: Sequence[Rule], reason: str, identity: str = ""
) -> PlannedResource:
    """It becomes this stack's and is brought to what is desired. Where that would mean to make it anew, it is left as
    it is if the spec asked for it, and made anew if the command line did."""
    changes, unchanged = differences(desired, live, rules)
    forced = [c.path for c in changes if c.action is ChangeAction.REPLACE]
    if forced and desired.adopt:
        note = f"{desired.name} is not adopted: {', '.join(forced)} cannot be changed in place; used as it is"
        return planned(desired, Action.NO_OP, live, "", identity=identity, notes=(note,))
    action = Action.REPLACE if forced else Action.ADOPT
    return planned(desired, action, live, reason, identity=identity, changes=changes, unchanged=unchanged)


def why(visible: Sequence[FieldChange]) -> str:
    """One clause for the plan: which fields moved, and whether someone else moved them."""
    if not visible:
        return ""
    outside = all(c.by == ChangedBy.OUTSIDE for c in visible)
    return f"{named_in(visible)} {'was changed outside phift' if outside else 'changed'}"


def named_in(changes: Sequence[FieldChange]) -> str:
    """The fields that changed, at most three by name."""
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
    """The planned resource for a desired one."""
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
    )
