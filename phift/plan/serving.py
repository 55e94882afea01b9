"""Decisions about deployments, their tests and their traffic: what a rollout consists of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from phift.address import Address
from phift.compile.desired import Desired
from phift.compile.overrides import leaves
from phift.compile.ownership import DIGEST, PROTECT, Claim
from phift.diagnostics import Diagnostic, Severity
from phift.plan.action import Action, ChangeAction
from phift.plan.decision import mutable, planned
from phift.plan.diff import FieldRule, equal_under
from phift.plan.model import FieldChange, PlannedResource
from phift.plan.observed import LiveObject, Observed
from phift.plan.standing import Policy

__all__ = [
    "TRAFFIC_DIVERTED",
    "decide_deployment",
    "decide_removals",
    "decide_test",
    "decide_traffic",
    "diverted",
    "split_changes",
    "wanted_split",
]


TRAFFIC_DIVERTED = "traffic-diverted"


def decide_deployment(
    desired: Desired, seen: Observed | None, rules: Sequence[FieldRule], policy: Policy, claim: Claim
) -> PlannedResource:
    """Beside the old one (blue_green, under a new name), over it (in_place), or in its stead (replace)."""
    live = seen.live if seen else None
    previous = (seen.facts.get("previous") if seen else None) or {}
    if live is None:
        changes = tuple(_new_because(desired.inputs, previous.get("inputs") or {}, rules))
        reason = f"{_names(changes)} changed since {previous['name']}" if changes else "not on the endpoint"
        return planned(desired, Action.CREATE, None, reason, changes=changes)
    made = mutable(desired, live, rules, policy, claim)
    by_name = desired.parts["strategy"] == "blue_green"  # the name says the digest, also where tags were lost
    if by_name or live.marks.get(DIGEST) == desired.digest or made.action in {Action.REPLACE, Action.CREATE}:
        return made
    inputs = (seen.facts.get("inputs") if seen else None) or {}
    changes = tuple(_new_because(desired.inputs, inputs, rules))
    if inputs and not changes:
        return made  # the same, in another spelling
    over = desired.parts["strategy"] == "in_place"
    action = Action.UPDATE if over else Action.REPLACE
    if over:
        changes = tuple(replace(c, action=ChangeAction.UPDATE) for c in changes)
    return replace(
        made, action=action, reason=f"{_names(changes) or 'its model'} changed", changes=(*changes, *made.changes)
    )


def decide_traffic(
    desired: Desired, seen: Observed | None, deployment: PlannedResource | None, policy: Policy
) -> PlannedResource:
    """Everything that is not somebody else's goes to the stack's deployment; all of it where that is taken over.

    details: foreign, the shares of deployments that are not the stack's; traffic, what a shift will write.
    """
    foreign: Mapping[str, int] = (seen.facts.get("foreign") if seen else None) or {}
    wanted = wanted_split(desired, {} if policy.take_over else foreign)
    live = seen.live if seen else None
    now: Mapping[str, int] = live.properties["traffic"] if live else {}
    notes = tuple(
        f"{name} has {share} % and is not of this stack: {'taken over' if policy.take_over else 'left alone'}"
        for name, share in foreign.items()
    )
    others = {"foreign": dict(foreign), "now": dict(now)} if foreign else {}
    replaced = deployment is not None and deployment.action is Action.REPLACE
    if dict(now) == dict(wanted) and not replaced:
        return replace(planned(desired, Action.NO_OP, live, "", notes=notes, details=others), identity=_text(wanted))
    details = {"traffic": dict(wanted), **others, **({"take_over": True} if policy.take_over and foreign else {})}
    made = planned(
        desired,
        Action.SHIFT,
        live,
        "nothing has traffic yet" if not now else "its deployment is replaced" if replaced else "after its tests",
        changes=split_changes(wanted, now),
        notes=notes,
        details=details,
    )
    return replace(made, identity=_text(wanted))


def diverted(desired: Desired, resource: PlannedResource) -> tuple[Diagnostic, ...]:
    """A warning where others keep a share of the traffic."""
    foreign = resource.details.get("foreign") or {}
    if not foreign or resource.details.get("take_over"):
        return ()
    rest = max(0, 100 - sum(foreign.values()))
    (ours,) = desired.properties["traffic"]
    return (
        Diagnostic(
            f"{ours} gets {rest} % of the traffic of endpoint {desired.name}, not all",
            severity=Severity.WARNING,
            detail=f"{_text(foreign)}: not managed by this stack, and left as it is.",
            remedy="To give all traffic to the stack's deployment, run `phift apply` with --take-over. "
            "To keep the split, write `rollout: {traffic: unmanaged}`.",
            address=str(resource.address),
            code=TRAFFIC_DIVERTED,
        ),
    )


def split_changes(wanted: Mapping[str, int], now: Mapping[str, int]) -> tuple[FieldChange, ...]:
    """How one split differs from another, in per cent by deployment."""
    return tuple(
        FieldChange(f"traffic.{name}", wanted.get(name, 0), now.get(name, 0), ChangeAction.UPDATE)
        for name in [*wanted, *(n for n in now if n not in wanted)]
        if wanted.get(name, 0) != now.get(name, 0)
    )


def decide_test(
    desired: Desired, deployment: PlannedResource | None, traffic: PlannedResource | None
) -> PlannedResource:
    """Run for a deployment that is new or serves another model, and before any shift; else left alone."""
    changed = deployment is not None and (
        deployment.action in {Action.CREATE, Action.REPLACE} or any(c.path == "model" for c in deployment.changes)
    )
    if changed or (traffic is not None and traffic.action is Action.SHIFT):
        return planned(desired, Action.RUN, None, "the deployment must answer before it gets traffic")
    return planned(desired, Action.NO_OP, None, "nothing to test")


def decide_removals(
    desired: Desired, seen: Observed | None, deployment: PlannedResource, traffic: PlannedResource | None
) -> tuple[list[PlannedResource], list[Diagnostic]]:
    """The stack's other deployments, but for those to keep: removed once nothing is sent to them. A protected one is
    held, with a warning, until the spec's own was applied without protection."""
    if seen is None:
        return [], []
    others: Sequence[LiveObject] = seen.facts.get("others") or ()
    busy = seen.facts.get("busy") or {}
    lifted = seen.live is not None and seen.live.marks.get(PROTECT) != "true" and not desired.protect
    removed: list[PlannedResource] = []
    findings: list[Diagnostic] = []
    for other in others[int(desired.parts["keep_previous"]) :]:
        if traffic is None and other.name.lower() in busy:
            continue  # the split is left to others, and they still send requests to it
        held = other.marks.get(PROTECT) == "true" and not lifted
        if held:
            findings.append(_held(desired, other))
        removed.append(
            PlannedResource(
                # One made in place is called as the address of the new one is.
                address=Address(
                    "deployment", f"{other.name}-old" if other.name == desired.address.name else other.name
                ),
                action=Action.NO_OP if held else Action.DELETE,
                identity=other.name,
                reason=f"replaced by {desired.name}" + (", but protected: stays" if held else ""),
                details={"endpoint": desired.parts["endpoint"]},
                depends_on=(traffic.address if traffic else deployment.address,),
                fingerprint=other.fingerprint,
            )
        )
    return removed, findings


def _held(desired: Desired, other: LiveObject) -> Diagnostic:
    return Diagnostic(
        f"deployment {other.name} is protected: it stays beside {desired.name}, and bills",
        severity=Severity.WARNING,
        detail="It carries phift.protect from an earlier apply."
        if desired.protect
        else "The protection left the spec; it holds until an apply without it has run.",
        remedy="Set `protect: false` on the deployment and apply; the apply after that removes the old one."
        if desired.protect
        else "The plan after the next apply removes it.",
        address=str(desired.address),
        code="protected-kept",
    )


def wanted_split(desired: Desired, foreign: Mapping[str, int]) -> dict[str, int]:
    """Shares in per cent by lower-cased name: what others have stays, the rest is ours."""
    (ours,) = desired.properties["traffic"]
    rest = 100 - sum(foreign.values())
    return {**foreign, **({ours.lower(): rest} if rest > 0 else {})}


def _new_because(wanted: Mapping[str, Any], before: Mapping[str, Any], rules: Sequence[FieldRule]) -> list[FieldChange]:
    new, old = dict(leaves(wanted)), dict(leaves(before))
    if not old:
        return []
    return [
        FieldChange(
            path, new.get(path), old.get(path), ChangeAction.NEW_DEPLOYMENT, "part of the deployment's name", "you"
        )
        for path in [*new, *(p for p in old if p not in new)]
        if new.get(path) != old.get(path)
        and not equal_under([r for r in rules if r.covers(path)], new.get(path), old.get(path))
    ]


def _names(changes: Sequence[FieldChange]) -> str:
    return ", ".join(c.path for c in changes[:3]) + (", ..." if len(changes) > 3 else "")


def _text(shares: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {share} %" for name, share in sorted(shares.items()))
