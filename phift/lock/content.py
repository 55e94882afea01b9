"""What a lock file contains: the pins of each stack."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from phift.lock.layout import sorted_body
from phift.spec import yaml12

__all__ = [
    "HEAD",
    "NEWEST",
    "Lock",
    "PinnedAsset",
    "PinnedComponent",
    "PinnedData",
    "PinnedDeployment",
    "PinnedModel",
    "StackLock",
]

NEWEST: Final = 2
"""The newest version of the file."""
_INPUTS: Final = (3, "inputs")
HEAD = "# What floats, pinned. Written by phift: commit it, and move the pins with `phift lock --upgrade`.\n"
"""The first line of the file."""


class _Pin(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, strict=True, defer_build=True)

    @property
    def known(self) -> dict[str, Any]:
        """Return the known fields."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class PinnedModel(_Pin):
    """The base model. requested: the reference that was resolved; the pin is valid while the spec contains the same.

    id: of the asset, with its version. model_defaults: the values of its model_specific_defaults, unparsed.
    """

    requested: str
    id: str
    version: str
    model_defaults: dict[str, str | int | float | bool] = {}


class PinnedComponent(_Pin):
    """The component. requested, id, version: see PinnedModel. inputs: see ComponentInterface.plain; None if another
    stack of the file has them, or if they were pinned by a release without them."""

    requested: str
    id: str
    version: str
    inputs: dict[str, dict[str, Any]] | None = None

    def kept_in(self, newer: "PinnedComponent") -> "PinnedComponent":
        """Return `newer` with the inputs of this pin, if it has none and pins the same version."""
        adds = newer.inputs is None and self.inputs is not None and newer.id == self.id
        return newer.model_copy(update={"inputs": self.inputs}) if adds else newer


class PinnedAsset(_Pin):
    """An environment, or a model to serve, whose label was resolved. requested, version: see PinnedModel. as_written:
    True for the first pin of the environment of a deployment that a release without pins created; until another version
    is pinned, the digest of the deployment contains the reference as written."""

    requested: str
    version: str
    as_written: bool | None = None

    def kept_in(self, newer: "PinnedAsset") -> "PinnedAsset":
        """Return `newer` with as_written of this pin if it pins the same version of the same reference."""
        same = (newer.requested, newer.version) == (self.requested, self.version)
        return newer.model_copy(update={"as_written": True}) if same and self.as_written else newer


class PinnedData(_Pin):
    """The data. preparation: the version of phift's data preparation. hub: by split, the resolved data set of the hub
    (see phift.data.hub.pins). addresses: by split, the content at an address (see phift.data.addresses). assets: by
    split, the version that the label of a data asset was resolved to. checks: by split, the results of the data checks.
    revisions: of release 0.1.0, never used.
    """

    preparation: int
    revisions: dict[str, str] = {}
    hub: dict[str, dict[str, Any]] | None = None
    addresses: dict[str, dict[str, Any]] | None = None
    assets: dict[str, dict[str, str]] | None = None
    checks: dict[str, dict[str, Any]] | None = None

    def kept_in(self, newer: "PinnedData") -> "PinnedData":
        """Return `newer` with the check results of this one that it lacks.

        Its writer may not have had them, and a result names the rows that it belongs to.
        """
        checks = {**(self.checks or {}), **(newer.checks or {})}
        return newer.model_copy(update={"checks": dict(sorted(checks.items())) or None})


class PinnedDeployment(_Pin):
    """The names of an imported deployment and its autoscale setting, which phift did not choose. digest: of the
    deployment; one with another digest has the usual name."""

    name: str
    digest: str
    setting: str | None = None


class StackLock(_Pin):
    """The pins of a stack; None where the spec itself pins the version. deployment: only of an imported one."""

    base_model: PinnedModel | None = None
    component: PinnedComponent | None = None
    data: PinnedData | None = None
    environment: PinnedAsset | None = None
    served_model: PinnedAsset | None = None
    deployment: PinnedDeployment | None = None

    def environment_for(self, requested: str) -> PinnedAsset | None:
        """Return the pinned environment if the reference in the spec is still the same."""
        return self.environment if self.environment and self.environment.requested == requested else None

    def served_for(self, requested: str) -> PinnedAsset | None:
        """Return the pinned model to serve if the reference in the spec is still the same."""
        return self.served_model if self.served_model and self.served_model.requested == requested else None

    def model_for(self, requested: str) -> PinnedModel | None:
        """Return the pinned base model if the reference in the spec is still the same."""
        return self.base_model if self.base_model and self.base_model.requested == requested else None

    def component_for(self, requested: str) -> PinnedComponent | None:
        """Return the pinned component if the reference in the spec is still the same."""
        return self.component if self.component and self.component.requested == requested else None

    def with_inputs(self, known: Mapping[str, dict[str, dict[str, Any]]]) -> "StackLock":
        """Return these pins, with the inputs of the component if they are known by its id."""
        pin = self.component
        if pin is None or pin.id not in known:
            return self
        return self.model_copy(update={"component": pin.model_copy(update={"inputs": known[pin.id]})})

    def plain(self) -> dict[str, Any]:
        """Return the pins as plain values. Without the inputs of the component: its version determines them."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"component": {"inputs"}})

    def merge(self, newer: "StackLock") -> "StackLock":
        """Return these pins, overridden by those of `newer`.

        Unknown keys of a block describe its pin: they are kept while the pin is unchanged.
        """
        pins: dict[str, Any] = {**(self.model_extra or {}), **(newer.model_extra or {})}
        for name in StackLock.model_fields:
            old, new = getattr(self, name), getattr(newer, name)
            if isinstance(old, PinnedData | PinnedComponent | PinnedAsset) and new is not None:
                new = old.kept_in(new)
            pins[name] = old if new is None or (old is not None and old.known == new.known) else new
        return StackLock.model_construct(**pins)


class Lock(BaseModel):
    """The content of a lock file: the pins by stack. id: 16 hex digits, empty before the first apply."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    version: Literal[1, 2] = NEWEST
    id: Annotated[str, Field(pattern="^([0-9a-f]{16})?$")] = ""
    stacks: dict[str, StackLock] = {}

    def stack(self, name: str) -> StackLock:
        """Return the pins of a stack; an empty value if it has none."""
        return self.stacks.get(name) or StackLock()

    @cached_property
    def inputs(self) -> Mapping[str, dict[str, dict[str, Any]]]:
        """The inputs of components by the id of the component."""
        return _inputs(self.stacks)

    def merge(self, pins: Mapping[str, StackLock], id: str = "") -> "Lock":
        """Return a copy with these pins (by stack) merged into it, and with this id if one is given."""
        stacks = {**self.stacks, **{name: self.stack(name).merge(newer) for name, newer in pins.items()}}
        held = _inputs(stacks)
        if lost := {key: value for key, value in self.inputs.items() if key not in held}:
            stacks = {name: one.with_inputs(lost) for name, one in stacks.items()}
        # Without an id, release 0.1.0 can still read the file.
        return Lock(version=NEWEST if id else self.version, id=id or self.id, stacks=stacks)

    def text(self) -> str:
        """Return the content of the file; equal pins have equal text."""
        body = self.model_dump(mode="json", exclude_none=True)
        return HEAD + "".join(yaml12.block_lines(sorted_body(body), one_line=_INPUTS))


def _inputs(stacks: Mapping[str, StackLock]) -> dict[str, dict[str, dict[str, Any]]]:
    pinned = (one.component for one in stacks.values())
    return {one.id: one.inputs for one in pinned if one is not None and one.inputs is not None}
