"""Reading of the files of a spec: itself, its base specs and variable files. All must be in one repository."""

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
    """Return the folder that must contain all files of a spec: its repository or, without Git, the parent folder.

    Raises OSError for an invalid file name.
    """
    return repository_of(path.parent)


def read_spec(path: Path, room: Room) -> tuple[Node | None, list[Diagnostic]]:
    """Return the tree of a spec on the command line. It can be anywhere; a link must not leave its repository."""
    name = str(path)
    try:
        if os.path.islink(path) and (wrong := _misplaced(path, home_of(path), name)):
            return None, [wrong]
    except (OSError, ValueError) as cause:
        return None, [yaml12.unreadable(path, name, cause if isinstance(cause, OSError) else OSError(str(cause)))]
    return yaml12.read(path, name=name, room=room)


def read_within(path: Path, home: Path, name: str, room: Room | None = None) -> tuple[Node | None, list[Diagnostic]]:
    """Return the tree of a base spec or variable file.

    The file must be in `home` and have a YAML extension. Other files are never read, so errors cannot quote them.
    """
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
