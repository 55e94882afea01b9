"""From what is wanted and what is live to what will be done: one decision a resource, each with its reason.

Pure: it reads nothing and writes nothing, so that a plan can be made and tested from values alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from phift.address import Address
from phift.compile.desired import Desired, Stack
from phift.compile.naming import attempt_name
from phift.compile.overrides import leaves
from phift.diagnostics import Diagnostic, Severity
from phift.plan.action import Action, ChangeAction
from phift.plan.decision import STAYS, adopted, differences, later_note, mutable, planned, why
from phift.plan.diff import FieldRule
from phift.plan.model import FieldChange, PlannedResource
from phift.plan.observed import LiveObject, Observed
from phift.plan.replacing import protected_from, replaced, require_replaceable
from phift.plan.serving import (
    TRAFFIC_DIVERTED,
    decide_deployment,
    decide_removals,
    decide_test,
    decide_traffic,
    diverted,
)
from phift.plan.standing import DEFAULT, Policy, Standing, Stranger, claimed_because, refusals, standing

__all__ = ["KNOWN_AFTER_APPLY", "decide"]

KNOWN_AFTER_APPLY = "(known after apply)"
MISSING = "its file was deleted or replaced outside: will be uploaded again"

_ENDED_BADLY = frozenset({"Failed", "Canceled", "NotResponding"})


@dataclass(frozen=True)
class Decision:
    resource: PlannedResource
    findings: tuple[Diagnostic, ...] = ()
    stranger: Stranger | None = None


def decide(
    stack: Stack,
    observed: Mapping[Address, Observed],
    rules: Mapping[str, Sequence[FieldRule]],
    policy: Policy = DEFAULT,
) -> tuple[tuple[PlannedResource, ...], tuple[Diagnostic, ...]]:
    """A planned resource for each desired one, in their order, then what it removes; and findings, of which
    errors refuse the plan.

    observed: by address; a job's may be missing when its model is there. rules: by kind.
    Raises UsageError when the policy wants replaced what cannot be.
    """
    require_replaceable(stack, policy.replace)
    made: dict[Address, PlannedResource] = {}
    findings: list[Diagnostic] = []
    strangers: list[Stranger] = []
    for desired in stack.resources:
        decision = _decide(stack, desired, observed, rules.get(desired.address.kind, ()), policy, made)
        seen = observed.get(desired.address)
        made[desired.address] = resource = replaced(decision.resource, seen, policy.replace)
        findings += protected_from(resource, seen)
        findings += decision.findings
        findings += staying(resource)
        strangers += [decision.stranger] if decision.stranger else []
    if strangers:
        # Whose the traffic is cannot be told while whose the deployments are is disputed.
        findings = [f for f in findings if f.code != TRAFFIC_DIVERTED]
    findings += refusals(stack, strangers)
    traffic = next((made[t.address] for t in stack.of_kind("traffic")), None)
    removed: list[PlannedResource] = []
    for desired in stack.of_kind("deployment"):
        gone, held = decide_removals(desired, observed.get(desired.address), made[desired.address], traffic)
        removed += gone
        findings += held
    return (*made.values(), *removed), tuple(findings)


def _decide(
    stack: Stack,
    desired: Desired,
    observed: Mapping[Address, Observed],
    rules: Sequence[FieldRule],
    policy: Policy,
    made: Mapping[Address, PlannedResource],
) -> Decision:
    seen = observed.get(desired.address)
    live = seen.live if seen else None
    if live and desired.owned and standing(desired, live, policy) is Standing.REFUSED:
        stranger = Stranger(desired.address, live.name, live.owner, desired.address in policy.lost)
        return Decision(planned(desired, Action.NO_OP, live, "owned by another"), stranger=stranger)
    match desired.address.kind:
        case "job":
            return _job(stack, desired, seen, observed, policy)
        case "model" if desired.owned:
            return Decision(_model(stack, desired, seen, rules, policy))
        case "deployment":
            return Decision(decide_deployment(desired, seen, rules, policy, stack.claim))
        case "traffic":
            resource = decide_traffic(desired, seen, _one(stack, "deployment", made), policy)
            return Decision(resource, diverted(desired, resource))
        case "test":
            return Decision(_test(stack, desired, observed, made, policy))
        case "data":
            return Decision(_version(stack, desired, live, rules, policy))
        case _:
            return Decision(mutable(desired, live, rules, policy, stack.claim))


def staying(resource: PlannedResource) -> Iterator[Diagnostic]:
    """A warning for the fields that left the spec and cannot be taken back."""
    stay = [c for c in resource.changes if c.rule == STAYS]
    if stay:
        yield Diagnostic(
            f"{', '.join(c.path for c in stay)}: removed from the spec, but kept by {resource.identity}",
            severity=Severity.WARNING,
            detail=f"{stay[0].reason[:1].upper()}{stay[0].reason[1:]}.",
            remedy=f"Write it into the spec again, or destroy {resource.address} and apply: "
            "that makes a new one without it.",
            address=str(resource.address),
            code="setting-stays",
        )


def _one(stack: Stack, kind: str, made: Mapping[Address, PlannedResource]) -> PlannedResource | None:
    return next((made[d.address] for d in stack.of_kind(kind) if d.address in made), None)


def _test(
    stack: Stack,
    desired: Desired,
    observed: Mapping[Address, Observed],
    made: Mapping[Address, PlannedResource],
    policy: Policy,
) -> PlannedResource:
    """Tests come before the shift in the graph, and whether there is a shift decides whether they run."""
    deployment = _one(stack, "deployment", made)
    found = stack.of_kind("traffic")
    traffic = next((decide_traffic(t, observed.get(t.address), deployment, policy) for t in found), None)
    return decide_test(desired, deployment, traffic)


def _version(
    stack: Stack, desired: Desired, live: LiveObject | None, rules: Sequence[FieldRule], policy: Policy
) -> PlannedResource:
    identity = f"{desired.name}:{desired.digest}"
    if live is None:
        return planned(desired, Action.CREATE, None, "no version with this content", identity=identity)
    made = _kept_version(stack, desired, live, rules, policy, identity)
    if desired.address in policy.missing:
        made = replace(made, action=Action.UPDATE, reason=MISSING)
    return made


def _kept_version(
    stack: Stack, desired: Desired, live: LiveObject, rules: Sequence[FieldRule], policy: Policy, identity: str
) -> PlannedResource:
    stands = standing(desired, live, policy)
    if stands in (Standing.CLAIMED, Standing.MOVED):
        return adopted(desired, live, rules, claimed_because(desired, live, policy, stack.claim), identity)
    changes, unchanged = differences(desired, live, rules)
    visible = [c for c in changes if c.action is not ChangeAction.SUPPRESSED]
    if live.state == "Archived":
        return planned(
            desired,
            Action.UPDATE,
            live,
            "archived: will be restored",
            changes=changes,
            unchanged=unchanged,
            identity=identity,
        )
    return planned(
        desired,
        Action.UPDATE if visible else Action.REUSE,
        live,
        why(visible) or "same content",
        changes=changes,
        unchanged=unchanged,
        identity=identity,
        notes=later_note(desired, live, "version"),
    )


def _model(
    stack: Stack, desired: Desired, seen: Observed | None, rules: Sequence[FieldRule], policy: Policy
) -> PlannedResource:
    live = seen.live if seen else None
    if live:
        return _kept_version(stack, desired, live, rules, policy, f"{desired.name}:{live.version}")
    following = str((seen.facts if seen else {}).get("next_version", "1"))
    return planned(
        desired,
        Action.CREATE,
        None,
        "no version from this training",
        identity=f"{desired.name}: next ({following} unless taken)",
        details={"version": KNOWN_AFTER_APPLY, "next_version": following},
    )


def _job(
    stack: Stack, desired: Desired, seen: Observed | None, observed: Mapping[Address, Observed], policy: Policy
) -> Decision:
    model = next((observed.get(m.address) for m in stack.of_kind("model")), None)
    if model and model.live:
        reason = f"its model is registered as {model.live.name}:{model.live.version}"
        return Decision(planned(desired, Action.REUSE, None, reason, notes=_later(desired, seen)))
    live = seen.live if seen else None
    if live is None:
        return Decision(_retraining(desired, model))
    if live.state == "Completed":
        notes = _later(desired, seen)
        return Decision(planned(desired, Action.REUSE, live, "it has completed", identity=live.name, notes=notes))
    attempt = int(seen.facts.get("attempt", 1)) if seen else 1
    if live.state not in _ENDED_BADLY:
        doing = "being cancelled" if live.state == "CancelRequested" else "already running"
        reason = f"{doing} ({live.state}): watched, not started again"
        details = {"attempt": attempt} if attempt > 1 else {}
        return Decision(planned(desired, Action.ADOPT, live, reason, identity=live.name, details=details))
    infrastructure = str(seen.facts.get("infrastructure", "")) if seen else ""
    if policy.retry_failed or (infrastructure and attempt <= int(desired.parts.get("retries", 0))):
        name = attempt_name(desired.name, attempt + 1)
        reason = f"attempt {attempt} ended as {live.state}" + (f": {infrastructure}" if infrastructure else "")
        again = planned(desired, Action.RUN, None, reason, identity=name, details={"attempt": attempt + 1})
        return Decision(again)
    if live.state == "Canceled":
        return Decision(
            planned(desired, Action.NO_OP, live, "was cancelled", identity=live.name), (_cancelled(desired, live),)
        )
    finding = Diagnostic(
        f"job {live.name} ended as {live.state}, and nothing that decides its outcome has changed since",
        detail=f"Every attempt that finetune.retries allows has been made; the last ended so because {infrastructure}."
        if infrastructure
        else "The same parameters, data and base model would most likely fail again.",
        remedy="See `phift logs`; change the spec, or run it once more with --retry-failed.",
        address=str(desired.address),
        code="job-failed",
    )
    return Decision(planned(desired, Action.NO_OP, live, f"ended as {live.state}", identity=live.name), (finding,))


def _later(desired: Desired, seen: Observed | None) -> tuple[str, ...]:
    return later_note(desired, seen.live, "run") if seen and seen.live else ()


def _retraining(desired: Desired, model: Observed | None) -> PlannedResource:
    previous = (model.facts.get("previous") if model else None) or {}
    changes = tuple(_retrain_changes(desired.inputs, previous["inputs"])) if previous else ()
    if changes:
        names = ", ".join(c.path for c in changes[:3]) + (", ..." if len(changes) > 3 else "")
        reason = f"{names} changed since model version {previous['version']}"
    else:
        reason = "never run"
    return planned(desired, Action.RUN, None, reason, changes=changes)


def _retrain_changes(wanted: Mapping[str, Any], before: Mapping[str, Any]) -> list[FieldChange]:
    """How the training wanted differs from one that was: each difference forces retraining."""
    new, old = dict(leaves(wanted)), dict(leaves(before))
    return [
        FieldChange(
            path.removeprefix("parameters."),
            new.get(path),
            old.get(path),
            ChangeAction.RETRAIN,
            "decides what is trained",
            "you",
        )
        for path in [*new, *(p for p in old if p not in new)]
        if new.get(path) != old.get(path)
    ]


def _cancelled(desired: Desired, live: LiveObject) -> Diagnostic:
    """A cancelled job did not fail: what it is made of says nothing against it, but somebody decided to end it."""
    return Diagnostic(
        f"job {live.name} was cancelled",
        detail=f"It did not fail: cancelled {live.facts['cancelled']}." if live.facts.get("cancelled") else "",
        remedy="Run it again: phift apply --retry-failed.",
        address=str(desired.address),
        code="job-cancelled",
    )
