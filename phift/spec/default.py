"""The spec of a command that names none: phift.yaml, or the only spec in the folder."""

from __future__ import annotations

import os
import re
from pathlib import Path

from phift.errors import UsageError
from phift.files import SPEC_BYTES, head_of_regular

__all__ = ["DEFAULT_SPEC", "default_spec", "defines_spec", "is_spec", "specs_here"]

DEFAULT_SPEC = "phift.yaml"
_SUFFIXES = (".yaml", ".yml")
_KEY = re.compile(r"^[\"']?([A-Za-z_]+)[\"']?\s*:[ \t]*([^\s#]*)", re.MULTILINE)
_DEFINES = ("base_model", "finetune", "model", "endpoint", "deployment", "targets")
_LISTED = 8


def default_spec(folder: Path = Path()) -> Path:
    """Return phift.yaml, or the only spec in the folder. Raises UsageError if there is none, or several."""
    found = [Path(DEFAULT_SPEC)] if os.path.isfile(folder / DEFAULT_SPEC) else specs_here(folder)
    if not found:
        raise UsageError(
            "SPEC is missing, and this folder does not contain a spec",
            remedy="Pass the path of a spec, or write a first one: phift init",
        )
    if len(found) > 1:
        shown = ", ".join(map(str, found[:_LISTED])) + (", ..." if len(found) > _LISTED else "")
        raise UsageError(
            f"SPEC is missing, and this folder contains several specs: {shown}",
            remedy=f"Pass one of them. A spec named {DEFAULT_SPEC} is the default.",
        )
    return found[0]


def specs_here(folder: Path = Path()) -> list[Path]:
    """Return the names of the specs in a folder, sorted. YAML files of other programs do not count."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(_SUFFIXES) and entry.is_file())
    except OSError:
        return []
    return [Path(name) for name in names if not name.startswith(".") and is_spec(folder / name)]


def is_spec(path: Path) -> bool:
    """Return whether a file is a spec, by its keys."""
    try:
        return defines_spec(head_of_regular(path, SPEC_BYTES))
    except OSError:
        return False


def defines_spec(content: bytes) -> bool:
    """Return whether the content of a file is a spec, by its keys."""
    keys = dict(_KEY.findall(content.decode(errors="ignore")))
    return "name" in keys and (
        "extends" in keys or (keys.get("version") == "1" and any(block in keys for block in _DEFINES))
    )
