"""Expansion of files, folders and globs to spec files."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable
from pathlib import Path

from phift.errors import UsageError
from phift.files import SPEC_BYTES, head_of_regular
from phift.spec.matrix import MAX_STACKS

__all__ = ["expand"]

_SUFFIXES = (".yaml", ".yml")
_KEY = r"^[\"']?(version|name|extends)[\"']?\s*:"


def expand(paths: Iterable[Path | str], most: int = MAX_STACKS) -> list[Path]:
    """Expand files, folders (recursively) and globs to spec files, each once, in order.

    In folders and globs, skip files that do not name a stack, such as lock files and base specs.
    Raises UsageError if no specs or more than `most` specs are found, or if too many files would have to be read.
    """
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        files = [path] if _is_one(path) else _several(path)
        if not files:
            raise UsageError(f"no spec found in {path}", remedy="A spec is a YAML file with version: 1 and name:.")
        for file in files:
            found.setdefault(os.path.realpath(file), file)
            if len(found) > most:
                remedy = "Pass fewer files, or raise the limit: --max-stacks N."
                raise UsageError(f"more than {most} specs found; a run has at most {most} stacks", remedy=remedy)
    return list(found.values())


def _is_one(path: Path) -> bool:
    """Return whether a path means a single file, existing or not, and not a folder or a glob."""
    return not os.path.isdir(path) and (os.path.lexists(path) or not glob.has_magic(str(path)))


def _several(path: Path) -> list[Path]:
    """Return the specs of a folder or a glob. Raises UsageError."""
    from phift.globs import TooManyFilesError, below, matches

    try:
        if os.path.isdir(path):
            files = [Path(name) for name in below(str(path)) if name.endswith(_SUFFIXES)]
        else:
            files = [Path(name) for name in matches(str(path))]
    except TooManyFilesError as error:
        raise UsageError(str(error), remedy="Pass a folder closer to the specs.") from None
    return [file for file in files if os.path.isfile(file) and _is_spec(file)]


def _is_spec(path: Path) -> bool:
    try:
        text = head_of_regular(path, SPEC_BYTES).decode(errors="ignore")  # a longer one is rejected when it is read
    except OSError:
        return False
    keys = set(re.findall(_KEY, text, re.MULTILINE))
    return "name" in keys and bool(keys & {"version", "extends"})
