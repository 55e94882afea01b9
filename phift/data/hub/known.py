"""Answer requests of the libraries from known facts about a repository, without asking the hub.

`datasets` requests the commit, probes for files that may not exist, requests the head of the card before the card, and
lists one folder after another. One response of the hub for each of commit, card and listing implies all of these.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from phift.data.hub.answer import Answer
from phift.data.hub.client import HubClient
from phift.data.hub.errors import Subject
from phift.data.hub.repository import Repository

__all__ = ["KnownResponses", "known_of"]

_CARD = "README.md"
_SURELY_ALL = 1000  # files; the hub might truncate a longer list of them


@dataclass(frozen=True)
class KnownResponses:
    """card: the bytes of README.md; None if it does not exist or is unknown. entries: of the recursive listing of the
    repository; None if unknown."""

    repository: Repository
    card: bytes | None = field(default=None, repr=False)
    entries: Sequence[Mapping[str, Any]] | None = field(default=None, repr=False)

    def __call__(self, method: str, path: str, query: Mapping[str, str]) -> Answer | None:
        """Return the hub's response to GET or HEAD of a path below the endpoint; None if it must be requested."""
        repository = self.repository
        api, sha = f"/api/datasets/{repository.id}", repository.sha
        if method not in ("GET", "HEAD"):
            return None
        if path == f"{api}/revision/{sha}" and repository.answer:
            return _json(repository.answer)
        tree = f"{api}/tree/{sha}"
        if path == tree or path.startswith(f"{tree}/"):
            return self._listing(path[len(tree) + 1 :], query)
        start = f"/datasets/{repository.id}/resolve/{sha}/"
        return self._file(method, path[len(start) :]) if path.startswith(start) else None

    def _file(self, method: str, path: str) -> Answer | None:
        repository = self.repository
        if path == _CARD and self.card is not None:
            digest = hashlib.sha256(self.card).hexdigest()
            headers = {"ETag": f'"{digest}"', "X-Repo-Commit": repository.sha, "Content-Length": str(len(self.card))}
            return Answer(200, headers, self.card if method == "GET" else b"")
        if len(repository.files) < _SURELY_ALL and path not in repository.files:
            return _not_found(repository)
        return None

    def _listing(self, folder: str, query: Mapping[str, str]) -> Answer | None:
        if self.entries is None or query.get("expand", "false").lower() != "false":
            return None
        start = f"{folder}/" if folder else ""
        found = [entry for entry in self.entries if entry["path"].startswith(start)]
        if folder and not found:
            return _not_found(self.repository)
        if query.get("recursive", "false").lower() != "true":
            found = [entry for entry in found if "/" not in entry["path"][len(start) :]]
        return _json(found)


def known_of(client: HubClient, repository: Repository) -> KnownResponses:
    """Request card and listing: 2 requests, and one more per 1,000 entries of the listing; none for a missing card or
    a listing that is too long."""
    if not 0 < len(repository.files) < _SURELY_ALL:
        return KnownResponses(repository)
    subject = Subject(repository.id, repository.sha)
    card = None
    if _CARD in repository.files:
        card = client.content(subject, f"/datasets/{repository.id}/resolve/{quote(repository.sha)}/{_CARD}")
    entries = client.pages(subject, f"/api/datasets/{repository.id}/tree/{repository.sha}?recursive=true&expand=false")
    usable = all(isinstance(entry, Mapping) and isinstance(entry.get("path"), str) for entry in entries)
    return KnownResponses(repository, card, entries if usable else None)


def _json(value: Any) -> Answer:
    return Answer(200, {"Content-Type": "application/json"}, json.dumps(value).encode())


def _not_found(repository: Repository) -> Answer:
    return Answer(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": repository.sha}, b"{}")
