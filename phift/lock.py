"""The lock file: `phift.lock` next to the spec. It pins what is not pinned in the specs of the folder, by stack.

    version: 2
    id: 4f1d8c2ab07e9365
    stacks:
      quickstart:
        base_model:
          requested: azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest
          id: azureml://registries/azureml/models/Phi-3-mini-4k-instruct/versions/15
          version: "15"
          model_defaults:
            learning_rate: "5e-6"
        component:
          requested, id, version
          inputs:
            learning_rate: {type: number, default: 2.0e-05, optional: true}
        data:
          preparation: 1
          revisions: {train: 3d5f...}
        deployment:
          name, digest, setting

phift writes it; the author commits it. Stacks and model defaults are sorted, with one value per line, so that diffs are
readable. The file does not record newer versions.

id: random, created by the first apply. It identifies the objects of the stacks of this file in every clone, and after a
move or an export. Version 1, of release 0.1.0, has no id. Unknown keys inside `stacks` are kept unchanged.

inputs: the interface of the component, so that `phift validate` is exact without a network. Stacks with the same
component share the inputs of the first one that has them. Releases that do not know the key keep it.

deployment: the names that `phift import` found, see PinnedDeployment.
"""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, lru_cache, reduce
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from phift.diagnostics import Diagnostic, Mark, capped
from phift.errors import InvalidSpecError, PhiftError
from phift.files import LOCK_FILE, STATE_BYTES, read_regular, real, replace_text, repository_of
from phift.lock_layout import sorted_body
from phift.posix import fcntl
from phift.spec import yaml12
from phift.spec.diagnose import describe, diagnose
from phift.spec.tree import plain
from phift.startup import written_stacks

__all__ = [
    "LOCK_FILE",
    "Lock",
    "PinnedAsset",
    "PinnedComponent",
    "PinnedData",
    "PinnedDeployment",
    "PinnedModel",
    "StackLock",
    "lock_path",
    "read_lock",
    "settle_id",
    "update_lock",
    "write_lock",
]

_NEWEST: Final = 2
_INPUTS: Final = (3, "inputs")
_HEAD = "# What floats, pinned. Written by phift: commit it, and move the pins with `phift lock --upgrade`.\n"


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

    version: Literal[1, 2] = _NEWEST
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
        return Lock(version=_NEWEST if id else self.version, id=id or self.id, stacks=stacks)

    def text(self) -> str:
        """Return the content of the file; equal pins have equal text."""
        body = self.model_dump(mode="json", exclude_none=True)
        return _HEAD + "".join(yaml12.block_lines(sorted_body(body), one_line=_INPUTS))


def _inputs(stacks: Mapping[str, StackLock]) -> dict[str, dict[str, dict[str, Any]]]:
    pinned = (one.component for one in stacks.values())
    return {one.id: one.inputs for one in pinned if one is not None and one.inputs is not None}


def lock_path(spec: Path) -> Path:
    """Return the path of the lock file of a spec."""
    return spec.parent / LOCK_FILE


def read_lock(path: Path) -> Lock:
    """Return the content of a lock file; an empty lock if the file does not exist.

    Raises InvalidSpecError, with places, if it is not YAML, of another version, or invalid.
    """
    text = _content(path)
    if text is None:
        return Lock()
    if as_written := _as_written(text):
        return as_written
    root, found = yaml12.parse(text, str(path))
    if root is None or found:
        raise InvalidSpecError(_conflict(text, path) or capped([_with_remedy(d) for d in found]))
    version = root.child("version")
    if version is None or version.value not in (1, _NEWEST) or isinstance(version.value, bool):
        found_version = describe(version.value) if version else "none"
        summary = f"the lock file has version {found_version}; this release of phift reads versions 1 and {_NEWEST}"
        mark = version.mark if version else Mark(str(path))
        remedy = "Upgrade phift to the release that wrote it."
        raise InvalidSpecError([Diagnostic(summary, remedy=remedy, mark=mark, code="lock-version")])
    try:
        return Lock.model_validate(plain(root))
    except ValidationError as cause:
        raise InvalidSpecError(capped([_with_remedy(d) for d in diagnose(cause, root, Lock)])) from None


def _conflict(text: str, path: Path) -> list[Diagnostic]:
    """Return an error if the text contains merge conflict markers."""
    lines = text.splitlines()
    first = next((number for number, line in enumerate(lines, 1) if line.startswith("<<<<<<< ")), None)
    if first is None:
        return []
    remedy = "Keep either side's id and every stack of both sides; `phift lock` then completes the pins."
    mark = Mark(str(path), first, 1)
    summary = "the lock file has an unresolved merge conflict"
    return [Diagnostic(summary, remedy=remedy, mark=mark, code="lock-conflict")]


def _content(path: Path) -> str | None:
    """Return the text of the file, or None if it does not exist. Raises InvalidSpecError.

    A link must lead to a lock file of the same repository, because errors quote the content of a lock file.
    """
    try:
        whole = real(path)
        if not whole.is_relative_to(repository_of(path.parent)) or whole.suffix != path.suffix:
            summary = f"the lock file is a link to {whole}, which is not a lock file of this repository"
            raise InvalidSpecError([_with_remedy(Diagnostic(summary, mark=Mark(str(path)), code="file-outside"))])
        return read_regular(path, STATE_BYTES).decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        return None
    except OSError as cause:
        raise InvalidSpecError([_with_remedy(yaml12.unreadable(path, str(path), cause))]) from None
    except UnicodeDecodeError:
        found = Diagnostic("not UTF-8 text", mark=Mark(str(path)), code="yaml-encoding")
        raise InvalidSpecError([_with_remedy(found)]) from None


def _as_written(text: str) -> Lock | None:
    """Parse a file in the layout of `Lock.text`; None: parse it as general YAML."""
    written = written_stacks(text, _HEAD)
    if written is None or not 1 <= written.version <= _NEWEST:
        return None
    stacks: dict[str, StackLock] = {}
    for name, blocks in written.stacks:
        pins = _pins(tuple(blocks))
        if pins is None or name in stacks:
            return None
        stacks[name] = pins
    return Lock.model_construct(version=written.version, id=written.id, stacks=stacks)


@lru_cache(maxsize=1024)
def _pins(blocks: tuple[str, ...]) -> StackLock | None:
    """Return the pins of a stack, the same object for equal blocks; None if a block is invalid."""
    pins = [_block(block) for block in blocks]
    whole = reduce(StackLock.merge, filter(None, pins), StackLock())
    doubles = len(pins) > sum(pin is not None for _, pin in whole)
    return None if None in pins or doubles else whole


@lru_cache(maxsize=1024)
def _block(text: str) -> StackLock | None:
    """Return the pins of one block, such as `base_model`, given by its lines; None if it is invalid."""
    root, found = yaml12.parse(text, LOCK_FILE)
    if root is None or found:
        return None
    try:
        return StackLock.model_validate(plain(root))
    except ValidationError:
        return None


def write_lock(path: Path, lock: Lock) -> bool:
    """Replace the file atomically. Return False if it is already up to date.

    Raises PhiftError if it is not writable.
    """
    text = lock.text()
    try:
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return False
        replace_text(path, text)
    except OSError as cause:
        raise _unwritable(path, cause) from None
    return True


def update_lock(path: Path, pins: Mapping[str, StackLock], id: str = "") -> bool:
    """Merge pins (by stack) into the file, safely for concurrent writers. Return False if nothing changed.

    id: replaces the id of the file if given. Raises PhiftError if the file is not writable.
    """
    with _exclusive(path):
        return write_lock(path, read_lock(path).merge(pins, id))


def settle_id(path: Path, found: str) -> str:
    """Return the id of the file: `found` if given, its current one, or a new random one, which is written.

    Raises PhiftError if the file is not writable.
    """
    with _exclusive(path):
        lock = read_lock(path)
        # The first character is a letter, so that no tool reads the id as a number.
        id = found or lock.id or secrets.choice("abcdef") + secrets.token_hex(8)[1:]
        if id != lock.id:
            write_lock(path, lock.merge({}, id))
        return id


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Lock the folder against other phift processes."""
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as cause:
        raise _unwritable(path, cause) from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _unwritable(path: Path, cause: OSError) -> PhiftError:
    return PhiftError(
        f"cannot write {path}: {cause.strerror or cause}",
        remedy="Make it writable: it pins the versions that the spec leaves open.",
    )


def _with_remedy(found: Diagnostic) -> Diagnostic:
    return replace(found, remedy=found.remedy or "Restore it from version control.")
