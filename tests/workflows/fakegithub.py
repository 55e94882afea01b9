"""A stand-in of GitHub's REST API on loopback: comments, issues, the pull requests of a commit, who edited a comment.

It is strict: an unknown path, method, header or member of a body is an error, and a token has only the permissions of
its job. Expected shapes are those of GitHub's API description (2022-11-28).
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jsonserver import served

__all__ = ["REPOSITORY", "FakeGitHub"]

REPOSITORY = "contoso/models"
BOT = {"login": "github-actions[bot]", "type": "Bot"}
LIMIT = 65_536


class Rejected(Exception):
    """An answer with an error status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass
class FakeGitHub:
    """tokens: the permissions of each. comments: by the number of the issue or pull request. pulls: by number. brought:
    the pull requests by the commits that they brought to a branch. requests: method and path, oldest first.
    unconnected: how many more times a commit has no pull request yet."""

    url: str
    tokens: dict[str, Mapping[str, str]] = field(default_factory=dict)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    brought: dict[str, list[int]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    unconnected: int = 0
    _numbers: int = 100

    @classmethod
    @contextmanager
    def serving(cls) -> Iterator[FakeGitHub]:
        """One that answers, for as long as the block lasts."""
        made = cls("")

        def answer(method: str, target: str, headers: Mapping[str, str], raw: bytes) -> tuple[int, Any]:
            try:
                return made.answer(method, target, headers, raw)
            except Rejected as error:
                return error.status, {"message": error.message}

        with served(answer) as made.url:
            yield made

    def token(self, permissions: Mapping[str, str]) -> str:
        """Return a token of a job."""
        made = f"ghs_{secrets.token_hex(18)}"
        self.tokens[made] = dict(permissions)
        return made

    def says(self, number: int, body: str, user: Mapping[str, str] = BOT) -> dict[str, Any]:
        """Write a comment as somebody."""
        self._numbers += 1
        made = {
            "id": self._numbers,
            "node_id": f"IC_{self._numbers}",
            "body": body.replace("\n", "\r\n"),
            "user": dict(user),
            "html_url": f"{self.url}/{REPOSITORY}/pull/{number}#issuecomment-{self._numbers}",
            "editor": None,
        }
        self.comments.setdefault(number, []).append(made)
        return made

    def edits(self, comment: dict[str, Any], body: str, login: str, kind: str = "User") -> None:
        """Edit a comment as somebody; its author stays."""
        comment["body"] = body
        comment["editor"] = {"__typename": kind, "login": login}

    def bodies(self, number: int) -> list[str]:
        """The comments of an issue or a pull request, as written."""
        return [str(one["body"]).replace("\r\n", "\n") for one in self.comments.get(number, [])]

    def open_issues(self) -> list[dict[str, Any]]:
        return [one for one in self.issues if one["state"] == "open"]

    def answer(self, method: str, target: str, headers: Mapping[str, str], raw: bytes) -> tuple[int, Any]:
        """Return the status and the body. Raises Rejected."""
        parts = urlsplit(target)
        self.requests.append(f"{method} {parts.path}")
        if self.failures:
            raise Rejected(self.failures.pop(0), "try again")
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.tokens:
            raise Rejected(401, "Bad credentials")
        if parts.path == "/graphql":
            return 200, self._graphql(self.tokens[token], json.loads(raw))
        if headers.get("x-github-api-version") != "2022-11-28" or "github+json" not in headers.get("accept", ""):
            raise Rejected(400, "no version")
        body = json.loads(raw) if raw else None
        query = {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
        for (wanted, pattern), handle in _ROUTES.items():
            found = re.fullmatch(pattern.replace("REPO", f"/repos/{REPOSITORY}"), parts.path)
            if found and wanted == method:
                return handle(self, self.tokens[token], query, body, *found.groups())
        raise Rejected(404, f"Not Found: {method} {parts.path}")

    def _graphql(self, allowed: Mapping[str, str], body: Any) -> Any:
        _require(allowed, "pull-requests", "read")
        _members(body, {"query": str, "variables": dict})
        assert body["query"] == (
            "query($id: ID!) { node(id: $id) { ... on IssueComment { editor { __typename login } } } }"
        )
        for one in (c for many in self.comments.values() for c in many):
            if one["node_id"] == body["variables"]["id"]:
                return {"data": {"node": {"editor": one["editor"]}}}
        return {"data": {"node": None}, "errors": [{"type": "NOT_FOUND"}]}

    def _list_comments(self, allowed: Mapping[str, str], query: Any, body: Any, number: str) -> tuple[int, Any]:
        _require(allowed, "pull-requests", "read")
        return 200, _page(self.comments.get(int(number), []), query, hidden=("editor",))

    def _add_comment(self, allowed: Mapping[str, str], query: Any, body: Any, number: str) -> tuple[int, Any]:
        _require(allowed, "pull-requests", "write")
        return 201, self.says(int(number), _text(body))

    def _edit_comment(self, allowed: Mapping[str, str], query: Any, body: Any, id: str) -> tuple[int, Any]:
        _require(allowed, "pull-requests", "write")
        for one in (c for many in self.comments.values() for c in many):
            if one["id"] == int(id):
                self.edits(one, _text(body).replace("\n", "\r\n"), "github-actions", "Bot")
                return 200, one
        raise Rejected(404, "Not Found")

    def _list_pulls(self, allowed: Mapping[str, str], query: Any, body: Any, commit: str) -> tuple[int, Any]:
        _require(allowed, "contents", "read")
        _require(allowed, "pull-requests", "read")
        if self.unconnected:
            self.unconnected -= 1
            return 200, []
        return 200, _page([self.pulls[n] for n in self.brought.get(commit, [])], query)

    def _list_issues(self, allowed: Mapping[str, str], query: Any, body: Any) -> tuple[int, Any]:
        _require(allowed, "issues", "read")
        state = query.pop("state", "open")
        wanted = [one for one in self.issues if one["state"] == state]
        pulls = [
            {**p, "user": BOT, "body": None, "pull_request": {}} for p in self.pulls.values() if not p["merged_at"]
        ]
        return 200, _page([*pulls, *wanted], query)

    def _add_issue(self, allowed: Mapping[str, str], query: Any, body: Any) -> tuple[int, Any]:
        _require(allowed, "issues", "write")
        _members(body, {"title": str, "body": str})
        made = {
            "number": 1000 + len(self.issues),
            "state": "open",
            "user": dict(BOT),
            **_issue_text(body),
            "html_url": f"{self.url}/{REPOSITORY}/issues/{1000 + len(self.issues)}",
        }
        self.issues.append(made)
        return 201, made

    def _edit_issue(self, allowed: Mapping[str, str], query: Any, body: Any, number: str) -> tuple[int, Any]:
        _require(allowed, "issues", "write")
        known = {"title": str, "body": str, "state": str, "state_reason": str}
        _members(body, {name: kind for name, kind in known.items() if name in body})
        for one in self.issues:
            if one["number"] == int(number):
                one.update({**body, **_issue_text(body)})
                return 200, one
        raise Rejected(404, "Not Found")


def _require(allowed: Mapping[str, str], scope: str, level: str) -> None:
    if allowed.get(scope, "none") not in (level, "write"):
        raise Rejected(403, f"Resource not accessible by integration ({scope}: {level})")


def _members(body: Any, kinds: Mapping[str, type]) -> None:
    if not isinstance(body, dict) or set(body) != set(kinds) or not all(isinstance(body[k], kinds[k]) for k in kinds):
        raise Rejected(422, f"Invalid request: members {sorted(body or ())}, expected {sorted(kinds)}")


def _text(body: Any) -> str:
    _members(body, {"body": str})
    if not 0 < len(body["body"]) <= LIMIT:
        raise Rejected(422, "Validation Failed: body is too long (maximum is 65536 characters)")
    return str(body["body"])


def _issue_text(body: Any) -> dict[str, str]:
    found = {name: body[name] for name in ("title", "body") if name in body}
    if len(found.get("title", "")) > 256 or len(found.get("body", "")) > LIMIT:
        raise Rejected(422, "Validation Failed")
    return found


def _page(items: list[dict[str, Any]], query: dict[str, str], hidden: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    size, page = int(query.pop("per_page", 30)), int(query.pop("page", 1))
    if query or size > 100:
        raise Rejected(422, f"unknown query {query}")
    found = items[(page - 1) * size : page * size]
    return [{name: value for name, value in one.items() if name not in hidden} for one in found]


_ROUTES: dict[tuple[str, str], Any] = {
    ("GET", r"REPO/issues/(\d+)/comments"): FakeGitHub._list_comments,
    ("POST", r"REPO/issues/(\d+)/comments"): FakeGitHub._add_comment,
    ("PATCH", r"REPO/issues/comments/(\d+)"): FakeGitHub._edit_comment,
    ("GET", r"REPO/commits/([0-9a-f]{40})/pulls"): FakeGitHub._list_pulls,
    ("GET", r"REPO/issues"): FakeGitHub._list_issues,
    ("POST", r"REPO/issues"): FakeGitHub._add_issue,
    ("PATCH", r"REPO/issues/(\d+)"): FakeGitHub._edit_issue,
}
