"""Plan a deployment: create it next to the old one, update it, or replace it; and delete old ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from phift.address import Address
from phift.clock import stamp
from phift.diagnostics import Diagnostic, Severity
from phift.kinds.deployment.adopting import content_changes
from phift.kinds.deployment.count import autoscaled, wanted_count, with_serving_count
from phift.kinds.deployment.keeping import KEPT, NOT_KEPT, Kept
from phift.kinds.deployment.parts import BLUE_GREEN, IN_PLACE, DeploymentObservation, DeploymentParts
from phift.plan.action import Action, ChangeAction, ChangedBy
from phift.plan.decision import Decision, PlanContext, mutable, named_in, planned, why
from phift.plan.diff import equal_under
from phift.plan.model import Decided, FieldChange, PlannedResource
from phift.state.desired import Desired
from phift.state.live import Live
from phift.state.overrides import leaves
from phift.state.ownership import COMPANION, DIGEST, PROTECT, Ownership
from phift.state.rules import Rule
from phift.state.states import Provisioning

__all__ = ["decide", "removals"]


def decide(desired: Desired[DeploymentParts], seen: DeploymentObservation | None, context: PlanContext) -> Decision:
    """Plan a new deployment next to the old one (blue_green), an update (in_place), or a replacement (replace)."""
    decided = _decide(desired, _steady(desired, seen), context)
    if decided.action is not Action.NO_OP:
        decided = _decide(desired, seen, context)
    live = seen.live if seen else None
    decided = decided if live is None else _with_companion(decided, desired, live)
    return Decision(_untested(_with_serving_count(decided, desired, seen, context), context))


def _untested(decided: PlannedResource, context: PlanContext) -> PlannedResource:
    """Note that a new deployment receives traffic without a test."""
    if decided.action not in {Action.CREATE, Action.REPLACE} or context.stack.of_kind("test"):
        return decided
    note = "untested: the spec has no `tests` that check its answers before it receives traffic"
    return replace(decided, notes=(*decided.notes, note))


def _steady(desired: Desired[DeploymentParts], seen: DeploymentObservation | None) -> DeploymentObservation | None:
    """Return the observation without the operation of an autoscaler: it does not require a wait or an update."""
    live = seen.live if seen else None
    if seen is None or live is None or live.state != Provisioning.SCALING or not autoscaled(desired):
        return seen
    return replace(seen, live=replace(live, state=Provisioning.SUCCEEDED))


_CHANGES = frozenset({Action.NO_OP, Action.UPDATE, Action.ADOPT})


def _with_companion(decided: PlannedResource, desired: Desired[DeploymentParts], live: Live) -> PlannedResource:
    """Update a deployment that does not record its autoscale setting, or records one that it no longer has."""
    recorded = live.marks.get(COMPANION, "")
    if recorded == desired.companion or decided.action not in _CHANGES or not live.ours:
        return decided
    change = FieldChange(
        "autoscale", desired.companion or None, recorded or None, ChangeAction.UPDATE, "", ChangedBy.YOU
    )
    return _changed(decided, change, "autoscale changed")


def _with_serving_count(
    decided: PlannedResource,
    desired: Desired[DeploymentParts],
    seen: DeploymentObservation | None,
    context: PlanContext,
) -> PlannedResource:
    """Let an autoscaled deployment that takes over the traffic begin with the instances that serve it now."""
    needed = with_serving_count(desired, seen)
    if seen is None or not autoscaled(desired) or decided.action in {Action.DELETE, Action.SHIFT}:
        return decided
    if decided.action in {Action.CREATE, Action.REPLACE}:
        count = wanted_count(needed, None)
        note = f"instance_count {count} at creation" + (
            f": {_serving(needed.parts.serving_count)} the traffic now" if needed.parts.serving_count else ""
        )
        return replace(decided, notes=(*decided.notes, note))
    live = seen.live
    idle = live is not None and live.name.lower() not in seen.busy
    if live is None or not idle or decided.action not in _CHANGES or not _routed(desired, context):
        return decided
    current, count = int(live.properties.get("instance_count") or 0), wanted_count(needed, live)
    if count <= current:
        return decided
    reason = "the instances that serve the traffic now"
    change = FieldChange("instance_count", count, current, ChangeAction.UPDATE, reason, ChangedBy.UNKNOWN)
    return _changed(decided, change, "it takes over the traffic")


def _serving(count: int) -> str:
    return "1 serves" if count == 1 else f"{count} serve"


def _routed(desired: Desired[DeploymentParts], context: PlanContext) -> bool:
    """Return whether this stack shifts the traffic of the deployment."""
    return any(d.traits.routes for d in context.stack.dependents(desired.address))


def _changed(decided: PlannedResource, change: FieldChange, reason: str) -> PlannedResource:
    """Return the planned resource with one more change. reason: if there was none."""
    visible = (*decided.visible_changes, change)
    if decided.action is not Action.ADOPT and decided.visible_changes:
        reason = why(visible)
    return replace(
        decided,
        action=Action.UPDATE if decided.action is Action.NO_OP else decided.action,
        reason=decided.reason if decided.action is Action.ADOPT else reason,
        changes=(*decided.changes, change),
    )


def _decide(
    desired: Desired[DeploymentParts], seen: DeploymentObservation | None, context: PlanContext
) -> PlannedResource:
    rules = context.rules(desired)
    if seen is None or seen.live is None:
        previous = seen.previous if seen else None
        changes = tuple(_new_because(desired.inputs, previous.inputs, rules)) if previous else ()
        reason = (
            f"{named_in(changes)} changed since {previous.label}" if previous and changes else "not on the endpoint"
        )
        return planned(desired, Action.CREATE, None, reason, changes=changes)
    live, strategy = seen.live, desired.parts.strategy
    decided = mutable(desired, live, rules, context.policy, context.stack.claim)
    if decided.action is Action.NO_OP and KEPT in live.marks and live.ours:
        decided = replace(decided, action=Action.UPDATE, reason="serves again: kept without a time limit")
    if decided.action is Action.ADOPT and live.owner.ownership is Ownership.UNMARKED:
        decided = replace(decided, changes=(*content_changes(desired, live, context), *decided.changes))
    by_name = strategy == BLUE_GREEN  # the name contains the digest, even if tags were removed
    if by_name or live.marks.get(DIGEST) == desired.digest or decided.action in {Action.REPLACE, Action.CREATE}:
        return decided
    changes = tuple(_new_because(desired.inputs, seen.inputs, rules))
    if seen.inputs and not changes:
        return decided  # equal inputs in another spelling
    over = strategy == IN_PLACE
    if over:
        changes = tuple(replace(c, action=ChangeAction.UPDATE) for c in changes)
    return replace(
        decided,
        action=Action.UPDATE if over else Action.REPLACE,
        reason=f"{named_in(changes) or 'its model'} changed",
        changes=(*changes, *decided.changes),
    )


def removals(
    desired: Desired[DeploymentParts], seen: DeploymentObservation | None, context: PlanContext
) -> tuple[list[PlannedResource], list[Diagnostic]]:
    """Plan to delete the other deployments of the stack, except those to keep, after their traffic has moved; and to
    mark those that are kept for a limited time.

    A protected one is kept, with a warning, until the spec has been applied without protection.
    """
    if seen is None:
        return [], []
    traffic = context.router(desired.address)
    lifted = seen.live is not None and seen.live.marks.get(PROTECT) != "true" and not desired.protect
    removed: list[PlannedResource] = []
    findings: list[Diagnostic] = []
    for number, other in enumerate(seen.others):
        over = _is_over(desired, seen, other)
        if number < desired.parts.keep_previous and not over:
            removed += _marked(desired, seen, other, traffic)
            continue
        if traffic is None and other.name.lower() in seen.busy:
            continue  # the split is unmanaged, and the deployment still receives requests
        held = other.marks.get(PROTECT) == "true" and not lifted
        if held:
            findings.append(_held(desired, other))
        # The name of an in-place deployment equals the name in the address of the new one.
        name = f"{other.name}-old" if other.name == desired.address.name else other.name
        removed.append(
            PlannedResource(
                address=Address(desired.address.kind, name),
                action=Action.NO_OP if held else Action.DELETE,
                identity=other.name,
                reason=("its time limit is over" if over else f"replaced by {desired.name}")
                + ("; protected: not deleted" if held else ""),
                details={"endpoint": desired.parts.endpoint},
                depends_on=(traffic.address if traffic else desired.address,),
                fingerprint=other.fingerprint,
                decided=Decided(endpoint=desired.parts.endpoint),
            )
        )
    return removed, findings


def _is_over(desired: Desired[DeploymentParts], seen: DeploymentObservation, other: Live) -> bool:
    """Return whether the time limit of a kept deployment is over, by the hours of the spec."""
    kept, hours = Kept.of(other.marks), desired.parts.keep_hours
    if kept is None or hours is None or seen.now is None or other.name.lower() in seen.busy:
        return False
    return replace(kept, hours=hours).until <= seen.now


def _marked(
    desired: Desired[DeploymentParts], seen: DeploymentObservation, other: Live, traffic: PlannedResource | None
) -> Iterator[PlannedResource]:
    """Yield the update of the mark of a kept deployment, if its mark differs from the spec."""
    kept, hours, serves = Kept.of(other.marks), desired.parts.keep_hours, other.name.lower() in seen.busy
    if serves and traffic is None:
        return  # the split is unmanaged, and the deployment still receives requests
    if hours is None:
        keep, reason = (NOT_KEPT if KEPT in other.marks else ""), "kept without a time limit"
    elif kept is None or serves:
        keep, reason = f"PT{hours}H", f"kept for {hours} h from now on, without traffic"
    else:
        keep, reason = str(replace(kept, hours=hours)), f"kept until {stamp(replace(kept, hours=hours).until)}"
    if not keep or keep == other.marks.get(KEPT):
        return
    yield PlannedResource(
        address=Address(desired.address.kind, other.name),
        action=Action.UPDATE,
        identity=other.name,
        reason=reason,
        details={"endpoint": desired.parts.endpoint},
        depends_on=(traffic.address if traffic else desired.address,),
        fingerprint=other.fingerprint,
        decided=Decided(endpoint=desired.parts.endpoint, keep=keep),
    )


def _held(desired: Desired[DeploymentParts], other: Live) -> Diagnostic:
    return Diagnostic(
        f"deployment {other.name} is protected: it is kept next to {desired.name} and continues to be billed",
        severity=Severity.WARNING,
        detail="It has the tag phift.protect from an earlier apply."
        if desired.protect
        else "`protect` was removed from the spec; it stays in effect until the next apply has finished.",
        remedy="Set `protect: false` on the deployment and run `phift apply` twice: the second run deletes it."
        if desired.protect
        else "Run `phift apply` twice: the second run deletes it.",
        address=str(desired.address),
        code="protected-kept",
    )


def _new_because(wanted: Mapping[str, Any], before: Mapping[str, Any], rules: Sequence[Rule]) -> list[FieldChange]:
    new, old = dict(leaves(wanted)), dict(leaves(before))
    if not old:
        return []
    return [
        FieldChange(
            path,
            new.get(path),
            old.get(path),
            ChangeAction.NEW_DEPLOYMENT,
            "part of the deployment's name",
            ChangedBy.YOU,
        )
        for path in [*new, *(p for p in old if p not in new)]
        if new.get(path) != old.get(path)
        and not equal_under([r for r in rules if r.covers(path)], new.get(path), old.get(path))
    ]
