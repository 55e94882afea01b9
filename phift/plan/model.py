"""The plan as a value: the observed state, the action on each resource, and the reason.

`Plan.to_dict` and `Plan.from_dict` are inverse to each other. They define the plan file and the JSON format.
Keys are stable: minor versions may add keys; renaming or removing a key requires a new `FORMAT_VERSION`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from phift.address import Address
from phift.concealing import concealed, shown_change
from phift.diagnostics import Diagnostic, Mark, Severity
from phift.display import Displayed
from phift.errors import UsageError
from phift.plan.action import Action, ChangeAction, ChangedBy, Purpose
from phift.plan.cost import Cost
from phift.plan.shape import require_shape

__all__ = ["FORMAT_VERSION", "KNOWN_AFTER_APPLY", "Counts", "Decided", "FieldChange", "Plan", "PlannedResource"]

FORMAT_VERSION = "1.2"

KNOWN_AFTER_APPLY = "(known after apply)"
"""Placeholder for a value that the service assigns."""


@dataclass(frozen=True)
class FieldChange:
    """A field that differs.

    path: dotted, in the words of `az ml` YAML. wanted, live: plain values, None where absent. applied: what the last
    apply wrote, None where no ledger says so.
    by: who changed it since the last apply.
    reason: why this rule or action applies. rule: the rule of rules.yaml that suppressed or classified it.
    sensitive: whether the values are hidden.
    """

    path: str
    wanted: Any
    live: Any
    action: ChangeAction
    reason: str = ""
    by: ChangedBy = ChangedBy.UNKNOWN
    rule: str = ""
    sensitive: bool = False
    applied: Any = None

    @property
    def remark(self) -> str:
        """Return the remark shown next to the values: what the change forces, and its cause if the spec was not
        edited."""
        why = self.reason if self.rule in {"default", "override"} else ""
        return "; ".join(filter(None, [self.action.force, why]))


@dataclass(frozen=True)
class Decided:
    """Values that apply needs in addition to the action.

    attempt: number of the run, from 1. split: traffic to write, in per cent by deployment. take_over: whether the
    shares of other deployments are overwritten. endpoint: the endpoint of a deployment that is not in the spec. keep:
    its mark, if it is kept for a limited time. tokens: of the training that an asset version results from, 0 if
    unknown; recorded with the time that the training takes. tier: of a cluster to create, if its spec leaves it to the
    plan.
    """

    attempt: int = 1
    split: Mapping[str, int] | None = None
    take_over: bool = False
    endpoint: str = ""
    keep: str = ""
    tokens: int = 0
    tier: str = ""

    @classmethod
    def from_details(cls, details: Mapping[str, Any]) -> Decided:
        """Read the values from `details`, where plan files of release 0.1.0 store them."""
        split = details.get("traffic")
        return cls(
            int(details.get("attempt") or 1),
            split if isinstance(split, Mapping) else None,
            bool(details.get("take_over")),
            str(details.get("endpoint") or ""),
        )


@dataclass(frozen=True)
class PlannedResource:
    """One resource of the plan.

    identity: its name in the workspace, for people ("gpu-cluster", "phi3-chat:3").
    reason: one clause saying why this action ("not in the workspace", "learning_rate changed").
    depends_on: resources to apply first. fingerprint: digest of the observed live object, empty if it does not exist;
    a saved plan is stale if the fingerprint has changed. unchanged: number of equal managed fields.
    desired: the desired properties as plain values. details: facts to display; not compared. decided: values for apply.
    protect: whether the spec protects it.

    The constructor conceals literal secrets: a plan never contains one.
    """

    address: Address
    action: Action
    identity: str
    reason: str = ""
    changes: tuple[FieldChange, ...] = ()
    unchanged: int = 0
    desired: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    depends_on: tuple[Address, ...] = ()
    fingerprint: str = ""
    notes: tuple[str, ...] = ()
    decided: Decided = Decided()
    protect: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "desired", concealed(self.desired))
        object.__setattr__(self, "details", concealed(self.details))
        object.__setattr__(self, "changes", tuple(map(_concealed_change, self.changes)))

    @property
    def visible_changes(self) -> tuple[FieldChange, ...]:
        return tuple(c for c in self.changes if c.action is not ChangeAction.SUPPRESSED)


def _concealed_change(change: FieldChange) -> FieldChange:
    values = (change.wanted, change.live, change.applied)
    if (hidden := shown_change(change.path, *values)) == values:
        return change
    return replace(change, wanted=hidden[0], live=hidden[1], applied=hidden[2])


@dataclass(frozen=True)
class Counts:
    """The numbers of the count line. A replacement counts as add and as destroy."""

    add: int = 0
    change: int = 0
    destroy: int = 0
    unchanged: int = 0

    def __str__(self) -> str:
        return f"Plan: {self.add} to add, {self.change} to change, {self.destroy} to destroy."


@dataclass(frozen=True)
class Plan(Displayed):
    """The changes that an apply of this spec on this target makes, with reasons.

    stack, target: see the spec. workspace: for people ("local", "rg-ml/ws-ml"). spec_path: as given on the
    command line; spec_options: further options that select this stack (--target, --var), not part of the document.
    source: repository#path of the spec. id: id of the lock file, empty before the first apply; a different id does not
    make a plan stale. spec_digest: digest of the rendered spec. lock: the content of the lock file after this plan.
    purpose: the command that the plan is for. created: ISO time in UTC. cost: None if nothing billed changes, and on
    target local.
    """

    stack: str
    target: str
    workspace: str
    spec_path: str
    source: str
    spec_digest: str
    created: str
    purpose: Purpose = Purpose.APPLY
    resources: tuple[PlannedResource, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()
    lock: Mapping[str, Any] = field(default_factory=dict)
    env_names: tuple[str, ...] = ()
    id: str = ""
    cost: Cost | None = None
    spec_options: tuple[str, ...] = field(default=(), compare=False)

    @property
    def spec_words(self) -> str:
        """The arguments that select this stack, quoted for a shell, such as for `phift status`."""
        return shlex.join([self.spec_path, *self.spec_options])

    @property
    def counts(self) -> Counts:
        actions = [r.action for r in self.resources]
        return Counts(
            add=sum(a.adds for a in actions),
            change=sum(a.alters for a in actions),
            destroy=sum(a.destroys for a in actions),
            unchanged=sum(a in {Action.NO_OP, Action.REUSE} for a in actions),
        )

    @property
    def changes_something(self) -> bool:
        """Whether applying the plan writes to the workspace."""
        return any(r.action.changes_something for r in self.resources)

    def resource(self, address: Address) -> PlannedResource:
        """Return the planned resource of an address. Raises KeyError."""
        for resource in self.resources:
            if resource.address == address:
                return resource
        raise KeyError(str(address))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values with stable keys."""
        from phift.plan.fingerprint import fingerprint

        return {
            "format_version": FORMAT_VERSION,
            "purpose": self.purpose.value,
            "stack": self.stack,
            "target": self.target,
            "workspace": self.workspace,
            "spec": {
                "path": self.spec_path,
                "source": self.source,
                "id": self.id,
                "digest": self.spec_digest,
                "env": list(self.env_names),
            },
            "created": self.created,
            "counts": asdict(self.counts),
            "fingerprint": fingerprint(self),
            "resources": [_resource_to_dict(r) for r in self.resources],
            "warnings": [d.plain() for d in self.warnings],
            "notes": list(self.notes),
            "lock": dict(self.lock),
            **({"cost": self.cost.to_dict()} if self.cost else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """Read a plan from the result of `to_dict`. Ignores unknown keys.

        Raises UsageError for another format version, and ValueError for a damaged document.
        """
        version = str(data.get("format_version", ""))[:20]
        if version.split(".")[0] != FORMAT_VERSION.split(".")[0]:
            raise UsageError(
                f"the plan has format version {version or 'none'}; this release of phift reads {FORMAT_VERSION}",
                remedy="Create a new plan with this release of phift.",
            )
        require_shape(data)
        spec = data["spec"]
        return cls(
            stack=data["stack"],
            target=data["target"],
            workspace=data["workspace"],
            spec_path=spec["path"],
            source=spec["source"],
            id=spec.get("id", ""),
            spec_digest=spec["digest"],
            env_names=tuple(spec.get("env", ())),
            created=data["created"],
            purpose=Purpose(data["purpose"]),
            resources=tuple(_resource_from_dict(r) for r in data["resources"]),
            warnings=tuple(_diagnostic_from_dict(d) for d in data["warnings"]),
            notes=tuple(data["notes"]),
            lock=data["lock"],
            cost=Cost.from_dict(data["cost"]) if data.get("cost") else None,
        )


def _resource_to_dict(resource: PlannedResource) -> dict[str, Any]:
    return {
        "address": str(resource.address),
        "action": resource.action.value,
        "identity": resource.identity,
        "reason": resource.reason,
        "changes": [_change_to_dict(c) for c in resource.changes],
        "unchanged": resource.unchanged,
        "desired": dict(resource.desired),
        "details": dict(resource.details),
        "depends_on": [str(a) for a in resource.depends_on],
        "fingerprint": resource.fingerprint,
        "notes": list(resource.notes),
        **({"decided": _decided_document(resource.decided)} if resource.decided != Decided() else {}),
        **({"protect": True} if resource.protect else {}),
    }


def _resource_from_dict(data: Mapping[str, Any]) -> PlannedResource:
    return PlannedResource(
        address=Address.parse(data["address"]),
        action=Action(data["action"]),
        identity=data["identity"],
        reason=data["reason"],
        changes=tuple(_change_from_dict(c) for c in data["changes"]),
        unchanged=data["unchanged"],
        desired=data["desired"],
        details=data["details"],
        depends_on=_addresses(data["depends_on"]),
        fingerprint=data["fingerprint"],
        notes=tuple(data["notes"]),
        decided=_decided(data),
        protect=bool(data.get("protect", False)),
    )


_NEWER = ("keep", "tokens", "tier")


def _decided_document(decided: Decided) -> dict[str, Any]:
    """Return the values, without those that earlier releases do not know if they are empty."""
    return {name: value for name, value in asdict(decided).items() if value or name not in _NEWER}


def _decided(data: Mapping[str, Any]) -> Decided:
    if (decided := data.get("decided")) is None:
        return Decided.from_details(data["details"])
    return Decided(**_known(decided, Decided))


def _change_to_dict(change: FieldChange) -> dict[str, Any]:
    data = asdict(change)
    data |= {"action": change.action.value, "by": change.by.value}
    if change.sensitive:
        data["wanted"] = data["live"] = data["applied"] = "(sensitive)"
    return data


def _change_from_dict(data: Mapping[str, Any]) -> FieldChange:
    enums = {"action": ChangeAction(data["action"]), "by": ChangedBy(data.get("by", ""))}
    return FieldChange(**{**_known(data, FieldChange), **enums})


def _known(data: Mapping[str, Any], cls: type[Any]) -> dict[str, Any]:
    """Return the keys that a dataclass has. A later minor version may have written more."""
    return {f.name: data[f.name] for f in fields(cls) if f.name in data}


def _addresses(texts: Iterable[str]) -> tuple[Address, ...]:
    return tuple(Address.parse(t) for t in texts)


def _diagnostic_from_dict(data: Mapping[str, Any]) -> Diagnostic:
    mark = (
        Mark(**{name: data["mark"][name] for name in Mark._fields if name in data["mark"]})
        if data.get("mark")
        else None
    )
    known = {"code": "", **_known(data, Diagnostic)}
    return Diagnostic(**{**known, "severity": Severity(data["severity"]), "mark": mark})
