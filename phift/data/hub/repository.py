"""The repository of a data set at one commit: its metadata on the hub, and access to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from phift.data.hub.client import HubClient
from phift.data.hub.errors import Subject, no_such_name, not_a_hub
from phift.data.hub.pins import COMMIT, is_id
from phift.errors import InvalidSpecError

__all__ = ["Repository", "check_access", "look_up"]


@dataclass(frozen=True)
class Repository:
    """id: its current name; sha: the commit; files: paths of all files at that commit; answer: of the hub, raw."""

    id: str
    sha: str
    gated: bool = False
    licence: str = ""
    files: frozenset[str] = field(default=frozenset(), repr=False)
    answer: Any = field(default=None, repr=False, compare=False)


def look_up(client: HubClient, id: str, revision: str, *, pinned: bool = False) -> Repository:
    """The repository at a branch, tag or commit: 1 request, once per client.

    Raises InvalidSpecError when the repository or revision does not exist, HubError when a pinned one does not.
    """

    def ask() -> Repository:
        subject = Subject(id, revision, pinned=pinned)
        try:
            return _repository(client, client.get(subject, f"/api/datasets/{id}/revision/{quote(revision, safe='')}"))
        except InvalidSpecError as error:
            if error.diagnostics[0].path != "revision":
                raise
            raise no_such_name("revision", revision, id, _refs(client, subject)) from None

    found: Repository = client.once(("repository", id, revision), ask)
    return found


def check_access(client: HubClient, repository: Repository) -> None:
    """Check that this account can read the files, which a listing does not show: 1 request, once per client.

    Raises HubError if it may not.
    """
    subject = Subject(repository.id, repository.sha)
    client.once(("access", repository.id), lambda: client.check(subject, f"/api/datasets/{repository.id}/auth-check"))


def _repository(client: HubClient, answer: Any) -> Repository:
    try:
        files = frozenset(str(entry["rfilename"]) for entry in answer.get("siblings") or ())
        card, tags = answer.get("cardData") or {}, answer.get("tags") or ()
        licence = card.get("license") or [tag.removeprefix("license:") for tag in tags if tag.startswith("license:")]
        text = ", ".join(licence) if isinstance(licence, list) else str(licence)
        name, sha = answer["id"], answer["sha"]
        if not (is_id(name) and COMMIT.fullmatch(sha)):
            raise TypeError(name)
        return Repository(name, sha, bool(answer.get("gated")), text, files, answer)
    except (AttributeError, KeyError, TypeError):
        raise not_a_hub(client.place) from None


def _refs(client: HubClient, subject: Subject) -> list[str]:
    answer = client.get(subject, f"/api/datasets/{subject.id}/refs")
    listed = [answer.get(kind) for kind in ("branches", "tags")] if isinstance(answer, dict) else []
    refs = [ref for entries in listed if isinstance(entries, list) for ref in entries]
    return [ref["name"] for ref in refs if isinstance(ref, dict) and isinstance(ref.get("name"), str)]
