"""Data sources and their identity before rows are read.

A source is a mapping whose only known key is its kind: `{path: data/*.jsonl}`. Local files are identified by their
content: renaming or moving a file does not matter, changing a byte does.
"""

import glob
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phift.diagnostics import Diagnostic, Mark
from phift.digest import file_digest
from phift.errors import InvalidSpecError
from phift.files import is_within, real
from phift.globs import TooManyFilesError, matches

if TYPE_CHECKING:
    from phift.data.hub.pins import HubSplit
    from phift.data.remote import RemoteFiles

__all__ = [
    "FORMATS",
    "KNOWN_SUFFIXES",
    "SourceFile",
    "SourceIdentity",
    "format_named",
    "identify",
    "is_packed",
    "remedy_for",
]

_MOST_FILES = 10_000

_TEXT = ("jsonl", "json", "csv", "tsv")
_CODECS = ("gz", "zst")

FORMATS = {
    **{f".{text}": text for text in _TEXT},
    ".parquet": "parquet",
    **{f".{text}.{codec}": f"{text}.{codec}" for text in _TEXT for codec in _CODECS},
}
"""Formats by suffix. A compressed file is a separate format: its identity is that of its compressed bytes."""

KNOWN_SUFFIXES = ".jsonl, .json, .csv, .tsv (optionally followed by .gz or .zst), .parquet"
"""FORMATS for messages."""
_INSTEAD = {
    ".ndjson": "Use the suffix .jsonl for JSON Lines.",
    ".xlsx": "Save the sheet as CSV (UTF-8, commas).",
    ".xls": "Save the sheet as CSV (UTF-8, commas).",
    ".gz": "Include the format in the name, as in train.jsonl.gz.",
    ".zst": "Include the format in the name, as in train.jsonl.zst.",
    ".zip": "Unpack it, or compress the file with gzip or zstd.",
    ".bz2": "Compress it with gzip or zstd.",
    ".xz": "Compress it with gzip or zstd.",
    ".tgz": "Unpack it: phift does not read archives.",
    ".tar": "Unpack it: phift does not read archives.",
    ".arrow": "Write it as Parquet.",
}


@dataclass(frozen=True)
class SourceFile:
    """One file: its path, format (a value of FORMATS), size in bytes, SHA-256 (64 hex).

    modified: its modification time when it was digested, in nanoseconds; not part of the identity.
    """

    path: Path
    format: str
    size: int
    digest: str
    modified: int = field(default=0, compare=False)


@dataclass(frozen=True)
class SourceIdentity:
    """An identified source. files: in row order. hub: a split of the Hugging Face hub instead of local files.
    remote: remote files instead of local ones."""

    files: tuple[SourceFile, ...]
    hub: "HubSplit | None" = None
    remote: "RemoteFiles | None" = None

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats of the files; empty for the hub."""
        return self.remote.formats if self.remote else tuple(file.format for file in self.files)

    @property
    def named(self) -> tuple[tuple[str, SourceFile], ...]:
        """The local files with their names for messages."""
        return tuple((str(file.path), file) for file in self.files)

    @property
    def size(self) -> int:
        """Total bytes."""
        if self.remote:
            return self.remote.size
        return self.hub.size if self.hub else sum(file.size for file in self.files)

    def plain(self) -> dict[str, object]:
        """The entries for the recipe: formats and digests without names, so that a file can be moved."""
        if self.remote:
            return self.remote.plain()
        files: list[dict[str, Any]] = [{"format": f.format, "sha256": f.digest} for f in self.files]
        return {"kind": "file", "files": self.hub.contents() if self.hub else files}

    def __str__(self) -> str:
        """Return text for people: the split, the asset or the address, or the first file."""
        if self.remote:
            return str(self.remote)
        return f"hub {self.hub}" if self.hub else str(self.files[0].path) if self.files else "nothing"


def identify(source: Mapping[str, object], base: Path, root: Path | None = None) -> SourceIdentity:
    """Identify the files of `source`. Paths are relative to `base`, the folder of the spec. root: the folder that must
    contain all files, with links followed; None: no restriction.

    Digests every byte once, without parsing. Raises InvalidSpecError if a file does not exist, is empty, unreadable or
    outside `root`, or has an unknown suffix.
    """
    for key, finder in _KINDS.items():
        if source.get(key) is not None:
            return finder(str(source[key]), base, root)
    known = ", ".join(f"`{key}:`" for key in _KINDS)
    raise _invalid("kind", f"no data source; known keys: {known}", "Example: `path: data/train.jsonl`.")


def _files(pattern: str, base: Path, root: Path | None) -> SourceIdentity:
    try:
        start = real(base / _literal_part(pattern))
        if root is not None:
            # Checked first: the error must not reveal whether a file exists outside the root.
            root = real(root)
            _require_within(start, root)
        found = _matches(pattern, base)
        for path in found if root is not None else ():
            _require_within(path, root)
    except TooManyFilesError as error:
        raise _invalid("files", str(error), "Use a more specific folder.") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise _invalid("path", f"invalid path {pattern[:80]!r}: {why}", "Use the path of a file.") from None
    if len(found) > _MOST_FILES:
        remedy = "Merge the files."
        raise _invalid("files", f"{pattern} matches {len(found)} files; the limit is {_MOST_FILES}", remedy)
    return SourceIdentity(tuple(_identified(path) for path in found))


_KINDS: dict[str, Callable[[str, Path, Path | None], SourceIdentity]] = {"path": _files}


def _require_within(path: Path, root: Path | None) -> None:
    if root is not None and not is_within(path, root):
        remedy = "Move the data there, or set --data-root (PHIFT_DATA_ROOT) to another folder."
        raise _invalid("outside", f"{path} is outside the data root {root}", remedy)


def _literal_part(pattern: str) -> str:
    """Return the folders of a pattern before its first wildcard."""
    if not glob.has_magic(pattern):
        return pattern
    parts = pattern.split("/")
    count = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    return "/".join(parts[:count]) or ("/" if pattern.startswith("/") else ".")


def _matches(pattern: str, base: Path) -> list[Path]:
    literal = base / pattern
    if os.path.isfile(literal):  # before the glob: a name may contain brackets
        return [literal]
    if os.path.isdir(literal):
        remedy = f"Use a glob for its files, such as `path: {pattern.rstrip('/')}/*.jsonl`."
        raise _invalid("folder", f"{literal} is a folder", remedy)
    if not glob.has_magic(pattern):
        if os.path.exists(literal):
            raise _invalid("not-regular", f"{literal} is not a regular file", "Write the rows to a regular file.")
        where = "" if os.path.isdir(literal.parent) else f" (folder {literal.parent} does not exist)"
        remedy = "Paths are relative to the folder of the spec file."
        raise _invalid("missing-file", f"no such file: {literal}{where}", remedy)
    found = (base / name for name in matches(pattern, str(base)))
    files = sorted((path for path in found if os.path.isfile(path)), key=lambda path: path.as_posix())
    if not files:
        raise _invalid("missing-file", f"no file matches {literal}", "Use `**` to match sub-folders.")
    return files


def _identified(path: Path) -> SourceFile:
    kind = format_named(path.name.lower())
    if kind is None:
        summary = f"{path.name}: unknown file format: suffix {path.suffix or '(none)'}"
        instead = remedy_for(path.name) or "Use the suffix of its format."
        raise _invalid("format", summary, f"{instead} Supported suffixes: {KNOWN_SUFFIXES}.", path)
    try:
        status = path.stat()
        if status.st_size == 0:
            raise _invalid("empty", f"{path.name} is empty", "It must contain at least one row.", path)
        return SourceFile(path, kind, status.st_size, file_digest(path), status.st_mtime_ns)
    except OSError as error:
        summary = f"cannot read {path}: {error.strerror or error}"
        raise _invalid("unreadable", summary, "Check its permissions.", path) from error


def is_packed(format: str) -> bool:
    """Return whether files of the format are smaller than their rows as text. format: a value of FORMATS."""
    return format not in _TEXT


def format_named(name: str) -> str | None:
    """Return a value of FORMATS for the suffix of a file's name; None if unknown."""
    suffixes = Path(name.lower()).suffixes
    return FORMATS.get("".join(suffixes[-2:])) or FORMATS.get("".join(suffixes[-1:]))


def remedy_for(name: str) -> str:
    """Return how to convert a file whose suffix is not a format of phift; "" if it is not known."""
    return _INSTEAD.get(Path(name.lower()).suffix, "") if format_named(name) is None else ""


def _invalid(code: str, summary: str, remedy: str = "", path: Path | None = None) -> InvalidSpecError:
    mark = None if path is None else Mark(str(path))
    return InvalidSpecError([Diagnostic(summary, remedy=remedy, mark=mark, code=f"data-{code}")])
