"""Where a spec comes from: the repository, however it was cloned, and the path in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

__all__ = ["Source", "normal_source"]

_LONGEST = 256
"""Characters of a tag's value on ARM."""

_SCP = re.compile(r"(?P<host>[^/:\\]{2,}):(?!//)(?P<path>.*)")
"""`git@host:owner/repo`; a single letter before the colon is a drive."""
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/]*)(?P<path>.*)", re.DOTALL)
_ALIASES = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
    "www.github.com": "github.com",
}
"""Hosts that serve the same repositories over another port (each in the documentation of the service)."""


@dataclass(frozen=True)
class Source:
    """repository: `host/owner/repo` in lower case, empty where none is known. path: of the spec in it, as it is
    written; of a spec outside every work tree its file name alone."""

    repository: str
    path: str

    @classmethod
    def of(cls, remote: str, path: str) -> Source:
        """remote: the address of a clone, in any of the forms git takes; empty for none."""
        return cls(_repository(remote) if remote else "", path)

    @classmethod
    def parse(cls, text: str) -> Source:
        """From `str(source)`, or from what release 0.1.0 wrote: the address of the clone as it is, `#`, the path."""
        remote, hash_, path = text.partition("#")
        if not hash_:
            remote, path = "", text
        return cls.of(remote, path)

    def same(self, written: str) -> bool:
        """Whether `written`, the mark of an object, names this very file of this very repository."""
        other = Source.parse(written)
        if not self.known or self.repository != other.repository:
            return False
        # Release 0.1.0 cut what was longer than a tag.
        return str(self) == str(other) or (len(written) == _LONGEST and self.path.startswith(other.path))

    @property
    def known(self) -> bool:
        """Whether the repository is; without one, a path says nothing: `spec.yaml` is everywhere."""
        return bool(self.repository)

    def __str__(self) -> str:
        """`repository#path`, no longer than a tag may be: the end of a longer one is a digest of the whole."""
        text = f"{self.repository}#{self.path}"
        if len(text) <= _LONGEST:
            return text
        return f"{text[: _LONGEST - 17]}~{hashlib.sha256(text.encode(errors='surrogateescape')).hexdigest()[:16]}"


def normal_source(text: str) -> str:
    """The mark of an object as `str(source)` writes it, whatever release wrote it."""
    return str(Source.parse(text))


def _repository(remote: str) -> str:
    """A clone's address without scheme, user, port and `.git`; a path on this machine stays a path."""
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
    """`project/_git/repo`, or `_git/repo` for the repository that is called as its project is."""
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
    (re.compile(r"(?:vs-)?ssh\.(?:dev\.azure|visualstudio)\.com"), _ssh),
    (re.compile(r"dev\.azure\.com"), lambda match, parts: _https(parts[0], parts[1:]) if parts else parts),
    (re.compile(r"([a-z0-9-]+)\.visualstudio\.com"), lambda match, parts: _https(match[1], parts)),
)
"""The forms of an Azure Repos address: https and ssh, on its present and on its former hosts."""
