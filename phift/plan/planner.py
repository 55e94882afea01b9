"""From what is wanted and what is live to what will be done: one decision a resource, each with its reason.

Pure: it reads nothing and writes nothing, so that a plan can be made and tested from values alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from phift.address import Address
from phift.compile.desired import Desired, Stack
from phift.compile.naming import attempt_name
from phift.compile.ownership import APPLIED, TAGS, Owner, Ownership, applied_digest
from phift.diagnostics import Diagnostic
from phift.plan.action import Action, ChangeAction
from phift.plan.diff import FieldRule, diff, flatten
from phift.plan.model import FieldChange, PlannedResource

__all__ = ["KNOWN_AFTER_APPLY", "LiveObject", "Observed", "Policy", "decide"]

KNOWN_AFTER_APPLY = "(known after apply)"

_ENDED_BADLY = frozenset({"Failed", "Canceled", "NotResponding"})
_GONE_SOON = frozenset({"Deleting"})


class LiveObject(Protocol):
    """What the planner looks at in a live object, see phift.resources.base.Live."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def properties(self) -> Mapping[str, Any]: ...
    @property
    def marks(self) -> Mapping[str, str]: ...
    @property
    def owner(self) -> Owner: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...
    @property
    def fingerprint(self) -> str: ...


class Observed(Protocol):
    """See phift.resources.base.Observation."""

    @property
    def live(self) -> LiveObject | None: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Policy:
    """retry_failed: run a failed or cancelled job again. retries: how often that is allowed without asking."""

    retry_failed: bool = False


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
    """A planned resource for each desired one, in their order, and findings that refuse the plan.

    observed: by address; a job's may be missing when its model is there. rules: by kind.
    """
    decisions = [
        _decide(stack, desired, observed, rules.get(desired.address.kind, ()), policy) for desired in stack.resources
    ]
    return tuple(d.resource for d in decisions), tuple(f for d in decisions for f in d.findings)


def _decide(
    stack: Stack,
    desired: Desired,
    observed: Mapping[Address, Observed],
    rules: Sequence[FieldRule],
    policy: Policy,
) -> Decision:
    seen = observed.get(desired.address)
    live = seen.live if seen else None
    if live and desired.owned and live.owner.ownership is Ownership.FOREIGN and desired.address.kind != "compute":
        return Decision(_planned(desired, Action.NO_OP, live, "owned by another"), (_owned_by_another(desired, live),))
    match desired.address.kind:
        case "job":
            return _job(stack, desired, seen, observed, policy)
        case "model" if desired.owned:
            return Decision(_model(desired, seen, rules))
        case "data":
            return Decision(_version(desired, live, rules))
        case _:
            return Decision(_mutable(desired, live, rules))


def _mutable(desired: Desired, live: LiveObject | None, rules: Sequence[FieldRule]) -> PlannedResource:
    if not desired.owned:
        return _planned(desired, Action.NO_OP, live, "a reference: read and checked, never written")
    if live is None:
        return _planned(desired, Action.CREATE, None, "not in the workspace")
    if live.state in _GONE_SOON:
        return _planned(desired, Action.CREATE, live, "the old one is being deleted; waits until it is gone")
    if live.owner.ownership is not Ownership.OURS:
        whose = f"belongs to stack {live.owner.stack}" if live.owner.stack else "was not made by phift"
        return _planned(desired, Action.NO_OP, live, "", notes=(f"{desired.name} {whose}: used as it is",))
    if live.state == "Failed":
        return _planned(desired, Action.REPLACE, live, "the live object is in state Failed")
    changes, unchanged = _differences(desired, live, rules)
    forced = [c for c in changes if c.action is ChangeAction.REPLACE]
    visible = [c for c in changes if c.action is not ChangeAction.SUPPRESSED]
    action = Action.REPLACE if forced else Action.UPDATE if visible else Action.NO_OP
    return _planned(desired, action, live, _why(visible), changes=changes, unchanged=unchanged)


def _version(desired: Desired, live: LiveObject | None, rules: Sequence[FieldRule]) -> PlannedResource:
    identity = f"{desired.name}:{desired.digest}"
    if live is None:
        return _planned(desired, Action.CREATE, None, "no version with this content", identity=identity)
    return _kept_version(desired, live, rules, identity)


def _kept_version(desired: Desired, live: LiveObject, rules: Sequence[FieldRule], identity: str) -> PlannedResource:
    changes, unchanged = _differences(desired, live, rules)
    visible = [c for c in changes if c.action is not ChangeAction.SUPPRESSED]
    if live.state == "Archived":
        return _planned(
            desired,
            Action.UPDATE,
            live,
            "archived: will be restored",
            changes=changes,
            unchanged=unchanged,
            identity=identity,
        )
    action = Action.UPDATE if visible else Action.REUSE
    reason = _why(visible) or "same content"
    return _planned(desired, action, live, reason, changes=changes, unchanged=unchanged, identity=identity)


def _model(desired: Desired, seen: Observed | None, rules: Sequence[FieldRule]) -> PlannedResource:
    live = seen.live if seen else None
    if live:
        return _kept_version(desired, live, rules, f"{desired.name}:{live.version}")
    following = str((seen.facts if seen else {}).get("next_version", "1"))
    return _planned(
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
        return Decision(_planned(desired, Action.REUSE, None, reason))
    live = seen.live if seen else None
    if live is None:
        return Decision(_retraining(desired, model))
    if live.state == "Completed":
        return Decision(_planned(desired, Action.REUSE, live, "it has completed", identity=live.name))
    if live.state not in _ENDED_BADLY:
        reason = f"already running ({live.state}): watched, not started again"
        return Decision(_planned(desired, Action.ADOPT, live, reason, identity=live.name))
    attempt = int(seen.facts.get("attempt", 1)) if seen else 1
    if policy.retry_failed or attempt <= int(desired.parts.get("retries", 0)):
        name = attempt_name(desired.name, attempt + 1)
        reason = f"attempt {attempt} ended as {live.state}"
        planned = _planned(desired, Action.RUN, None, reason, identity=name, details={"attempt": attempt + 1})
        return Decision(planned)
    finding = Diagnostic(
        f"job {live.name} ended as {live.state}, and nothing that decides its outcome has changed since",
        detail="The same parameters, data and base model would most likely fail again.",
        remedy="See `phift logs`; change the spec, or run it once more with --retry-failed.",
        address=str(desired.address),
        code="job-failed",
    )
    return Decision(_planned(desired, Action.NO_OP, live, f"ended as {live.state}", identity=live.name), (finding,))


def _retraining(desired: Desired, model: Observed | None) -> PlannedResource:
    previous = (model.facts.get("previous") if model else None) or {}
    changes = tuple(_retrain_changes(desired.inputs, previous["inputs"])) if previous else ()
    if changes:
        names = ", ".join(c.path for c in changes[:3]) + (", ..." if len(changes) > 3 else "")
        reason = f"{names} changed since model version {previous['version']}"
    else:
        reason = "never run"
    return _planned(desired, Action.RUN, None, reason, changes=changes)


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


def _differences(desired: Desired, live: LiveObject, rules: Sequence[FieldRule]) -> tuple[tuple[FieldChange, ...], int]:
    applied = live.marks.get(APPLIED)
    by = "" if not applied else "outside" if applied == applied_digest(desired.properties) else "you"
    before = {name for name in live.marks.get(TAGS, "").split(",") if name}
    gone = tuple(sorted(before - set(desired.properties.get("tags") or {})))
    return diff(desired.properties, live.properties, rules, by=by, removed_tags=gone)


def _why(visible: Sequence[FieldChange]) -> str:
    if not visible:
        return ""
    outside = all(c.by == "outside" for c in visible)
    names = ", ".join(c.path for c in visible[:3]) + (", ..." if len(visible) > 3 else "")
    return f"{names} {'was changed outside phift' if outside else 'changed'}"


def _planned(
    desired: Desired,
    action: Action,
    live: LiveObject | None,
    reason: str,
    *,
    identity: str = "",
    changes: tuple[FieldChange, ...] = (),
    unchanged: int = 0,
    details: Mapping[str, Any] | None = None,
    notes: tuple[str, ...] = (),
) -> PlannedResource:
    return PlannedResource(
        address=desired.address,
        action=action,
        identity=identity or desired.name,
        reason=reason,
        changes=changes,
        unchanged=unchanged,
        desired=desired.properties,
        details={**desired.parts.get("shown", {}), **(details or {})},
        depends_on=desired.depends_on,
        fingerprint=live.fingerprint if live else "",
        notes=notes,
    )


def _owned_by_another(desired: Desired, live: LiveObject) -> Diagnostic:
    owner = live.owner
    who = f"stack {owner.stack}" + (f" of {owner.source}" if owner.source else "")
    return Diagnostic(
        f"{desired.address.kind} {live.name} belongs to {who}",
        detail="Its phift marks name another owner or were copied; phift changes only what is its own.",
        remedy="Give this spec another name, or destroy the other stack first.",
        address=str(desired.address),
        code="owned-by-another",
    )
