"""Which spec files are meant: files, folders and globs."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from phift.errors import UsageError

__all__ = ["expand"]

_SUFFIXES = (".yaml", ".yml")
_KEY = re.compile(r"^[\"']?(version|name|extends)[\"']?\s*:", re.MULTILINE)


def expand(paths: Iterable[Path | str]) -> list[Path]:
    """The spec files that are meant: files as they are, folders with all below them, globs; each once, in order.

    In folders and globs only what names a stack counts: a lock file, or a base for others, is passed over.
    Raises UsageError where nothing is found.
    """
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        if path.is_dir():
            files: Sequence[Path] = [f for f in _below(path) if _is_spec(f)]
        elif path.exists() or not glob.has_magic(str(path)):
            files = [path]
        else:
            files = [f for f in map(Path, sorted(glob.glob(str(path), recursive=True))) if f.is_file() and _is_spec(f)]
        if not files:
            raise UsageError(f"no spec in {path}", remedy="A spec is a YAML file with version: 1 and name:.")
        for file in files:
            found.setdefault(os.path.realpath(file), file)
    return list(found.values())


def _below(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        yield from (Path(where) / name for name in sorted(files) if name.endswith(_SUFFIXES))


def _is_spec(path: Path) -> bool:
    try:
        keys = set(_KEY.findall(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        return False
    return "name" in keys and bool(keys & {"version", "extends"})
