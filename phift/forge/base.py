"""What phift needs of a service that hosts repositories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from phift.errors import PhiftError, UsageError

__all__ = ["Comment", "Forge", "ForgeError", "Issue", "Pull", "variable"]


class ForgeError(PhiftError):
    """A request to the service that hosts the repository failed. status: of HTTP, 0 without an answer."""

    def __init__(self, summary: str, *, status: int = 0, detail: str = "", remedy: str = "") -> None:
        super().__init__(summary, detail=detail, remedy=remedy)
        self.status = status


@dataclass(frozen=True)
class Pull:
    """A pull request. head: its last commit. url: for people. merge: the commit by which it was merged, the last one
    of a rebase; empty if it is open."""

    number: int
    head: str
    url: str
    merge: str = ""


@dataclass(frozen=True)
class Comment:
    """A comment that the identity of the workflow has written. edited_by: who else edited it since, empty if nobody."""

    body: str
    url: str
    edited_by: str = ""


@dataclass(frozen=True)
class Issue:
    """An open issue that the identity of the workflow has opened."""

    number: int
    url: str


class Forge(Protocol):
    """Pull requests and issues of the repository of the running workflow. Every method raises ForgeError.

    commit: that the workflow runs for. run_url: of the running workflow. source_url: of the repository at a commit,
    for links to files. has_issues: whether issues are supported. summary, output: the files that the service reads a
    summary and named results from, empty without one.
    """

    @property
    def commit(self) -> str: ...

    @property
    def run_url(self) -> str: ...

    @property
    def has_issues(self) -> bool: ...

    @property
    def summary(self) -> str: ...

    @property
    def output(self) -> str: ...

    @property
    def shows_summary(self) -> str:
        """The line to print after the summary is written; empty if none is needed."""

    def sets(self, name: str, value: str) -> str:
        """Return the line to print to set a result; empty if none is needed."""

    def source_url(self, commit: str) -> str: ...

    def pull(self) -> Pull | None:
        """Return the pull request that the workflow runs for; None for another event."""

    def merged_pulls(self, commit: str, *, patient: bool = False) -> list[Pull]:
        """Return the pull requests that brought a commit to the branch of the workflow. patient: wait a few seconds for
        the first one, because a new commit is not connected with its pull request at once."""

    def comment(self, number: int, marker: str) -> Comment | None:
        """Return the comment that begins with the marker and that the identity of the workflow has written."""

    def write_comment(self, number: int, marker: str, body: str) -> str:
        """Create or update that comment, and return its address. body: begins with the marker."""

    def write_issue(self, marker: str, title: str, body: str) -> Issue:
        """Create or update the open issue whose body begins with the marker."""

    def close_issue(self, marker: str, body: str) -> Issue | None:
        """Update and close that issue; None if it is not open."""


def variable(environ: Mapping[str, str], name: str, why: str = "") -> str:
    """Return a variable of the environment. Raises UsageError if it is missing."""
    if found := environ.get(name, ""):
        return found
    raise UsageError(f"the environment variable {name} is not set", remedy=why)
