"""The lock file on disk: where it is, how it is read, and how it is written by several processes."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache, reduce
from pathlib import Path

from pydantic import ValidationError

from phift.diagnostics import Diagnostic, Mark, capped
from phift.errors import InvalidSpecError, PhiftError
from phift.files import LOCK_FILE, STATE_BYTES, read_regular, real, replace_text, repository_of
from phift.lock.content import HEAD, NEWEST, Lock, StackLock
from phift.posix import fcntl
from phift.spec import yaml12
from phift.spec.diagnose import describe, diagnose
from phift.spec.tree import plain
from phift.startup import written_stacks

__all__ = ["lock_path", "read_lock", "settle_id", "update_lock", "write_lock"]


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
    if version is None or version.value not in (1, NEWEST) or isinstance(version.value, bool):
        found_version = describe(version.value) if version else "none"
        summary = f"the lock file has version {found_version}; this release of phift reads versions 1 and {NEWEST}"
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
    written = written_stacks(text, HEAD)
    if written is None or not 1 <= written.version <= NEWEST:
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
