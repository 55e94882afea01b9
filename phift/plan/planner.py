"""From what is wanted and what is live to what will be done: one decision a resource, each with its reason.

Pure: it reads nothing and writes nothing, so that a plan can be made and tested from values alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phift.address import Address
from phift.compile.desired import Desired, Stack
from phift.compile.naming import attempt_name
from phift.compile.ownership import Ownership
from phift.diagnostics import Diagnostic
from phift.plan.action import Action, ChangeAction
from phift.plan.decision import LiveObject, Observed, adopted, differences, mutable, planned, takes_over, why
from phift.plan.diff import FieldRule, flatten
from phift.plan.model import FieldChange, PlannedResource
from phift.plan.replacing import protected_from, replaced, require_replaceable
from phift.plan.serving import decide_deployment, decide_removals, decide_test, decide_traffic

__all__ = ["KNOWN_AFTER_APPLY", "LiveObject", "Observed", "Policy", "decide"]

KNOWN_AFTER_APPLY = "(known after apply)"

_ENDED_BADLY = frozenset({"Failed", "Canceled", "NotResponding"})
_SHARED = frozenset({"compute"})
"""Kinds that stacks may share: what is not ours is used as it is."""

_ADOPTED = frozenset({"compute", "endpoint", "model"})


@dataclass(frozen=True)
class Policy:
    """retry_failed: run a failed or cancelled job again, whatever it ended of."""

    retry_failed: bool = False
    replace: Collection[Address] = ()
    """What is to be deleted and made again although it could stay."""


@dataclass(frozen=True)
class Decision:
    resource: PlannedResource
    findings: tuple[Diagnostic, ...] = ()


def decide(
    stack: Stack,
    observed: Mapping[Address, Observed],
    rules: Mapping[str, Sequence[FieldRule]],
    policy: Policy = Policy(),
) -> tuple[tuple[PlannedResource, ...], tuple[Diagnostic, ...]]:
    """A planned resource for each desired one, in their order, then what it removes; and findings, of which
    errors refuse the plan.

    observed: by address; a job's may be missing when its model is there. rules: by kind.
    Raises UsageError when the policy wants replaced what cannot be.
    """
    require_replaceable(stack, policy.replace)
    made: dict[Address, PlannedResource] = {}
    findings: list[Diagnostic] = []
    for desired in stack.resources:
        decision = _decide(stack, desired, observed, rules.get(desired.address.kind, ()), policy, made)
        seen = observed.get(desired.address)
        made[desired.address] = resource = replaced(decision.resource, seen, policy.replace)
        findings += protected_from(resource, seen)
        findings += decision.findings
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
    theirs = live is not None and desired.owned and live.owner.ownership is not Ownership.OURS
    if live and theirs and desired.address.kind not in _SHARED and not takes_over(desired, live):
        return Decision(planned(desired, Action.NO_OP, live, "owned by another"), (_owned_by_another(desired, live),))
    match desired.address.kind:
        case "job":
            return _job(stack, desired, seen, observed, policy)
        case "model" if desired.owned:
            return Decision(_model(desired, seen, rules))
        case "deployment":
            return Decision(decide_deployment(desired, seen, rules))
        case "traffic":
            return Decision(decide_traffic(desired, seen, _one(stack, "deployment", made)))
        case "test":
            return Decision(_test(stack, desired, observed, made))
        case "data":
            return Decision(_version(desired, live, rules))
        case _:
            return Decision(mutable(desired, live, rules))


def _one(stack: Stack, kind: str, made: Mapping[Address, PlannedResource]) -> PlannedResource | None:
    return next((made[d.address] for d in stack.of_kind(kind) if d.address in made), None)


def _test(
    stack: Stack, desired: Desired, observed: Mapping[Address, Observed], made: Mapping[Address, PlannedResource]
) -> PlannedResource:
    """Tests come before the shift in the graph, and whether there is a shift decides whether they run."""
    deployment = _one(stack, "deployment", made)
    traffic = next((decide_traffic(t, observed.get(t.address), deployment) for t in stack.of_kind("traffic")), None)
    return decide_test(desired, deployment, traffic)


def _version(desired: Desired, live: LiveObject | None, rules: Sequence[FieldRule]) -> PlannedResource:
    identity = f"{desired.name}:{desired.digest}"
    if live is None:
        return planned(desired, Action.CREATE, None, "no version with this content", identity=identity)
    return _kept_version(desired, live, rules, identity)


def _kept_version(desired: Desired, live: LiveObject, rules: Sequence[FieldRule], identity: str) -> PlannedResource:
    if takes_over(desired, live):
        return adopted(desired, live, rules, identity)
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
    action = Action.UPDATE if visible else Action.REUSE
    reason = why(visible) or "same content"
    return planned(desired, action, live, reason, changes=changes, unchanged=unchanged, identity=identity)


def _model(desired: Desired, seen: Observed | None, rules: Sequence[FieldRule]) -> PlannedResource:
    live = seen.live if seen else None
    if live:
        return _kept_version(desired, live, rules, f"{desired.name}:{live.version}")
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
        return Decision(planned(desired, Action.REUSE, None, reason))
    live = seen.live if seen else None
    if live is None:
        return Decision(_retraining(desired, model))
    if live.state == "Completed":
        return Decision(planned(desired, Action.REUSE, live, "it has completed", identity=live.name))
    attempt = int(seen.facts.get("attempt", 1)) if seen else 1
    if live.state not in _ENDED_BADLY:
        reason = f"already running ({live.state}): watched, not started again"
        details = {"attempt": attempt} if attempt > 1 else {}
        return Decision(planned(desired, Action.ADOPT, live, reason, identity=live.name, details=details))
    infrastructure = str(seen.facts.get("infrastructure", "")) if seen else ""
    if policy.retry_failed or (infrastructure and attempt <= int(desired.parts.get("retries", 0))):
        name = attempt_name(desired.name, attempt + 1)
        reason = f"attempt {attempt} ended as {live.state}" + (f": {infrastructure}" if infrastructure else "")
        again = planned(desired, Action.RUN, None, reason, identity=name, details={"attempt": attempt + 1})
        return Decision(again)
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
    new, old = dict(flatten(wanted)), dict(flatten(before))
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


def _owned_by_another(desired: Desired, live: LiveObject) -> Diagnostic:
    owner = live.owner
    kind = desired.address.kind
    claim = f"`adopt: {{{kind}: true}}` takes it over. " if kind in _ADOPTED and not owner.stack else ""
    who = f"belongs to stack {owner.stack}" + (f" of {owner.source}" if owner.source else "")
    return Diagnostic(
        f"{kind} {live.name} {who if owner.stack else 'exists and was not made by phift'}",
        detail="phift changes only what carries its own marks; these name another owner, are copies, or are missing.",
        remedy=f"{claim}Give this one another name, or remove the other first.",
        address=str(desired.address),
        code="owned-by-another",
    )
