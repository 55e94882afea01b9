"""What a pull request comment shows besides the plans: links to files, and what changed since a Git ref."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from phift.errors import PhiftError
from phift.files import repository_of

if TYPE_CHECKING:
    from phift.phases import Connector, Request
    from phift.views.markdown import Comment, Since
    from phift.views.markdown_text import Links

__all__ = ["comment_of", "links_of", "since"]


def comment_of(
    spec: Path, source_url: str | None = None, *, since: Callable[[], Mapping[str, Since]] | None = None
) -> Comment:
    """Return the comment of `phift plan --format md`. spec: a file in the repository. since: by stack."""
    from phift.views.markdown import Comment

    return Comment(links=links_of(spec, source_url), since=since() if since else {})


def links_of(spec: Path, source_url: str | None = None, commit: str = "") -> Links:
    """Return the links to files of a spec's repository: below the address, or from the environment of GitHub Actions.

    commit: by default GITHUB_SHA. Without an address, files are not linked.
    """
    from phift.views.markdown_text import Links

    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY")
    server, name = (os.environ.get(one, "") for one in names)
    commit = commit or os.environ.get("GITHUB_SHA", "")
    default = f"{server}/{name}/blob/{commit}" if server and name and commit else ""
    url = source_url or default
    return Links(url if url.startswith(("https://", "http://")) else "", repository_of(spec.absolute().parent))


def since(requests: Mapping[str, Request], base: str | None, connect: Connector) -> Mapping[str, Since]:
    """Return what changed since a Git ref, by stack; nothing without a ref. requests: by stack.

    Data that cannot be compared is reported in its place. Raises UsageError if the ref does not exist, or without Git.
    """
    if not base:
        return {}
    from phift.cli.base_ref import rendered_diff
    from phift.views.markdown import Since

    return {
        stack: Since(base, rendered_diff(request, base), _data(request, base, connect))
        for stack, request in requests.items()
    }


def _data(request: Request, base: str, connect: Connector) -> tuple[str, ...]:
    from phift.phases.compare_data import data_since
    from phift.views.markdown_data import lines, not_compared

    try:
        found = data_since(request, base, connect)
    except PhiftError as error:
        return (not_compared(error),)
    return lines(found) if found is not None else ()
