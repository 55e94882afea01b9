"""A spec written from what exists in a workspace, and the files that it is written to."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from phift.azure.session import Azure
from phift.diagnostics import nearest
from phift.errors import PhiftError, UsageError
from phift.files import create_text
from phift.kinds.shared.wire import READ
from phift.lock import StackLock, lock_path, read_lock, update_lock
from phift.spec.document import NAME_PATTERN

__all__ = ["LOCAL", "ImportedSpec", "nothing_named", "stack_name", "targets_of", "write_imported"]

LOCAL = "local"
"""The target that is the emulator."""

_LISTED = 200
"""Objects of a workspace to look for a similar name in."""


@dataclass(frozen=True)
class ImportedSpec:
    """A spec that describes what exists. text: of the file. stack: its name. remark: what its first apply does, as a
    sentence. pins: for the lock file. notes: what the author should know, such as what the spec leaves out."""

    text: str = field(repr=False)
    stack: str
    remark: str
    pins: StackLock
    notes: tuple[str, ...] = ()

    @property
    def locked(self) -> bool:
        """Whether the lock file contains pins of the stack."""
        return self.pins != StackLock()


def stack_name(given: str | None, default: str) -> str:
    """Return the name of a stack: the given one, or one derived from another name. Raises UsageError."""
    if given is not None:
        if not re.fullmatch(NAME_PATTERN, given):
            raise UsageError(
                f"--name {given}: not the name of a stack",
                remedy="Use 2 to 24 lower-case letters, digits and dashes, starting with a letter.",
            )
        return given
    derived = re.sub(r"-{2,}", "-", re.sub(r"[^a-z0-9]", "-", default.lower())).lstrip("-0123456789")[:24].rstrip("-")
    return derived if re.fullmatch(NAME_PATTERN, derived) else "imported"


def nothing_named(azure: Azure, noun: str, name: str, collection: str, command: str) -> UsageError:
    """Return the error for an object that does not exist, with the most similar one of the workspace.

    collection: the path of the list. command: of `az ml`, that shows it.
    """
    known = [str(one["name"]) for one in islice(azure.arm.list(collection, READ), _LISTED)]
    near = nearest(name, known, cutoff=0.8)
    where = "the emulator" if azure.local else f"workspace {azure.workspace.label}"
    remedy = f"Did you mean {near}?" if near else f"To list what exists, run `{command}`."
    return UsageError(f"{noun} {name} not found in {where}", remedy=remedy)


def targets_of(azure: Azure, target: str) -> dict[str, Any]:
    """Return the block `targets` with the workspace of a session."""
    if target == LOCAL:
        return {LOCAL: {"default": True}}
    here = azure.workspace
    workspace = {
        "subscription_id": here.subscription_id,
        "resource_group": here.resource_group,
        "name": here.name,
    }
    return {target: {"default": True, "workspace": workspace}}


def _require_free(path: Path, stack: str) -> None:
    """Raise UsageError if a spec cannot be written to a path. Raises InvalidSpecError for an invalid lock file."""
    if os.path.lexists(path):
        raise UsageError(f"{path} exists", remedy="Choose another file: --out FILE.")
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: {path.parent} is not a folder")
    if stack in read_lock(lock_path(path)).stacks:
        raise UsageError(
            f"{lock_path(path)} already has a stack {stack}",
            remedy="Choose another name for the stack, --name NAME, or another folder, --out FOLDER/FILE.",
        )


def write_imported(path: Path, found: ImportedSpec) -> None:
    """Write the spec to a new file, and its pins to the lock file next to it.

    Raises UsageError if something has the name, or if the lock file has pins of a stack of the same name, PhiftError if
    a file cannot be written, and InvalidSpecError for an invalid lock file. The spec is then not written.
    """
    _require_free(path, found.stack)
    try:
        create_text(path, found.text)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None
    if not found.locked:
        return
    try:
        update_lock(lock_path(path), {found.stack: found.pins})
    except PhiftError:
        path.unlink()
        raise
