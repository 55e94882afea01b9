"""The environment variables that a spec can read: those that describe where it runs, never possible secrets.

CI plans specs from pull requests, so a file of the repository cannot grant access to further variables. Only the user
who runs phift can.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

__all__ = ["ALLOW_VARIABLE", "PREFIXES", "READABLE", "Environment"]

ALLOW_VARIABLE = "PHIFT_ALLOW_ENV"

READABLE = (
    "AZURE_SUBSCRIPTION_ID",
    "AZURE_RESOURCE_GROUP",
    "AZURE_WORKSPACE_NAME",
    "AZURE_LOCATION",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "GITHUB_SHA",
    "GITHUB_REF_NAME",
    "GITHUB_REPOSITORY",
    "GITHUB_RUN_ID",
    "USER",
)
PREFIXES = ("PHIFT_VAR_", "BUILD_")


class Environment:
    """The environment for templates.

    allowed: readable names in addition to READABLE, PREFIXES and those in PHIFT_ALLOW_ENV (separated by commas).
    """

    def __init__(self, environ: Mapping[str, str], allowed: Collection[str] = ()) -> None:
        named = environ.get(ALLOW_VARIABLE, "").split(",")
        self._environ = environ
        self._allowed = {*READABLE, *allowed, *(name.strip() for name in named)}

    def allows(self, name: str) -> bool:
        """Return whether a spec is allowed to read a variable, set or not."""
        return name in self._allowed or name.startswith(PREFIXES)

    def names(self) -> list[str]:
        """Return the names of the readable variables that are set."""
        return [name for name in self._environ if self.allows(name)]

    def __getitem__(self, name: str) -> str:
        return self._environ[name]

    def __contains__(self, name: str) -> bool:
        return name in self._environ
