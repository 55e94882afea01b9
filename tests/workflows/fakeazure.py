"""A stand-in of Azure DevOps' REST API on loopback: threads of pull requests, and the pull requests of a merge commit.

Strict on paths, versions, authorization and members. Written from the documentation of version 7.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from jsonserver import served

__all__ = ["ME", "FakeAzure"]

ME = "11111111-0000-0000-0000-000000000000"
_REPO = "/my project/_apis/git/repositories/repo-id"


@dataclass
class FakeAzure:
    """threads: by pull request. pulls: by the merge commit."""

    url: str = ""
    threads: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    pulls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    count: int = 0

    @classmethod
    @contextmanager
    def serving(cls) -> Iterator[FakeAzure]:
        made = cls()
        with served(made.answer) as url:
            made.url = f"{url}/contoso/"
            yield made

    def says(self, number: int, content: str, author: str = ME) -> dict[str, Any]:
        """Open a thread as somebody, and return its first comment."""
        self.count += 1
        comment = {"id": 1, "content": content, "author": {"id": author, "displayName": "x"}, "commentType": "text"}
        self.threads.setdefault(number, []).append({"id": self.count, "comments": [comment]})
        return comment

    def contents(self, number: int) -> list[str]:
        return [str(one["content"]) for thread in self.threads.get(number, []) for one in thread["comments"]]

    def answer(self, method: str, target: str, headers: Mapping[str, str], raw: bytes) -> tuple[int, Any]:
        body = json.loads(raw) if raw else None
        parts = urlsplit(target)
        path = unquote(parts.path).removeprefix("/contoso")
        if headers.get("authorization") != "Bearer secret-token":
            return 401, {}
        if (method, path) == ("GET", "/_apis/connectionData"):
            return 200, {"authenticatedUser": {"id": ME}}
        if parse_qs(parts.query) != {"api-version": ["7.1"]}:
            return 400, {"message": "no version"}
        if (method, path) == ("POST", f"{_REPO}/pullrequestquery"):
            (query,) = body["queries"]
            assert query["type"] == "lastMergeCommit"
            return 200, {"results": [{commit: self.pulls.get(commit, []) for commit in query["items"]}]}
        if found := re.fullmatch(rf"{_REPO}/pullRequests/(\d+)/threads", path):
            number = int(found[1])
            if method == "GET":
                return 200, {"value": self.threads.get(number, [])}
            assert method == "POST"
            assert set(body) == {"comments", "status"}
            (first,) = body["comments"]
            assert {name: first[name] for name in first if name != "content"} == {
                "parentCommentId": 0,
                "commentType": "text",
            }
            return 200, self.says(number, first["content"])
        if (found := re.fullmatch(rf"{_REPO}/pullRequests/(\d+)/threads/(\d+)/comments/(\d+)", path)) and (
            method == "PATCH" and set(body) == {"content"}
        ):
            (thread,) = (t for t in self.threads[int(found[1])] if t["id"] == int(found[2]))
            (comment,) = (c for c in thread["comments"] if c["id"] == int(found[3]))
            if comment["author"]["id"] != ME:
                return 403, {"message": "not the author"}
            comment.update(body)
            return 200, comment
        return 404, {"message": f"{method} {path}"}
