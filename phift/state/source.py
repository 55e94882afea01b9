"""The source of a spec: its repository, independent of the clone address, and its path in the repository."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from phift.lazy import lazy_pattern

__all__ = ["Source", "normal_source"]

_LONGEST = 256
"""Maximum length of the value of an ARM tag, in characters."""

_SCP = lazy_pattern(r"(?P<host>[^/:\\]{2,}):(?!//)(?P<path>.*)")
"""`git@host:owner/repo`; a single letter before the colon is a drive."""
_URL = lazy_pattern(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/]*)(?P<path>.*)", re.DOTALL)
_ALIASES = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
    "www.github.com": "github.com",
}
"""Hosts that serve the same repositories over another port (each in the documentation of the service)."""


@dataclass(frozen=True)
class Source:
    """The source of a spec. repository: `host/owner/repo` in lower case, empty if unknown. path: of the spec in the
    repository; outside a work tree only the file name."""

    repository: str
    path: str

    @classmethod
    def of(cls, remote: str, path: str) -> Source:
        """Return the source for a clone. remote: its address in any form that git accepts; empty if it has none."""
        return cls(_repository(remote) if remote else "", path)

    @classmethod
    def parse(cls, text: str) -> Source:
        """Parse `str(source)`, or the form of release 0.1.0: the unchanged clone address, `#`, the path."""
        remote, hash_, path = text.partition("#")
        if not hash_:
            remote, path = "", text
        return cls.of(remote, path)

    def same(self, written: str) -> bool:
        """Return whether `written`, the mark of an object, names the same file of the same repository."""
        other = Source.parse(written)
        if not self.known or self.repository != other.repository:
            return False
        # Release 0.1.0 truncated values longer than a tag.
        return str(self) == str(other) or (len(written) == _LONGEST and self.path.startswith(other.path))

    @property
    def known(self) -> bool:
        """Whether the repository is known. Without it, a path such as `spec.yaml` does not identify a spec."""
        return bool(self.repository)

    def __str__(self) -> str:
        """Return `repository#path`. If too long for a tag, truncate it and append a digest of the whole."""
        text = f"{self.repository}#{self.path}"
        if len(text) <= _LONGEST:
            return text
        return f"{text[: _LONGEST - 17]}~{hashlib.sha256(text.encode(errors='surrogateescape')).hexdigest()[:16]}"


def normal_source(text: str) -> str:
    """Return a mark in the form of `str(source)`, whatever release wrote it."""
    return str(Source.parse(text))


def _repository(remote: str) -> str:
    """Return a clone address without scheme, user, port and `.git`. Local paths are unchanged."""
    if match := _URL.fullmatch(remote):
        if match["scheme"].lower() == "file":
            return _local(unquote(match["path"]))
        host = match["host"].rpartition("@")[2]
        return _hosted(re.sub(r":\d*$", "", host), match["path"])
    if match := _SCP.fullmatch(remote):
        return _hosted(match["host"].rpartition("@")[2], match["path"])
    if remote.startswith(("/", ".")) or "\\" in remote or re.match(r"[A-Za-z]:", remote):
        return _local(remote)
    host, slash, path = remote.partition("/")  # as `str(source)` writes it
    return _hosted(host, path) if slash else remote.lower()


def _hosted(host: str, path: str) -> str:
    host = host.lower().strip("[]")
    parts = [p for p in unquote(path.partition("?")[0]).lower().split("/") if p]
    host = _ALIASES.get(host, host)
    for known, rule in _AZURE_DEVOPS:
        if match := known.fullmatch(host):
            host, parts = "dev.azure.com", rule(match, parts)
    if parts:
        parts[-1] = parts[-1].removesuffix(".git")
    return "/".join([host, *parts])


def _local(path: str) -> str:
    return str(Path(path).resolve()).removesuffix("/.git").removesuffix(".git")


def _https(organisation: str, parts: list[str]) -> list[str]:
    """Return `project/_git/repo`, or `_git/repo` if the repository has the name of its project."""
    parts = [p for p in parts if p != "defaultcollection"]
    if "_git" in parts:
        at = parts.index("_git")
        before, after = parts[:at], parts[at + 1 :]
        parts = [*(before or after[:1]), *after]
    return [organisation, *parts]


def _ssh(match: re.Match[str], parts: list[str]) -> list[str]:
    """`v3/organisation/project/repo`."""
    return parts[1:] if parts[:1] == ["v3"] else parts


_AZURE_DEVOPS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], list[str]], list[str]]], ...] = (
    (lazy_pattern(r"(?:vs-)?ssh\.(?:dev\.azure|visualstudio)\.com"), _ssh),
    (lazy_pattern(r"dev\.azure\.com"), lambda match, parts: _https(parts[0], parts[1:]) if parts else parts),
    (lazy_pattern(r"([a-z0-9-]+)\.visualstudio\.com"), lambda match, parts: _https(match[1], parts)),
)
"""The forms of an Azure Repos address: https and ssh, on its present and on its former hosts."""
