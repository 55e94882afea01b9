"""Requests for data of the Hugging Face hub, and pins: what the lock file keeps of a resolved request.

    request = HubRequest("HuggingFaceH4/ultrachat_200k", split="train_sft")
    pin = HubSplit.from_plain(lock["train"])          # or resolve(request, client)
    if pin.answers(request): ...                      # the spec still asks for the same: no network is needed

A plan needs nothing but the pin: commit, files with their SHA-256, rows, columns. Nothing here imports a library of the
hub. As for local files, the content of the files identifies a split, not the repository or the commit: a commit that
only edits the README does not retrain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.data.sources import FORMATS
from phift.diagnostics import Diagnostic
from phift.digest import digest_of
from phift.errors import InvalidSpecError
from phift.lazy import lazy_pattern

__all__ = ["COMMIT", "LISTED_FILES", "FileList", "HubFile", "HubRequest", "HubSplit", "is_id"]

LISTED_FILES = 64
"""The most files of a split that the lock file lists; of more it keeps a count and a digest."""

_ID = lazy_pattern(r"[A-Za-z0-9_][\w.-]*/[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)
_PLAIN = lazy_pattern(r"[^\s\x00-\x1f\x7f]+")
_SHA256 = lazy_pattern(r"[0-9a-f]{64}")
COMMIT = lazy_pattern(r"[0-9a-f]{40}")
"""Of a commit's name."""


@dataclass(frozen=True)
class HubRequest:
    """A split as the spec names it. id: owner/name; revision: branch, tag or commit; config: "" is the default one.

    Raises InvalidSpecError on an invalid name; the diagnostic's path is `hub`, `revision`, `config` or `split`.
    """

    id: str
    revision: str = "main"
    config: str = ""
    split: str = ""

    def __post_init__(self) -> None:
        if not is_id(self.id):
            raise _invalid("hub", f"invalid data set name {self.id!r}", _id_remedy(self.id))
        for name, optional in (("revision", False), ("config", True), ("split", True)):
            value = getattr(self, name)
            if not _PLAIN.fullmatch(value) and not (optional and not value):
                raise _invalid(
                    name, f"invalid {name} {value!r}: empty, or contains spaces", "Use the name shown on the hub."
                )

    @property
    def text(self) -> str:
        """`id@revision` or `id@revision/config`. A pin holds while this and the split are unchanged."""
        return f"{self.id}@{self.revision}{f'/{self.config}' if self.config else ''}"

    def __str__(self) -> str:
        return f"{self.text} {self.split}".rstrip()


@dataclass(frozen=True)
class HubFile:
    """A file of a split. path: in the repository; size: bytes; sha256: of its bytes (64 hex).

    rows, groups: its rows and Parquet row groups; None if not counted.
    """

    path: str
    size: int
    sha256: str
    rows: int | None = None
    groups: int | None = None


@dataclass(frozen=True)
class FileList:
    """A summary of files. digest: over their SHA-256, in order; size: bytes of all."""

    count: int
    digest: str
    size: int

    @classmethod
    def of(cls, files: tuple[HubFile, ...]) -> FileList:
        return cls(len(files), digest_of([file.sha256 for file in files]), sum(file.size for file in files))


@dataclass(frozen=True)
class HubSplit:
    """A pinned split.

    requested: HubRequest.text of the request. id: the repository's current name, which differs from the requested one
    if it was renamed. revision: the commit (40 hex). config: name of the configuration. builder: how `datasets` reads
    the files: parquet, json, csv, ... rows: of all files; None if not counted. claimed: rows as the card says where
    they were not counted; None if it does not say. columns: type by name, as text; empty if
    unknown until rows are read. files: in row order; empty if `unlisted` summarises them. licence: as the card names
    it, or "". gated: access must be granted. options: what the card sets for the builder (`sep`, `field`, ...).
    """

    requested: str
    id: str
    revision: str
    config: str
    split: str
    builder: str
    rows: int | None
    columns: Mapping[str, str]
    files: tuple[HubFile, ...]
    licence: str = ""
    gated: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    unlisted: FileList | None = None
    claimed: int | None = None

    def answers(self, request: HubRequest) -> bool:
        """Whether the pin still holds for the request."""
        return self.requested == request.text and self.split == request.split

    @property
    def renamed_from(self) -> str:
        """The requested name, if the repository has been renamed since; else ""."""
        named = self.requested.partition("@")[0]
        return "" if named == self.id else named

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return self.unlisted.size if self.unlisted else sum(file.size for file in self.files)

    @property
    def groups(self) -> int | None:
        """Parquet row groups of all files; None if not counted."""
        counts = [file.groups for file in self.files if file.groups is not None]
        return sum(counts) if self.files and len(counts) == len(self.files) else None

    @property
    def direct(self) -> bool:
        """Whether rows are read from Parquet row groups directly, and not by the builder of `datasets`."""
        return self.builder == "parquet" and not self.options

    def contents(self) -> list[dict[str, Any]]:
        """The entries of the recipe that identify the content, in place of those of local files, in order.

        Parquet: `{format, sha256}` of each file, the same as for the same files by `path:`. Other formats have the
        format `datasets:BUILDER`, because `datasets` may read other rows than phift's own readers, and include the
        options of the card. More than 64 files are one entry, `{format, count, sha256}`.
        """
        kind = "parquet" if self.direct else f"datasets:{self.builder}"
        more = {"options": dict(self.options)} if self.options else {}
        whole = self.unlisted or (FileList.of(self.files) if len(self.files) > LISTED_FILES else None)
        if whole:
            return [{"format": kind, "count": whole.count, "sha256": whole.digest, **more}]
        return [{"format": kind, "sha256": file.sha256, **more} for file in self.files]

    def plain(self) -> dict[str, Any]:
        """The pin as plain values for the lock file. The order of `files` is significant: do not sort it."""
        named: dict[str, Any] = {"requested": self.requested}
        if self.renamed_from:
            named["id"] = self.id
        named |= {"revision": self.revision, "config": self.config, "split": self.split, "builder": self.builder}
        if self.rows is not None:
            named["rows"] = self.rows
        elif self.claimed is not None:
            named["claimed"] = self.claimed
        for key, told in (("licence", self.licence), ("gated", self.gated)):
            if told:
                named[key] = told
        for name, mapping in (("options", self.options), ("columns", self.columns)):
            if mapping:
                named[name] = dict(mapping)
        return named | {"files": self._plain_files()}

    def _plain_files(self) -> dict[str, Any]:
        whole = self.unlisted or (FileList.of(self.files) if len(self.files) > LISTED_FILES else None)
        if whole:
            return {"count": whole.count, "digest": whole.digest, "size": whole.size}
        return {
            file.path: {
                "sha256": file.sha256,
                "size": file.size,
                **{n: v for n, v in (("rows", file.rows), ("groups", file.groups)) if v is not None},
            }
            for file in self.files
        }

    @classmethod
    def from_plain(cls, value: Mapping[str, Any]) -> HubSplit:
        """The inverse of `plain`. Ignores unknown keys. Raises InvalidSpecError when a known one is invalid."""
        reader = _Reader(value)
        requested = reader.text("requested")
        files, unlisted = _files(reader)
        name = reader.text("id", requested.partition("@")[0])
        if not is_id(name):
            raise reader.wrong("id" if "id" in value else "requested")
        return cls(
            requested=requested,
            id=name,
            revision=reader.text("revision", pattern=COMMIT),
            config=reader.text("config"),
            split=reader.text("split"),
            builder=reader.text("builder"),
            rows=reader.count("rows"),
            columns=reader.texts("columns"),
            files=files,
            licence=reader.text("licence", ""),
            gated=value.get("gated") is True,
            options=reader.values_of("options"),
            unlisted=unlisted,
            claimed=reader.count("claimed"),
        )

    def __str__(self) -> str:
        return f"{self.id}@{self.revision[:8]} {self.config}/{self.split}"


class _Reader:
    """Reads a mapping of the lock file. Raises InvalidSpecError on an invalid value."""

    def __init__(self, values: Mapping[str, Any], where: str = "") -> None:
        self.values = values
        self.where = where

    def text(self, key: str, default: str | None = None, pattern: re.Pattern[str] | None = None) -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str) or (pattern and not pattern.fullmatch(value)):
            raise self.wrong(key)
        return value

    def count(self, key: str) -> int | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.wrong(key)
        return value

    def number(self, key: str) -> int:
        value = self.count(key)
        if value is None:
            raise self.wrong(key)
        return value

    def mapping(self, key: str) -> dict[str, Any]:
        value = self.values.get(key, {})
        if not isinstance(value, Mapping):
            raise self.wrong(key)
        return dict(value)

    def texts(self, key: str) -> dict[str, str]:
        found = self.mapping(key)
        if not all(isinstance(value, str) for value in found.values()):
            raise self.wrong(key)
        return found

    def values_of(self, key: str) -> dict[str, Any]:
        """A mapping that a digest can be made of."""
        found = self.mapping(key)
        try:
            digest_of(found)
        except (TypeError, ValueError):
            raise self.wrong(key) from None
        return found

    def wrong(self, key: str) -> InvalidSpecError:
        place = f"{self.where}.{key}" if self.where else key
        remedy = "Restore the lock file from version control, or re-pin the data: phift lock --upgrade"
        summary = f"invalid `{place}` in the lock file's pin of hub data"
        return InvalidSpecError([Diagnostic(summary, remedy=remedy, path=place, code="lock-hub")])


def _files(reader: _Reader) -> tuple[tuple[HubFile, ...], FileList | None]:
    listed = reader.mapping("files")
    if isinstance(listed.get("count"), int):
        inner = _Reader(listed, "files")
        whole = FileList(inner.number("count"), inner.text("digest", pattern=_SHA256), inner.number("size"))
        return (), whole
    files = []
    for path, entry in listed.items():
        if not isinstance(entry, Mapping) or not _is_inside(path):
            raise _Reader(listed, "files").wrong(path)
        each = _Reader(entry, f"files.{path}")
        digest = each.text("sha256", pattern=_SHA256)
        files.append(HubFile(path, each.number("size"), digest, each.count("rows"), each.count("groups")))
    if not files:
        raise reader.wrong("files")
    return tuple(files), None


def _is_inside(path: str) -> bool:
    """Whether it is the path of a file in a repository."""
    return path.isprintable() and not any(part in ("", ".", "..") for part in path.split("/"))


def is_id(id: str) -> bool:
    """Whether it is the name of a data set: OWNER/NAME."""
    return bool(_ID.fullmatch(id)) and not re.search(r"\.\.|--|[.-](/|$)|\.git$", id)


def _id_remedy(id: str) -> str:
    address = re.fullmatch(r"https?://[^/]+/datasets/([\w.-]+/[\w.-]+?)/*", id, re.ASCII) or re.fullmatch(
        r"(?:hf://)?datasets/([\w.-]+/[\w.-]+?)/*", id, re.ASCII
    )
    if address:
        return f"Use {address[1]}."
    if id.lower().endswith(tuple(FORMATS)):
        return "For local files, use `path:`."
    return "Use the form OWNER/NAME, such as HuggingFaceH4/ultrachat_200k."


def _invalid(path: str, summary: str, remedy: str) -> InvalidSpecError:
    return InvalidSpecError([Diagnostic(summary, remedy=remedy, path=path, code=f"data-hub-{path}")])
