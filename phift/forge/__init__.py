"""The service that hosts the repository: pull requests, their comments, and issues, through its REST API.

`forge()` returns the one that the environment of the running workflow names. It imports nothing else of phift.
"""

from __future__ import annotations

from collections.abc import Mapping

from phift.errors import UsageError
from phift.forge.base import Comment, Forge, ForgeError, Issue, Pull

__all__ = ["Comment", "Forge", "ForgeError", "Issue", "Pull", "forge"]


def forge(environ: Mapping[str, str], *, author: str = "") -> Forge:
    """Return the service of the running workflow. author: the login that the token of the workflow belongs to, if it is
    not the default one.

    Raises UsageError outside of a workflow, and if a variable of the environment is missing.
    """
    if environ.get("GITHUB_ACTIONS") == "true":
        from phift.forge.github import GitHub

        return GitHub.of(environ, author)
    if environ.get("TF_BUILD"):
        from phift.forge.azure_repos import AzureRepos

        return AzureRepos.of(environ)
    raise UsageError(
        "not in a workflow: neither GITHUB_ACTIONS nor TF_BUILD is set",
        remedy="This command runs in GitHub Actions and in Azure Pipelines; elsewhere, use `phift plan` and "
        "`phift apply --approved`.",
    )
