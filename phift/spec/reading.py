"""The files that make up a spec: itself, what it extends, variable files. All lie in one repository."""

from __future__ import annotations

import os
from pathlib import Path

from phift.diagnostics import Diagnostic, Mark
from phift.files import is_within, real, repository_of
from phift.spec import yaml12
from phift.spec.tree import Node
from phift.spec.yaml12 import Room

__all__ = ["home_of", "read_spec", "read_within"]

_SUFFIXES = (".yaml", ".yml", ".json")


def home_of(path: Path) -> Path:
    """The folder that everything a spec is made of must lie in: its repository, or, without Git, the folder above its
    own. Raises OSError for a name that no file can have."""
    return repository_of(path.parent)


def read_spec(path: Path, room: Room) -> tuple[Node | None, list[Diagnostic]]:
    """The tree of the spec that was asked for. It may lie anywhere; a link must not lead out of its repository."""
    name = str(path)
    try:
        if os.path.islink(path) and (wrong := _misplaced(path, home_of(path), name)):
            return None, [wrong]
    except (OSError, ValueError) as cause:
        return None, [yaml12.unreadable(path, name, cause if isinstance(cause, OSError) else OSError(str(cause)))]
    return yaml12.read(path, name=name, room=room)


def read_within(path: Path, home: Path, name: str, room: Room | None = None) -> tuple[Node | None, list[Diagnostic]]:
    """The tree of a file that a spec or the command line names beside the spec; only of one in `home`, and only of one
    named as YAML: nothing of any other file is ever read, let alone told."""
    try:
        if wrong := _misplaced(path, home, name):
            return None, [wrong]
    except OSError as cause:
        return None, [yaml12.unreadable(path, name, cause)]
    return yaml12.read(path, name=name, room=room)


def _misplaced(path: Path, home: Path, name: str) -> Diagnostic | None:
    if not is_within(path, home):
        return Diagnostic(
            f"{name} is outside {home}",
            remedy="Base specs and variable files must be in the same repository as the spec (without Git: in its "
            "folder or the parent folder). Copy the file there.",
            mark=Mark(name),
            code="file-outside",
        )
    if real(path).suffix.lower() not in _SUFFIXES:
        return Diagnostic(
            f"{name} does not have the extension of a YAML file",
            remedy=f"The name of the file, and that of a link target, must end in {', '.join(_SUFFIXES)}.",
            mark=Mark(name),
            code="file-suffix",
        )
    return None
