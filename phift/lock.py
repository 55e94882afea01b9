"""The lock file: `phift.lock` beside the spec, which pins what floats, for every stack of that folder.

    version: 1
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
"""

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from phift.diagnostics import Diagnostic, Mark, capped
from phift.errors import InvalidSpecError, PhiftError
from phift.files import STATE_BYTES, read_regular, real, repository_of
from phift.spec import yaml12
from phift.spec.diagnose import describe, diagnose
from phift.spec.tree import plain

__all__ = [
    "LOCK_FILE",
    "Lock",
    "PinnedComponent",
    "PinnedData",
    "PinnedModel",
    "StackLock",
    "lock_path",
    "read_lock",
    "update_lock",
    "update_locks",
    "write_lock",
]

LOCK_FILE = "phift.lock"
_VERSION = 1
_HEAD = "# What floats, pinned. Written by phift: commit it, and move the pins with `phift lock --upgrade`.\n"

_BLOCK = re.compile(r"    [a-z]\S*:\n(?:      .*\n)+")
_STACK = re.compile(rf"  ([a-z][a-z0-9-]*):\n((?:{_BLOCK.pattern})+)")
_STACKS = re.compile(rf"(?:{_STACK.pattern})+")


class _Pin(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


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
    """preparation: the version of phift's data preparation; revisions: the data set's commit, by split."""

    preparation: int
    revisions: dict[str, str] = {}


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
        """Its own pins, with those that `newer` has in their place."""
        return StackLock(
            base_model=newer.base_model or self.base_model,
            component=newer.component or self.component,
            data=newer.data or self.data,
        )


class Lock(_Pin):
    """A lock file's content: the pins by stack."""

    version: Literal[1] = 1
    stacks: dict[str, StackLock] = {}

    def stack(self, name: str) -> StackLock:
        """The pins of a stack; none when it has none."""
        return self.stacks.get(name) or StackLock()

    def merge(self, name: str, pins: StackLock) -> "Lock":
        """The same with these pins merged into those of a stack."""
        return Lock(stacks={**self.stacks, name: self.stack(name).merge(pins)})

    def without(self, name: str) -> "Lock":
        """The same without that stack."""
        return Lock(stacks={key: pins for key, pins in self.stacks.items() if key != name})

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
        raise InvalidSpecError(capped([_with_remedy(d) for d in found]))
    version = root.child("version")
    if version is None or version.value != _VERSION or isinstance(version.value, bool):
        said = describe(version.value) if version else "none"
        summary = f"the lock file has version {said}; this phift reads version {_VERSION}"
        mark = version.mark if version else Mark(str(path))
        raise InvalidSpecError(
            [Diagnostic(summary, remedy="Use the phift that wrote it.", mark=mark, code="lock-version")]
        )
    try:
        return Lock.model_validate(plain(root))
    except ValidationError as cause:
        raise InvalidSpecError(capped([_with_remedy(d) for d in diagnose(cause, root, Lock)])) from None


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
    """The content of a file that is laid out as `Lock.text` does it; None: it must be read as any YAML.

    Stacks of one folder mostly pin the same model and component: each different block is parsed once, which makes a
    file of a thousand stacks a matter of milliseconds.
    """
    start = f"{_HEAD}version: {_VERSION}\nstacks:\n"
    if not text.startswith(start) or not _STACKS.fullmatch(text, len(start)):
        return None
    stacks: dict[str, StackLock] = {}
    for name, blocks in _STACK.findall(text, len(start)):
        pins = [_block(block) for block in _BLOCK.findall(blocks)]
        whole = reduce(StackLock.merge, filter(None, pins), StackLock())
        if name in stacks or None in pins or len(pins) > len(whole.model_dump(exclude_none=True)):
            return None
        stacks[name] = whole
    return Lock.model_construct(stacks=stacks)


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


def update_lock(path: Path, name: str, pins: StackLock) -> bool:
    """Merges the pins of one stack into the file, which others may be writing too; False: nothing changed."""
    return update_locks(path, {name: pins})


def update_locks(path: Path, pins: Mapping[str, StackLock]) -> bool:
    """The same for many stacks, in one write."""
    with _exclusive(path):
        lock = read_lock(path)
        return write_lock(path, Lock(stacks={**lock.stacks, **{n: lock.stack(n).merge(p) for n, p in pins.items()}}))


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
    remedy = found.remedy or "Restore it from version control, or remove it to pin anew."
    return Diagnostic(found.summary, remedy=remedy, mark=found.mark, path=found.path, code=found.code)


def _sorted(body: Mapping[str, Any]) -> dict[str, Any]:
    stacks = {name: dict(pins) for name, pins in sorted(body["stacks"].items())}
    for pins in stacks.values():
        for block, key in (("base_model", "model_defaults"), ("data", "revisions")):
            if block in pins:
                pins[block] = {**pins[block], key: dict(sorted(pins[block][key].items()))}
    return {"version": body["version"], "stacks": stacks}


def _lines(values: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    for key, value in values.items():
        start = f"{'  ' * depth}{yaml12.flow_key(key)}:"
        if isinstance(value, Mapping) and value:
            yield f"{start}\n"
            yield from _lines(value, depth + 1)
        else:
            yield f"{start} {yaml12.flow(value)}\n"
