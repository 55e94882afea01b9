"""Where data comes from, and what identifies it before any row is read.

A source is a plain mapping whose one known key is its kind: `{path: data/*.jsonl}`. For local files the identity is the
content: file names and folders may change, a byte may not.
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

__all__ = ["FORMATS", "KNOWN_SUFFIXES", "SourceFile", "SourceIdentity", "format_named", "identify", "is_packed"]

_MOST_FILES = 10_000

_TEXT = ("jsonl", "json", "csv", "tsv")
_CODECS = ("gz", "zst")

FORMATS = {
    **{f".{text}": text for text in _TEXT},
    ".parquet": "parquet",
    **{f".{text}.{codec}": f"{text}.{codec}" for text in _TEXT for codec in _CODECS},
}
"""By suffix. A compressed file is a format of its own: its identity is that of its bytes as they are."""

KNOWN_SUFFIXES = ".jsonl, .json, .csv, .tsv (each also with .gz or .zst after it), .parquet"
"""FORMATS for people."""
_INSTEAD = {
    ".ndjson": "JSON Lines have the suffix .jsonl here.",
    ".xlsx": "Save the sheet as CSV (UTF-8, commas).",
    ".xls": "Save the sheet as CSV (UTF-8, commas).",
    ".gz": "Name what is compressed too, as in train.jsonl.gz.",
    ".zst": "Name what is compressed too, as in train.jsonl.zst.",
    ".zip": "Unpack it, or compress the file by gzip or zstd.",
    ".bz2": "Compress it by gzip or zstd.",
    ".xz": "Compress it by gzip or zstd.",
    ".tgz": "Unpack it: phift reads no archives.",
    ".tar": "Unpack it: phift reads no archives.",
    ".arrow": "Write it as Parquet.",
}


@dataclass(frozen=True)
class SourceFile:
    """One file: where it is, its format (a value of FORMATS), size in bytes, SHA-256 of its bytes (64 hex).

    modified: its time of modification when it was digested, in nanoseconds; no part of the identity.
    """

    path: Path
    format: str
    size: int
    digest: str
    modified: int = field(default=0, compare=False)


@dataclass(frozen=True)
class SourceIdentity:
    """What a source is. files: in the order in which their rows follow each other. hub: a split of the Hugging Face
    hub in place of files of this machine. remote: files elsewhere in their place."""

    files: tuple[SourceFile, ...]
    hub: "HubSplit | None" = None
    remote: "RemoteFiles | None" = None

    @property
    def formats(self) -> tuple[str, ...]:
        """Of the files; empty for the hub."""
        return self.remote.formats if self.remote else tuple(file.format for file in self.files)

    @property
    def named(self) -> tuple[tuple[str, SourceFile], ...]:
        """The files of this machine with their names for messages."""
        return tuple((str(file.path), file) for file in self.files)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        if self.remote:
            return self.remote.size
        return self.hub.size if self.hub else sum(file.size for file in self.files)

    def plain(self) -> dict[str, object]:
        """What goes into the recipe: formats and contents, no names: the same file is the same source from wherever."""
        if self.remote:
            return self.remote.plain()
        files: list[dict[str, Any]] = [{"format": f.format, "sha256": f.digest} for f in self.files]
        return {"kind": "file", "files": self.hub.contents() if self.hub else files}

    def __str__(self) -> str:
        """For people: the split, the asset or the address, or the first file."""
        if self.remote:
            return str(self.remote)
        return f"hub {self.hub}" if self.hub else str(self.files[0].path) if self.files else "nothing"


def identify(source: Mapping[str, object], base: Path, root: Path | None = None) -> SourceIdentity:
    """What `source` is, now. Paths are relative to `base`, the folder of the spec. root: the folder that everything
    must lie in, links followed; None: it may lie anywhere.

    Reads every byte once to digest it and parses none. Raises InvalidSpecError when there is no such file,
    when one is empty, cannot be read, lies outside `root`, or has a suffix that names no known format.
    """
    for key, finder in _KINDS.items():
        if source.get(key) is not None:
            return finder(str(source[key]), base, root)
    known = ", ".join(f"`{key}:`" for key in _KINDS)
    raise _invalid("kind", f"no known source of data here; known: {known}", "Write `path: data/train.jsonl`.")


def _files(pattern: str, base: Path, root: Path | None) -> SourceIdentity:
    try:
        start = real(base / _literal_part(pattern))
        if root is not None:
            # Before anything is looked for: whether a file is there must not be told either.
            root = real(root)
            _require_within(start, root)
        found = _matches(pattern, base)
        for path in found if root is not None else ():
            _require_within(path, root)
    except TooManyFilesError as error:
        raise _invalid("files", str(error), "Name a folder nearer to the files.") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise _invalid("path", f"no file can be at {pattern[:80]!r}: {why}", "Write the path of a file.") from None
    if len(found) > _MOST_FILES:
        remedy = "Join them to fewer files."
        raise _invalid("files", f"{pattern} matches {len(found)} files; at most {_MOST_FILES} are possible", remedy)
    return SourceIdentity(tuple(_identified(path) for path in found))


_KINDS: dict[str, Callable[[str, Path, Path | None], SourceIdentity]] = {"path": _files}


def _require_within(path: Path, root: Path | None) -> None:
    if root is not None and not is_within(path, root):
        remedy = "Move the data there, or have --data-root (PHIFT_DATA_ROOT) name another folder."
        raise _invalid("outside", f"{path} lies outside the data root {root}", remedy)


def _literal_part(pattern: str) -> str:
    """The folders of a pattern before its first wildcard."""
    if not glob.has_magic(pattern):
        return pattern
    parts = pattern.split("/")
    count = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    return "/".join(parts[:count]) or ("/" if pattern.startswith("/") else ".")


def _matches(pattern: str, base: Path) -> list[Path]:
    literal = base / pattern
    if os.path.isfile(literal):  # before the glob: a name may hold brackets
        return [literal]
    if os.path.isdir(literal):
        remedy = f"Name the files in it, such as `path: {pattern.rstrip('/')}/*.jsonl`."
        raise _invalid("folder", f"{literal} is a folder", remedy)
    if not glob.has_magic(pattern):
        if os.path.exists(literal):
            raise _invalid("not-regular", f"{literal} is not a regular file", "Write the rows to a file.")
        where = "" if os.path.isdir(literal.parent) else f" (nor is there a folder {literal.parent})"
        remedy = "Paths are relative to the folder of the spec file."
        raise _invalid("missing-file", f"no such file: {literal}{where}", remedy)
    found = (base / name for name in matches(pattern, str(base)))
    files = sorted((path for path in found if os.path.isfile(path)), key=lambda path: path.as_posix())
    if not files:
        raise _invalid("missing-file", f"no file matches {literal}", "`**` goes through sub-folders.")
    return files


def _identified(path: Path) -> SourceFile:
    kind = format_named(path.name.lower())
    if kind is None:
        summary = f"{path.name}: phift cannot tell its format from the suffix {path.suffix or '(none)'}"
        instead = _INSTEAD.get(path.suffix.lower(), "Name it by its format.")
        raise _invalid("format", summary, f"{instead} Known: {KNOWN_SUFFIXES}.", path)
    try:
        status = path.stat()
        if status.st_size == 0:
            raise _invalid("empty", f"{path.name} is empty", "It must hold at least one row.", path)
        return SourceFile(path, kind, status.st_size, file_digest(path), status.st_mtime_ns)
    except OSError as error:
        summary = f"cannot read {path}: {error.strerror or error}"
        raise _invalid("unreadable", summary, "Check its permissions.", path) from error


def is_packed(format: str) -> bool:
    """Whether files of the format are smaller than their rows as text. format: a value of FORMATS."""
    return format not in _TEXT


def format_named(name: str) -> str | None:
    """A value of FORMATS, by the suffix of a file's name; None for another suffix."""
    suffixes = Path(name.lower()).suffixes
    return FORMATS.get("".join(suffixes[-2:])) or FORMATS.get("".join(suffixes[-1:]))


def _invalid(code: str, summary: str, remedy: str = "", path: Path | None = None) -> InvalidSpecError:
    mark = None if path is None else Mark(str(path))
    return InvalidSpecError([Diagnostic(summary, remedy=remedy, mark=mark, code=f"data-{code}")])
