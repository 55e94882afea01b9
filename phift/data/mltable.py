"""Parse the file `MLTable` of a data asset of that type: its files and how to read them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from phift.data.remote import invalid
from phift.spec import yaml12
from phift.spec.tree import plain

__all__ = ["MLTABLE", "Table", "TablePath", "literal_folder", "matcher", "read_table"]

MLTABLE = "MLTable"
_KINDS = ("file", "folder", "pattern")
_READS = {"read_json_lines": "jsonl", "read_json": "json", "read_parquet": "parquet", "read_delimited": "csv"}
_UTF8 = ("utf8", "utf-8", "ascii")
_ANY = ("include_path_column", "infer_column_types", "support_multi_line", "support_multiline", "empty_as_string",
        "partition_size")  # fmt: skip
"""Options without an effect on the text that phift reads."""
_VALUES: dict[str, tuple[Any, ...]] = {
    "encoding": _UTF8,
    "invalid_lines": ("error",),
    "header": ("all_files_same_headers", "all_files_different_headers"),
}
_MOST_PATHS = 1000


@dataclass(frozen=True)
class TablePath:
    """kind: file, folder or pattern. value: relative to the folder of the MLTable file, or an address."""

    kind: str
    value: str


@dataclass(frozen=True)
class Table:
    """format: a value of FORMATS."""

    paths: tuple[TablePath, ...]
    format: str


def read_table(content: bytes, asked: str) -> Table:
    """Parse an MLTable file. asked: the asset, for messages.

    Raises InvalidSpecError if it is not an MLTable file, or has an unsupported transformation or option.
    """
    try:
        root, found = yaml12.parse(content.decode("utf-8-sig"), MLTABLE)
    except UnicodeDecodeError:
        raise _wrong(asked, "is not UTF-8 text") from None
    body = plain(root) if root is not None and not found else None
    if not isinstance(body, Mapping):
        raise _wrong(asked, "is not a YAML mapping")
    paths, steps = body.get("paths"), body.get("transformations")
    if not isinstance(paths, list) or not paths or len(paths) > _MOST_PATHS:
        raise _wrong(asked, f"needs `paths`, a list of 1 to {_MOST_PATHS} files, folders or patterns")
    if not isinstance(steps, list) or not steps:
        raise _wrong(asked, f"needs `transformations` with one of {', '.join(_READS)}")
    format = ""
    for step in steps:
        name, options = _step(step, asked)
        if name not in _READS or format:
            known = ", ".join(_READS)
            raise invalid(
                "mltable",
                f"{asked}: unsupported transformation {name} in its MLTable file",
                f"The table must have exactly one of {known}. Otherwise, write the rows to a file.",
                "asset",
            )
        format = _format(name, options, asked)
    return Table(tuple(_path(path, asked) for path in paths), format)


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return whether a blob's name matches a pattern; `*` matches within a folder, `**` matches sub-folders."""
    parts = [None if part == "**" else re.compile(fnmatch.translate(part)) for part in pattern.split("/")]

    def fits(name: str) -> bool:
        # Possible positions in the pattern after the parts so far.
        reached = _skipped({0}, parts)
        for piece in name.split("/"):
            following = set()
            for at in reached:
                if at < len(parts):
                    part = parts[at]
                    if part is None:
                        following.add(at)
                    elif part.match(piece):
                        following.add(at + 1)
            reached = _skipped(following, parts)
        return len(parts) in reached

    return fits


def literal_folder(pattern: str) -> str:
    """Return the prefix of a pattern's blobs: its folders before the first wildcard, with a trailing slash."""
    parts = pattern.split("/")
    count = next((n for n, part in enumerate(parts[:-1]) if re.search(r"[*?\[]", part)), len(parts) - 1)
    return "".join(f"{part}/" for part in parts[:count])


def _skipped(reached: set[int], parts: list[re.Pattern[str] | None]) -> set[int]:
    """Add the positions after a `**`, which may match no folder."""
    found = set(reached)
    for at in sorted(reached):
        while at < len(parts) and parts[at] is None:
            at += 1
            found.add(at)
    return found


def _step(step: Any, asked: str) -> tuple[str, Mapping[str, Any]]:
    if isinstance(step, str):
        return str(step), {}
    if isinstance(step, Mapping) and len(step) == 1:
        (name, options) = next(iter(step.items()))
        if options is None or isinstance(options, Mapping):
            return str(name), options or {}
        return str(name), {"": options}
    raise _wrong(asked, "has a transformation that is not a name with options")


def _format(name: str, options: Mapping[str, Any], asked: str) -> str:
    format = _READS[name]
    for key, value in options.items():
        if key == "delimiter" and name == "read_delimited" and value in (",", "\t"):
            format = "tsv" if value == "\t" else "csv"
            continue
        if key in _VALUES and (value.lower() if isinstance(value, str) else value) in _VALUES[key]:
            continue
        if key in _ANY:
            continue
        said = f"{name}: {{{key}: {str(value)[:60]!r}}}" if key else f"{name}: {str(value)[:60]!r}"
        known = "; ".join(f"{k}: {' or '.join(map(str, v))}" for k, v in _VALUES.items())
        remedy = f"Supported: UTF-8 text, delimited by commas or tabs, with column names in the first line ({known})."
        raise invalid("mltable", f"{asked}: unsupported option {said} in its MLTable file", remedy, "asset")
    return format


def _path(path: Any, asked: str) -> TablePath:
    if isinstance(path, Mapping) and len(path) == 1:
        (kind, value) = next(iter(path.items()))
        if kind in _KINDS and isinstance(value, str) and value.strip():
            return TablePath(str(kind), str(value))
    raise _wrong(asked, "has a path that is not {file: ...}, {folder: ...} or {pattern: ...}")


def _wrong(asked: str, what: str) -> Exception:
    return invalid(
        "mltable", f"{asked}: its file MLTable {what}", "Fix it, and create a new version of the asset.", "asset"
    )
