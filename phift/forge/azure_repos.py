"""Azure Repos: pull requests and their threads. Issues are not supported: work items differ by project.

A comment counts only if the identity of the pipeline's token has written it. Azure Repos lets only its author edit a
comment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from phift.errors import UsageError
from phift.forge.base import Comment, ForgeError, Issue, Pull, variable
from phift.forge.rest import Rest

__all__ = ["AzureRepos"]

_VERSION = "?api-version=7.1"
_ALERT = re.compile(r"^> \[!(?:CAUTION|WARNING)\]\n", re.MULTILINE)
"""The first line of an alert of GitHub, which Azure Repos shows as text."""
_TOKEN = "Add to the step: env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken)}"


@dataclass(frozen=True)
class AzureRepos:
    """A repository in a run of Azure Pipelines. pull_id: of the pull request, 0 for another event. head: its last
    commit."""

    rest: Rest
    collection: str
    project: str
    repository: str
    web: str
    commit: str
    branch: str
    run_url: str
    pull_id: int = 0
    head: str = ""
    summary: str = ""
    output: str = ""
    has_issues: bool = False

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> AzureRepos:
        """Return the repository of the environment. Raises UsageError if a variable is missing, and for a repository of
        another service."""
        token = variable(environ, "SYSTEM_ACCESSTOKEN", _TOKEN)
        if (provider := variable(environ, "BUILD_REPOSITORY_PROVIDER")) != "TfsGit":
            raise UsageError(
                f"the repository is in {provider}, not in Azure Repos",
                remedy="For a repository in GitHub, use GitHub Actions: phift ci github SPEC.",
            )
        collection = variable(environ, "SYSTEM_COLLECTIONURI")
        project = quote(variable(environ, "SYSTEM_TEAMPROJECT"), safe="")
        return cls(
            Rest(collection, {"Authorization": f"Bearer {token}", "Accept": "application/json"}),
            collection,
            project,
            quote(variable(environ, "BUILD_REPOSITORY_ID"), safe=""),
            environ.get("BUILD_REPOSITORY_URI", ""),
            variable(environ, "BUILD_SOURCEVERSION"),
            variable(environ, "BUILD_SOURCEBRANCH"),
            f"{collection.rstrip('/')}/{project}/_build/results?buildId={variable(environ, 'BUILD_BUILDID')}",
            int(environ.get("SYSTEM_PULLREQUEST_PULLREQUESTID") or 0),
            environ.get("SYSTEM_PULLREQUEST_SOURCECOMMITID", ""),
            os.path.join(variable(environ, "AGENT_TEMPDIRECTORY"), "phift.md"),
        )

    @property
    def shows_summary(self) -> str:
        return f"##vso[task.uploadsummary]{self.summary}"

    def sets(self, name: str, value: str) -> str:
        return f"##vso[task.setvariable variable={name};isOutput=true]{value}"

    def source_url(self, commit: str) -> str:
        """Files are not linked: their addresses have the path in the query."""
        return ""

    def pull(self) -> Pull | None:
        return Pull(self.pull_id, self.head, self._pull_url(self.pull_id)) if self.pull_id else None

    def merged_pulls(self, commit: str, *, patient: bool = False) -> list[Pull]:
        query = {"queries": [{"items": [commit], "type": "lastMergeCommit"}]}
        answer = self.rest.send("POST", self._path("pullrequestquery"), query)
        found = [one for result in answer["results"] for many in result.values() for one in many]
        return [self._merged(one) for one in found if self._is_merged(one)]

    def comment(self, number: int, marker: str) -> Comment | None:
        found = self._comment(number, marker)
        return Comment(str(found[1]["content"]), self._pull_url(number)) if found else None

    def write_comment(self, number: int, marker: str, body: str) -> str:
        body = _ALERT.sub("", body)
        found = self._comment(number, marker)
        threads = f"pullRequests/{int(number)}/threads"
        if found is None:
            first = {"parentCommentId": 0, "content": body, "commentType": "text"}
            self.rest.send("POST", self._path(threads), {"comments": [first], "status": "closed"})
        elif found[1]["content"] != body:
            place = f"{threads}/{int(found[0])}/comments/{int(found[1]['id'])}"
            self.rest.send("PATCH", self._path(place), {"content": body})
        return self._pull_url(number)

    def write_issue(self, marker: str, title: str, body: str) -> Issue:
        raise ForgeError("Azure Repos has no issues")

    def close_issue(self, marker: str, body: str) -> Issue | None:
        return None

    @cached_property
    def _me(self) -> str:
        """The id of the identity that the token belongs to."""
        try:
            return str(self.rest.get("/_apis/connectionData")["authenticatedUser"]["id"])
        except (KeyError, TypeError):
            raise ForgeError("Azure DevOps does not say whom the token belongs to") from None

    def _path(self, rest: str) -> str:
        return f"/{self.project}/_apis/git/repositories/{self.repository}/{rest}{_VERSION}"

    def _pull_url(self, number: int) -> str:
        return f"{self.web}/pullrequest/{number}" if self.web else f"pull request {number}"

    def _is_merged(self, pull: Mapping[str, Any]) -> bool:
        return pull.get("status") == "completed" and pull.get("targetRefName") == self.branch

    def _merged(self, pull: Mapping[str, Any]) -> Pull:
        try:
            number = int(pull["pullRequestId"])
            head, merge = pull["lastMergeSourceCommit"]["commitId"], pull["lastMergeCommit"]["commitId"]
        except (KeyError, TypeError, ValueError):
            raise ForgeError("Azure Repos describes a pull request without its commits") from None
        return Pull(number, str(head), self._pull_url(number), str(merge))

    def _comment(self, number: int, marker: str) -> tuple[int, dict[str, Any]] | None:
        """Return the thread and the comment."""
        answer = self.rest.get(self._path(f"pullRequests/{int(number)}/threads").removesuffix(_VERSION), **_QUERY)
        for thread in answer["value"]:
            for one in () if thread.get("isDeleted") else thread["comments"]:
                first = str(one.get("content") or "").replace("\r\n", "\n").partition("\n")[0]
                if first == marker and not one.get("isDeleted") and one["author"]["id"] == self._me:
                    return thread["id"], one
        return None


_QUERY = {"api-version": "7.1"}
