"""A data set's repository at one commit: what the hub says about it before any file is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from phift.data.hub.client import HubClient
from phift.data.hub.errors import Subject, no_such_name, not_a_hub
from phift.errors import InvalidSpecError

__all__ = ["Repository", "check_access", "look_up"]

_SURELY_ALL = 1000  # files; the list of a larger repository might be cut


@dataclass(frozen=True)
class Repository:
    """id: its name now, whatever it was asked by; sha: the commit; files: paths of all files at that commit."""

    id: str
    sha: str
    gated: bool = False
    licence: str = ""
    files: frozenset[str] = field(default=frozenset(), repr=False)
    answer: Any = field(default=None, repr=False, compare=False)

    def known(self, path: str) -> tuple[int, Any] | None:
        """(status, JSON) that the hub would answer at a path under its address, where its first answer tells; or None.

        That is this very answer, and that a file is not there, which `datasets` asks of several names.
        """
        if path == f"/api/datasets/{self.id}/revision/{self.sha}" and self.answer:
            return 200, self.answer
        start = f"/datasets/{self.id}/resolve/{self.sha}/"
        if path.startswith(start) and len(self.files) < _SURELY_ALL and path[len(start) :] not in self.files:
            return 404, None
        return None


def look_up(client: HubClient, id: str, revision: str, *, pinned: bool = False) -> Repository:
    """The repository at a branch, tag or commit, asked once a client: 1 request.

    Raises InvalidSpecError, with what there is, when there is no such repository or revision.
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
    """May this account read the files? 1 request, once a client: listings of gated data are open, its files are not.

    Raises HubError when it may not.
    """
    subject = Subject(repository.id, repository.sha)
    client.once(("access", repository.id), lambda: client.check(subject, f"/api/datasets/{repository.id}/auth-check"))


def _repository(client: HubClient, answer: Any) -> Repository:
    try:
        files = frozenset(str(entry["rfilename"]) for entry in answer.get("siblings") or ())
        card, tags = answer.get("cardData") or {}, answer.get("tags") or ()
        licence = card.get("license") or [tag.removeprefix("license:") for tag in tags if tag.startswith("license:")]
        text = ", ".join(licence) if isinstance(licence, list) else str(licence)
        return Repository(str(answer["id"]), str(answer["sha"]), bool(answer.get("gated")), text, files, answer)
    except (AttributeError, KeyError, TypeError):
        raise not_a_hub(client.place) from None


def _refs(client: HubClient, subject: Subject) -> list[str]:
    answer = client.get(subject, f"/api/datasets/{subject.id}/refs")
    kinds = ("branches", "tags") if isinstance(answer, dict) else ()
    return [str(ref["name"]) for kind in kinds for ref in answer.get(kind) or ()]
