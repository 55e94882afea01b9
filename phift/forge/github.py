"""GitHub: pull requests, comments and issues.

A comment or an issue counts only if the identity of the workflow's token has written it: anybody may write one with the
same marker. Who edited a comment since is asked of the GraphQL API, which alone knows it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phift.errors import UsageError
from phift.files import STATE_BYTES, read_regular
from phift.forge.base import Comment, ForgeError, Issue, Pull, variable
from phift.forge.rest import Rest

__all__ = ["BOT", "GitHub"]

BOT = "github-actions[bot]"
"""The login of the workflow's own token. Brackets are not possible in the login of a user."""

_LAG = (1.0, 2.0, 4.0)
"""Seconds to wait for GitHub to connect a new commit with its pull request."""

_EDITOR = "query($id: ID!) { node(id: $id) { ... on IssueComment { editor { __typename login } } } }"
_TOKEN = "Add to the step: env: {GITHUB_TOKEN: '${{ github.token }}'}"


@dataclass(frozen=True)
class GitHub:
    """A repository in a run of GitHub Actions. author: the login that the token belongs to. event: what the workflow
    runs for."""

    rest: Rest
    graphql: Rest
    repository: str
    server: str
    author: str
    commit: str
    branch: str
    run_url: str
    event: Mapping[str, Any]
    summary: str = ""
    output: str = ""
    has_issues: bool = True
    shows_summary: str = ""

    @classmethod
    def of(cls, environ: Mapping[str, str], author: str = "") -> GitHub:
        """Return the repository of the environment. Raises UsageError if a variable is missing."""
        token = variable(environ, "GITHUB_TOKEN", _TOKEN)
        api = environ.get("GITHUB_API_URL") or "https://api.github.com"
        server = environ.get("GITHUB_SERVER_URL") or "https://github.com"
        repository = variable(environ, "GITHUB_REPOSITORY")
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        graphql = environ.get("GITHUB_GRAPHQL_URL") or f"{api}/graphql"
        return cls(
            Rest(api, headers),
            Rest(graphql, headers),
            repository,
            server,
            author or BOT,
            variable(environ, "GITHUB_SHA"),
            environ.get("GITHUB_REF_NAME", ""),
            f"{server}/{repository}/actions/runs/{variable(environ, 'GITHUB_RUN_ID')}",
            _event(variable(environ, "GITHUB_EVENT_PATH")),
            environ.get("GITHUB_STEP_SUMMARY", ""),
            environ.get("GITHUB_OUTPUT", ""),
        )

    def sets(self, name: str, value: str) -> str:
        return ""

    def source_url(self, commit: str) -> str:
        return f"{self.server}/{self.repository}/blob/{commit}"

    def pull(self) -> Pull | None:
        found = self.event.get("pull_request")
        return _pull(found) if isinstance(found, Mapping) else None

    def merged_pulls(self, commit: str, *, patient: bool = False) -> list[Pull]:
        for pause in (*(_LAG if patient else ()), None):
            listed = self.rest.pages(self._path(f"commits/{commit}/pulls"))
            found = [_pull(one) for one in listed if self._is_merged(one)]
            if found or pause is None:
                break
            time.sleep(pause)
        return found

    def comment(self, number: int, marker: str) -> Comment | None:
        found = self._comment(number, marker)
        if found is None:
            return None
        return Comment(str(found["body"]), str(found["html_url"]), self._edited_by(str(found["node_id"])))

    def write_comment(self, number: int, marker: str, body: str) -> str:
        found = self._comment(number, marker)
        if found is None:
            made = self.rest.send("POST", self._path(f"issues/{number}/comments"), {"body": body})
        elif _same(found["body"], body):
            made = found
        else:
            made = self.rest.send("PATCH", self._path(f"issues/comments/{int(found['id'])}"), {"body": body})
        return str(made["html_url"])

    def write_issue(self, marker: str, title: str, body: str) -> Issue:
        found = self._issue(marker)
        content = {"title": title, "body": body}
        if found is None:
            return _issue(self.rest.send("POST", self._path("issues"), content))
        if not _same(found["body"], body) or found["title"] != title:
            found = self.rest.send("PATCH", self._path(f"issues/{int(found['number'])}"), content)
        return _issue(found)

    def close_issue(self, marker: str, body: str) -> Issue | None:
        found = self._issue(marker)
        if found is None:
            return None
        closed = {"state": "closed", "state_reason": "completed", "body": body}
        return _issue(self.rest.send("PATCH", self._path(f"issues/{int(found['number'])}"), closed))

    def _path(self, rest: str) -> str:
        return f"/repos/{self.repository}/{rest}"

    def _is_merged(self, pull: Mapping[str, Any]) -> bool:
        base = pull.get("base") or {}
        repository = str((base.get("repo") or {}).get("full_name", ""))
        into_here = base.get("ref") == self.branch and repository.lower() == self.repository.lower()
        return bool(pull.get("merged_at")) and into_here

    def _comment(self, number: int, marker: str) -> dict[str, Any] | None:
        listed = self.rest.pages(self._path(f"issues/{number}/comments"))
        return next((one for one in listed if self._is_ours(one, marker)), None)

    def _issue(self, marker: str) -> dict[str, Any] | None:
        listed = self.rest.pages(self._path("issues"), state="open")
        return next((one for one in listed if "pull_request" not in one and self._is_ours(one, marker)), None)

    def _is_ours(self, item: Mapping[str, Any], marker: str) -> bool:
        user = item.get("user") or {}
        if user.get("login") != self.author or (self.author.endswith("[bot]") and user.get("type") != "Bot"):
            return False
        return str(item.get("body") or "").replace("\r\n", "\n").partition("\n")[0] == marker

    def _edited_by(self, node: str) -> str:
        answer = self.graphql.send("POST", "", {"query": _EDITOR, "variables": {"id": node}})
        try:
            editor = answer["data"]["node"]["editor"]
        except (KeyError, TypeError):
            raise ForgeError("GitHub does not say who edited the comment", detail=str(answer)[:300]) from None
        if editor is None:
            return ""
        login, kind = str(editor["login"]), editor["__typename"]
        # The GraphQL API names an app without the suffix.
        ours = f"{login}[bot]" if kind == "Bot" and not login.endswith("[bot]") else login
        return "" if ours == self.author else login


def _event(path: str) -> Mapping[str, Any]:
    try:
        found = json.loads(read_regular(Path(path), STATE_BYTES))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the event of the workflow, {path}: {error}") from None
    return found if isinstance(found, dict) else {}


def _pull(found: Mapping[str, Any]) -> Pull:
    try:
        merge = str(found.get("merge_commit_sha") or "") if found.get("merged_at") else ""
        return Pull(int(found["number"]), str(found["head"]["sha"]), str(found["html_url"]), merge)
    except (KeyError, TypeError, ValueError):
        raise ForgeError("GitHub describes a pull request without number, head or address") from None


def _issue(found: Mapping[str, Any]) -> Issue:
    return Issue(int(found["number"]), str(found["html_url"]))


def _same(stored: Any, body: str) -> bool:
    return str(stored or "").replace("\r\n", "\n").rstrip() == body.rstrip()
