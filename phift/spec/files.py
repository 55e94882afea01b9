"""Which spec files are meant: files, folders and globs."""

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
    """The spec files that are meant: files as they are, folders with all below them, globs; each once, in order.

    In folders and globs only what names a stack counts: a lock file, or a base for others, is passed over.
    Raises UsageError where nothing is found, or more than `most` specs are, or too much would have to be looked at.
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
    """Whether it is one file, there or not, and neither a folder nor a glob."""
    return not os.path.isdir(path) and (os.path.lexists(path) or not glob.has_magic(str(path)))


def _several(path: Path) -> list[Path]:
    """The specs of a folder or a glob. Raises UsageError."""
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
        text = head_of_regular(path, SPEC_BYTES).decode(errors="ignore")  # a longer one is refused when it is read
    except OSError:
        return False
    keys = set(re.findall(_KEY, text, re.MULTILINE))
    return "name" in keys and bool(keys & {"version", "extends"})
