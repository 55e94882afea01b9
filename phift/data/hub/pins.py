"""What is asked of the Hugging Face hub, and what it came to: a request, and the pin that phift.lock keeps of it.

    request = HubRequest("HuggingFaceH4/ultrachat_200k", split="train_sft")
    pin = HubSplit.from_plain(lock["train"])          # or resolve(request, client)
    if pin.answers(request): ...                      # the spec still asks for the same: no request is needed

A pin is all that a plan needs: commit, files with their SHA-256, rows, columns. Nothing here imports more than the
standard library. The identity of a split is the content of its files, as for local files: neither the name of the
repository nor the commit, so a commit that only edits the README trains nothing.
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

__all__ = ["LISTED_FILES", "FileList", "HubFile", "HubRequest", "HubSplit"]

LISTED_FILES = 64
"""Files of a split that the lock file lists; of more it keeps a count and a digest."""

_ID = re.compile(r"[A-Za-z0-9_][\w.-]*/[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)
_PLAIN = re.compile(r"[^\s\x00-\x1f\x7f]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class HubRequest:
    """A split as the spec names it. id: owner/name; revision: branch, tag or commit; config: "" is the default one.

    Raises InvalidSpecError, whose diagnostic's path is `hub`, `revision`, `config` or `split`, on what cannot be one.
    """

    id: str
    revision: str = "main"
    config: str = ""
    split: str = ""

    def __post_init__(self) -> None:
        if not _valid_id(self.id):
            raise _invalid("hub", f"{self.id!r} is not the name of a data set on the hub", _id_remedy(self.id))
        for name, optional in (("revision", False), ("config", True), ("split", True)):
            value = getattr(self, name)
            if not _PLAIN.fullmatch(value) and not (optional and not value):
                raise _invalid(name, f"{name}: {value!r} is empty or contains spaces", "Write its name on the hub.")

    @property
    def text(self) -> str:
        """`id@revision` or `id@revision/config`: what a pin is compared by, together with the split."""
        return f"{self.id}@{self.revision}{f'/{self.config}' if self.config else ''}"

    def __str__(self) -> str:
        return f"{self.text} {self.split}".rstrip()


@dataclass(frozen=True)
class HubFile:
    """A file of a split. path: in the repository; size: bytes; sha256: of its bytes (64 hex).

    rows, groups: its rows and Parquet row groups where they were counted, else None.
    """

    path: str
    size: int
    sha256: str
    rows: int | None = None
    groups: int | None = None


@dataclass(frozen=True)
class FileList:
    """Files that the lock file does not list one by one. digest: over their SHA-256 in order; size: bytes of all."""

    count: int
    digest: str
    size: int

    @classmethod
    def of(cls, files: tuple[HubFile, ...]) -> FileList:
        return cls(len(files), digest_of([file.sha256 for file in files]), sum(file.size for file in files))


@dataclass(frozen=True)
class HubSplit:
    """A split, pinned.

    requested: HubRequest.text of the request it answers. id: the repository's name on the hub, which differs from the
    requested one after a renaming. revision: the commit (40 hex). config: the configuration's name. builder: how
    `datasets` reads the files: parquet, json, csv, ... rows: all rows where they were counted, else None.
    columns: type by name, as text; empty where they are only known once rows are read. files: in the order in which
    their rows follow each other; empty when `unlisted` stands for them. options: what the repository's card tells the
    builder (`sep`, `field`, ...). licence: as the card names it, or "". gated: access must be granted.
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

    def answers(self, request: HubRequest) -> bool:
        """Does the pin hold: does the spec still ask for what was resolved?"""
        return self.requested == request.text and self.split == request.split

    @property
    def renamed_from(self) -> str:
        """The name in the spec, where the repository has another one by now; else ""."""
        named = self.requested.partition("@")[0]
        return "" if named == self.id else named

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return self.unlisted.size if self.unlisted else sum(file.size for file in self.files)

    @property
    def groups(self) -> int | None:
        """Parquet row groups of all files, where they were counted."""
        counts = [file.groups for file in self.files if file.groups is not None]
        return sum(counts) if self.files and len(counts) == len(self.files) else None

    @property
    def direct(self) -> bool:
        """Its rows are read from Parquet row groups; anything else goes through the builder of `datasets`."""
        return self.builder == "parquet" and not self.options

    def contents(self) -> list[dict[str, Any]]:
        """What goes into the recipe of a data version in place of the files of a local source, in order.

        For Parquet `{format, sha256}` of each file, the same as for these files by `path:`. Files that `datasets`
        parses have the format `datasets:BUILDER`, since its rows may differ from those of phift's own readers, and
        carry the card's options. More than 64 files are one entry, `{format, count, sha256}`.
        """
        kind = "parquet" if self.direct else f"datasets:{self.builder}"
        more = {"options": dict(self.options)} if self.options else {}
        whole = self.unlisted or (FileList.of(self.files) if len(self.files) > LISTED_FILES else None)
        if whole:
            return [{"format": kind, "count": whole.count, "sha256": whole.digest, **more}]
        return [{"format": kind, "sha256": file.sha256, **more} for file in self.files]

    def plain(self) -> dict[str, Any]:
        """The pin as the lock file keeps it. The order of `files` is that of the rows: write it as it is."""
        named: dict[str, Any] = {"requested": self.requested}
        if self.renamed_from:
            named["id"] = self.id
        named |= {"revision": self.revision, "config": self.config, "split": self.split, "builder": self.builder}
        if self.rows is not None:
            named["rows"] = self.rows
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
        """The pin that `plain` wrote. Unknown keys are ignored. Raises InvalidSpecError where a known one is wrong."""
        reader = _Reader(value)
        requested = reader.text("requested")
        files, unlisted = _files(reader)
        return cls(
            requested=requested,
            id=reader.text("id", requested.partition("@")[0]),
            revision=reader.text("revision", pattern=_COMMIT),
            config=reader.text("config"),
            split=reader.text("split"),
            builder=reader.text("builder"),
            rows=reader.count("rows"),
            columns=reader.mapping("columns"),
            files=files,
            licence=reader.text("licence", ""),
            gated=value.get("gated") is True,
            options=reader.mapping("options"),
            unlisted=unlisted,
        )

    def __str__(self) -> str:
        return f"{self.id}@{self.revision[:8]} {self.config}/{self.split}"


class _Reader:
    """Reads keys of a mapping of the lock file. Raises InvalidSpecError where one is not what phift writes."""

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

    def wrong(self, key: str) -> InvalidSpecError:
        place = f"{self.where}.{key}" if self.where else key
        remedy = "Restore the lock file from version control, or re-run `phift lock`."
        return _invalid(place, f"the lock file's pin of hub data has no valid `{place}`", remedy, code="lock-hub")


def _files(reader: _Reader) -> tuple[tuple[HubFile, ...], FileList | None]:
    listed = reader.mapping("files")
    if isinstance(listed.get("count"), int):
        inner = _Reader(listed, "files")
        whole = FileList(inner.number("count"), inner.text("digest", pattern=_SHA256), inner.number("size"))
        return (), whole
    files = []
    for path, entry in listed.items():
        if not isinstance(entry, Mapping):
            raise _Reader(listed, "files").wrong(path)
        each = _Reader(entry, f"files.{path}")
        digest = each.text("sha256", pattern=_SHA256)
        files.append(HubFile(path, each.number("size"), digest, each.count("rows"), each.count("groups")))
    if not files:
        raise reader.wrong("files")
    return tuple(files), None


def _valid_id(id: str) -> bool:
    return bool(_ID.fullmatch(id)) and not re.search(r"\.\.|--|[.-](/|$)|\.git$", id)


def _id_remedy(id: str) -> str:
    address = re.fullmatch(r"https?://[^/]+/datasets/([\w.-]+/[\w.-]+?)/*", id, re.ASCII) or re.fullmatch(
        r"(?:hf://)?datasets/([\w.-]+/[\w.-]+?)/*", id, re.ASCII
    )
    if address:
        return f"Write {address[1]}."
    if id.lower().endswith(tuple(FORMATS)):
        return "For files on this machine write `path:`."
    return "Write it as OWNER/NAME, such as HuggingFaceH4/ultrachat_200k."


def _invalid(path: str, summary: str, remedy: str, code: str = "") -> InvalidSpecError:
    return InvalidSpecError([Diagnostic(summary, remedy=remedy, path=path, code=code or f"data-hub-{path}")])
