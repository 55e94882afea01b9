"""How the traffic split changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from phift.diagnostics import Diagnostic, Severity
from phift.kinds.traffic.parts import TrafficObservation, TrafficParts
from phift.plan.action import Action, ChangeAction
from phift.plan.decision import Decision, PlanContext, planned
from phift.plan.model import Decided, FieldChange
from phift.state.desired import Desired

__all__ = ["decide", "shares", "split_changes", "wanted_split"]


def decide(desired: Desired[TrafficParts], seen: TrafficObservation | None, context: PlanContext) -> Decision:
    """Shift all traffic without another owner to the deployment of the stack; all traffic with --take-over."""
    take_over = context.policy.take_over
    foreign = seen.foreign if seen else {}
    wanted = wanted_split(desired, {} if take_over else foreign)
    live = seen.live if seen else None
    now: Mapping[str, int] = live.properties["traffic"] if live else {}
    notes = tuple(
        f"{name} has {share} % and is not managed by this stack: {'taken over' if take_over else 'not changed'}"
        for name, share in foreign.items()
    )
    others = {"foreign": dict(foreign), "now": dict(now)} if foreign else {}
    findings = (_diverted(desired, foreign),) if foreign and not take_over else ()
    deployment = context.planned.get(desired.parts.deployment.address)
    replaced = deployment is not None and deployment.action is Action.REPLACE
    if dict(now) == dict(wanted) and not replaced:
        same = planned(desired, Action.NO_OP, live, "", notes=notes, details=others)
        return Decision(replace(same, identity=shares(wanted)), tentative=findings)
    took = take_over and bool(foreign)
    shifted = planned(
        desired,
        Action.SHIFT,
        live,
        "no deployment has traffic yet" if not now else "its deployment is replaced" if replaced else "after its tests",
        changes=split_changes(wanted, now),
        notes=notes,
        details={"traffic": dict(wanted), **others, **({"take_over": True} if took else {})},
        decided=Decided(split=dict(wanted), take_over=took),
    )
    return Decision(replace(shifted, identity=shares(wanted)), tentative=findings)


def _diverted(desired: Desired[TrafficParts], foreign: Mapping[str, int]) -> Diagnostic:
    """Return the warning that deployments of others keep a share of the traffic."""
    rest = max(0, 100 - sum(foreign.values()))
    (ours,) = desired.properties["traffic"]
    return Diagnostic(
        f"{ours} gets {rest} % of the traffic of endpoint {desired.name}, not all",
        severity=Severity.WARNING,
        detail=f"{shares(foreign)}: not managed by this stack; phift does not change it.",
        remedy="To give all traffic to the stack's deployment, run `phift apply` with --take-over. "
        "To keep the split, write `rollout: {traffic: unmanaged}`.",
        address=str(desired.address),
        code="traffic-diverted",
    )


def split_changes(wanted: Mapping[str, int], now: Mapping[str, int]) -> tuple[FieldChange, ...]:
    """Return the differences between two splits, in per cent by deployment."""
    return tuple(
        FieldChange(f"traffic.{name}", wanted.get(name, 0), now.get(name, 0), ChangeAction.UPDATE)
        for name in [*wanted, *(n for n in now if n not in wanted)]
        if wanted.get(name, 0) != now.get(name, 0)
    )


def wanted_split(desired: Desired[TrafficParts], foreign: Mapping[str, int]) -> dict[str, int]:
    """Return the shares in per cent by lower-case name: those of others, and the rest for this stack."""
    (ours,) = desired.properties["traffic"]
    rest = 100 - sum(foreign.values())
    return {**foreign, **({ours.lower(): rest} if rest > 0 else {})}


def shares(split: Mapping[str, int]) -> str:
    """Format a split for display."""
    return ", ".join(f"{name} {share} %" for name, share in sorted(split.items()))
