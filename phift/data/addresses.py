"""Data addresses: resolve one to a container of a storage account, and pin the content of a remote file."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from phift.data.columns import columns_of
from phift.data.remote import Folder, folder_named, folder_of, invalid
from phift.data.sources import KNOWN_SUFFIXES, SourceFile, format_named
from phift.digest import digest_of, file_digest
from phift.errors import StalePlanError
from phift.lazy import lazy_pattern
from phift.spec.addresses import scheme_of

__all__ = ["StoragePlace", "WebFile", "fetch_and_pin", "format_of", "storage_place"]

_ACCOUNT = lazy_pattern(r"([a-z0-9]{3,24})\.(?:blob|dfs)\.core\.windows\.net", re.IGNORECASE)
_COLUMNS = 200  # maximum names in the lock file
_SHA256 = lazy_pattern(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class StoragePlace:
    """A blob in a storage account."""

    account: str
    container: str
    path: str

    def __str__(self) -> str:
        return f"{self.account}/{self.container}"


def storage_place(address: str) -> StoragePlace | None:
    """Parse the address of a blob: `https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH` (or dfs),
    `wasbs://CONTAINER@ACCOUNT.blob...`, `abfss://CONTAINER@ACCOUNT.dfs...`. Returns None for any other address, and if
    the path leaves its container."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return None
    account = _ACCOUNT.fullmatch(host)
    if account is None:
        return None
    path = unquote(parts.path).lstrip("/")
    if any(part in (".", "..") for part in path.split("/")):
        return None
    if scheme_of(address) == "https":
        container, _, path = path.partition("/")
        return StoragePlace(account[1].lower(), container, path) if container and path else None
    container = parts.username or ""
    return StoragePlace(account[1].lower(), container, path) if container else None


def format_of(address: str) -> str:
    """Return a value of FORMATS. Raises InvalidSpecError if the address does not end in a known suffix."""
    name = PurePosixPath(unquote(urlsplit(address).path)).name
    format = format_named(name)
    if format is None:
        suffix = PurePosixPath(name).suffix or "(none)"
        summary = f"{address}: unknown file format: suffix {suffix}"
        raise invalid("format", summary, f"The path of the address must end in one of {KNOWN_SUFFIXES}.", "path")
    return format


@dataclass(frozen=True)
class WebFile:
    """A file at an https:// address, pinned by its content. Implements phift.data.remote.RemoteFiles.

    requested: the address, without secrets (see phift.spec.addresses). sha256: 64 hex. size: bytes. header: columns.
    """

    requested: str
    size: int
    sha256: str
    header: tuple[str, ...] | None = None
    download: Callable[..., Any] | None = field(default=None, compare=False, repr=False)
    """Replaces phift.data.web.download."""

    @classmethod
    def from_plain(cls, pin: Mapping[str, Any]) -> WebFile:
        """Parse the entry of the lock file. Raises InvalidSpecError if it is not a valid pin."""
        requested, size, sha256, columns = (pin.get(key) for key in ("requested", "size", "sha256", "columns"))
        if (
            isinstance(requested, str)
            and isinstance(size, int)
            and size > 0
            and isinstance(sha256, str)
            and _SHA256.fullmatch(sha256)
            and (columns is None or (isinstance(columns, list) and all(isinstance(name, str) for name in columns)))
        ):
            return cls(requested, size, sha256, None if columns is None else tuple(columns))
        remedy = "Restore phift.lock from version control, or re-pin the data: phift lock --upgrade"
        raise invalid("pin", "invalid pin of an address in the lock file", remedy)

    def pin(self) -> dict[str, Any]:
        """Return the entry for the lock file."""
        columns = {} if self.header is None else {"columns": list(self.header)}
        return {"requested": self.requested, "size": self.size, "sha256": self.sha256, **columns}

    @property
    def formats(self) -> tuple[str, ...]:
        return (format_of(self.requested),)

    def plain(self) -> dict[str, object]:
        """Identify the content like a local file: the same bytes are the same source, wherever they are."""
        return {"kind": "file", "files": [{"format": format_of(self.requested), "sha256": self.sha256}]}

    def names(self) -> tuple[str, ...]:
        return (self.requested,)

    def columns(self) -> Collection[str] | None:
        return self.header

    def fetch(self, index: int, folder: Folder, progress: Callable[[int], object]) -> SourceFile:
        format = format_of(self.requested)
        name = f"{self.sha256[:32]}.{format}"
        path = folder.place(name)
        if not (path.exists() and path.stat().st_size == self.size and file_digest(path) == self.sha256):
            from phift.data.web import download

            folder.need(self.size)
            found = (self.download or download)(self.requested, folder, name, progress=progress)
            if found.sha256 != self.sha256:
                path.unlink(missing_ok=True)
                raise StalePlanError(
                    f"{self.requested} has changed since it was pinned",
                    detail=f"phift.lock pins sha256 {self.sha256[:12]}, found {found.sha256[:12]}.",
                    remedy="To use the current content, run: phift lock --upgrade",
                )
        return SourceFile(path, format, self.size, self.sha256)

    def __str__(self) -> str:
        return self.requested


def fetch_and_pin(
    address: str,
    folder: Path,
    download: Callable[..., Any] | None = None,
    progress: Callable[[int], object] | None = None,
) -> WebFile:
    """Download the file at an https:// address and pin it. folder: for downloads, where the file stays until its rows
    are prepared. download: replaces phift.data.web.download. Raises the same errors as that function."""
    from phift.data import web

    format = format_of(address)
    name = f"rows.{format}"
    with folder_named(digest_of(address, 24), folder) as waiting:
        found = (download or web.download)(address, waiting, name, progress=progress or (lambda done: None))
        path = waiting.place(name)
        columns = columns_of(SourceFile(path, format, found.size, found.sha256))
        # Other names count as content, which must not be committed with the lock file.
        header = None if columns is None else tuple(c for c in columns if c.isidentifier() and len(c) <= 40)[:_COLUMNS]
        made = WebFile(address, found.size, found.sha256, header, download)
        with folder_of(made, folder, keep=True) as kept:
            path.replace(kept.place(f"{found.sha256[:32]}.{format}"))
    return made
