"""The lock file: `phift.lock` beside the spec, which pins what floats, for every stack of that folder.

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
        component: {requested, id, version}
        data:
          preparation: 1
          revisions: {train: 3d5f...}

Written by phift, committed by the author. Stacks and model defaults are sorted, one value a line, so that its history
reads well. What is newer than a pin is no business of this file.

id: random, made by the first apply: with it the stacks of this file know their objects, wherever the file is cloned,
moved or exported to. Version 1, of release 0.1.0, has none. Keys inside `stacks` that this phift does not know are
kept as they are.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, reduce
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from phift.diagnostics import Diagnostic, Mark, capped
from phift.errors import InvalidSpecError, PhiftError
from phift.files import STATE_BYTES, read_regular, real, repository_of
from phift.spec import yaml12
from phift.spec.diagnose import describe, diagnose
from phift.spec.tree import plain
from phift.startup import written_stacks

__all__ = [
    "LOCK_FILE",
    "Lock",
    "PinnedComponent",
    "PinnedData",
    "PinnedModel",
    "StackLock",
    "lock_path",
    "read_lock",
    "settle_id",
    "update_lock",
    "write_lock",
]

LOCK_FILE = "phift.lock"
_NEWEST: Final = 2
_HEAD = "# What floats, pinned. Written by phift: commit it, and move the pins with `phift lock --upgrade`.\n"


class _Pin(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, strict=True, defer_build=True)

    @property
    def known(self) -> dict[str, Any]:
        """The fields that this phift knows."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class PinnedModel(_Pin):
    """The base model. requested: the reference that was resolved; the pin holds while the spec says the same.

    id: the asset's id with its version. model_defaults: the values of its model_specific_defaults, raw.
    """

    requested: str
    id: str
    version: str
    model_defaults: dict[str, str | int | float | bool] = {}


class PinnedComponent(_Pin):
    """The component. requested, id, version: as of the base model."""

    requested: str
    id: str
    version: str


class PinnedData(_Pin):
    """preparation: the version of phift's data preparation. hub: by split, what the hub's data set was resolved to (see
    phift.data.hub.pins). addresses: by split, what lies at an address (see phift.data.addresses). assets: by split, the
    version that the label of a data asset was resolved to. checks: by split, what the checks of its rows found.
    revisions: of release 0.1.0, never used.
    """

    preparation: int
    revisions: dict[str, str] = {}
    hub: dict[str, dict[str, Any]] | None = None
    addresses: dict[str, dict[str, Any]] | None = None
    assets: dict[str, dict[str, str]] | None = None
    checks: dict[str, dict[str, Any]] | None = None

    def kept_in(self, newer: "PinnedData") -> "PinnedData":
        """`newer`, with the checks of this that it does not have: whoever wrote it may not have seen them, and a check
        names the rows that it was made of."""
        checks = {**(self.checks or {}), **(newer.checks or {})}
        return newer.model_copy(update={"checks": dict(sorted(checks.items())) or None})


class StackLock(_Pin):
    """What is pinned for one stack; None where nothing floats."""

    base_model: PinnedModel | None = None
    component: PinnedComponent | None = None
    data: PinnedData | None = None

    def model_for(self, requested: str) -> PinnedModel | None:
        """The pinned base model, if the spec still asks for the same."""
        return self.base_model if self.base_model and self.base_model.requested == requested else None

    def component_for(self, requested: str) -> PinnedComponent | None:
        """The pinned component, if the spec still asks for the same."""
        return self.component if self.component and self.component.requested == requested else None

    def merge(self, newer: "StackLock") -> "StackLock":
        """Its own pins, with those that `newer` has in their place.

        Keys of a block that this phift does not know describe what the block pins: they stay as long as that does.
        """
        pins: dict[str, Any] = {**(self.model_extra or {}), **(newer.model_extra or {})}
        for name in StackLock.model_fields:
            old, new = getattr(self, name), getattr(newer, name)
            if isinstance(old, PinnedData) and new is not None:
                new = old.kept_in(new)
            pins[name] = old if new is None or (old is not None and old.known == new.known) else new
        return StackLock.model_construct(**pins)


class Lock(BaseModel):
    """A lock file's content: the pins by stack. id: 16 hex digits, empty before the first apply."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    version: Literal[1, 2] = _NEWEST
    id: Annotated[str, Field(pattern="^([0-9a-f]{16})?$")] = ""
    stacks: dict[str, StackLock] = {}

    def stack(self, name: str) -> StackLock:
        """The pins of a stack; none when it has none."""
        return self.stacks.get(name) or StackLock()

    def merge(self, pins: Mapping[str, StackLock], id: str = "") -> "Lock":
        """The same with these pins, by stack, merged into it, and with this id where one is given."""
        return Lock(
            # Without an id, release 0.1.0 can still read what it wrote.
            version=_NEWEST if id else self.version,
            id=id or self.id,
            stacks={**self.stacks, **{name: self.stack(name).merge(newer) for name, newer in pins.items()}},
        )

    def text(self) -> str:
        """The file's content, the same for the same pins."""
        body = self.model_dump(mode="json", exclude_none=True)
        return _HEAD + "".join(_lines(_sorted(body)))


def lock_path(spec: Path) -> Path:
    """Where the lock file of a spec is."""
    return spec.parent / LOCK_FILE


def read_lock(path: Path) -> Lock:
    """The lock file's content; an empty lock when there is no file.

    Raises InvalidSpecError, with places, when it is not YAML, of another version, or not what phift writes.
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
        said = describe(version.value) if version else "none"
        summary = f"the lock file has version {said}; this phift reads versions 1 and {_NEWEST}"
        mark = version.mark if version else Mark(str(path))
        raise InvalidSpecError(
            [Diagnostic(summary, remedy="Upgrade phift to the release that wrote it.", mark=mark, code="lock-version")]
        )
    try:
        return Lock.model_validate(plain(root))
    except ValidationError as cause:
        raise InvalidSpecError(capped([_with_remedy(d) for d in diagnose(cause, root, Lock)])) from None


def _conflict(text: str, path: Path) -> list[Diagnostic]:
    """What to do about the marks that a merge of two branches left; nothing where there are none."""
    lines = text.splitlines()
    first = next((number for number, line in enumerate(lines, 1) if line.startswith("<<<<<<< ")), None)
    if first is None:
        return []
    remedy = "Keep either side's id and every stack of both sides; `phift lock` then completes the pins."
    mark = Mark(str(path), first, 1)
    return [
        Diagnostic("the lock file has an unresolved merge conflict", remedy=remedy, mark=mark, code="lock-conflict")
    ]


def _content(path: Path) -> str | None:
    """The text of the file; None where there is none. Raises InvalidSpecError.

    A link may lead to another lock file of the repository and nowhere else: what is wrong with a lock file is quoted.
    """
    try:
        whole = real(path)
        if not whole.is_relative_to(repository_of(path.parent)) or whole.suffix != path.suffix:
            summary = f"the lock file is a link to {whole}, which is not a lock file in this repository"
            raise InvalidSpecError([_with_remedy(Diagnostic(summary, mark=Mark(str(path)), code="file-outside"))])
        return read_regular(path, STATE_BYTES).decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        return None
    except OSError as cause:
        raise InvalidSpecError([_with_remedy(yaml12.unreadable(path, str(path), cause))]) from None
    except UnicodeDecodeError:
        raise InvalidSpecError(
            [_with_remedy(Diagnostic("not UTF-8 text", mark=Mark(str(path)), code="yaml-encoding"))]
        ) from None


def _as_written(text: str) -> Lock | None:
    """The content of a file that is laid out as `Lock.text` does it; None: it must be read as any YAML."""
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
    """The pins of a stack, the same object for the same blocks; None where there is something wrong."""
    pins = [_block(block) for block in blocks]
    whole = reduce(StackLock.merge, filter(None, pins), StackLock())
    doubles = len(pins) > sum(pin is not None for _, pin in whole)
    return None if None in pins or doubles else whole


@lru_cache(maxsize=1024)
def _block(text: str) -> StackLock | None:
    """The pins of one block, `base_model` say, with its lines; None where there is something wrong."""
    root, found = yaml12.parse(text, LOCK_FILE)
    if root is None or found:
        return None
    try:
        return StackLock.model_validate(plain(root))
    except ValidationError:
        return None


def write_lock(path: Path, lock: Lock) -> bool:
    """Replaces the file atomically; False when it says the same already. Raises PhiftError when it cannot."""
    text = lock.text()
    try:
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return False
        _replace(path, text)
    except OSError as cause:
        raise _unwritable(path, cause) from None
    return True


def update_lock(path: Path, pins: Mapping[str, StackLock], id: str = "") -> bool:
    """Merges pins, by stack, into the file, which others may be writing too; False: nothing changed.

    id: to take the place of the file's own, where one is given. Raises PhiftError where it cannot be written.
    """
    with _exclusive(path):
        return write_lock(path, read_lock(path).merge(pins, id))


def settle_id(path: Path, found: str) -> str:
    """The id of the file: `found` where given, else the one it has, else a random one, which is written.

    Raises PhiftError where it cannot be written.
    """
    with _exclusive(path):
        lock = read_lock(path)
        # Beginning with a letter, no tool takes it for a number.
        id = found or lock.id or secrets.choice("abcdef") + secrets.token_hex(8)[1:]
        if id != lock.id:
            write_lock(path, lock.merge({}, id))
        return id


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Holds the folder against other phift processes."""
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as cause:
        raise _unwritable(path, cause) from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _unwritable(path: Path, cause: OSError) -> PhiftError:
    return PhiftError(
        f"cannot write {path}: {cause.strerror or cause}", remedy="It holds the pins of what floats: make it writable."
    )


def _with_remedy(found: Diagnostic) -> Diagnostic:
    remedy = found.remedy or "Restore it from version control."
    return Diagnostic(found.summary, remedy=remedy, mark=found.mark, path=found.path, code=found.code)


def _sorted(body: Mapping[str, Any]) -> dict[str, Any]:
    stacks = {name: dict(pins) for name, pins in sorted(body["stacks"].items())}
    for pins in stacks.values():
        for block, key in (("base_model", "model_defaults"), ("data", "revisions")):
            if block in pins:
                pins[block] = {**pins[block], key: dict(sorted(pins[block][key].items()))}
    head = {"version": body["version"], **({"id": body["id"]} if body["id"] else {})}
    return {**head, "stacks": stacks}


def _lines(values: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    for key, value in values.items():
        start = f"{'  ' * depth}{yaml12.flow_key(key)}:"
        if isinstance(value, Mapping) and value:
            yield f"{start}\n"
            yield from _lines(value, depth + 1)
        else:
            yield f"{start} {yaml12.flow(value)}\n"
