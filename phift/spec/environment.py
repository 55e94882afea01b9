"""Which environment variables a spec may read: those that say where it runs, never those that may hold a secret.

Whoever opens a pull request writes specs that CI plans. Other variables need a word of the one who runs phift, and no
file of the repository can give it.
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
    """The environment as templates see it. allowed: names that may be read beside READABLE and PREFIXES; those of
    PHIFT_ALLOW_ENV, separated by commas, come on top."""

    def __init__(self, environ: Mapping[str, str], allowed: Collection[str] = ()) -> None:
        named = environ.get(ALLOW_VARIABLE, "").split(",")
        self._environ = environ
        self._allowed = {*READABLE, *allowed, *(name.strip() for name in named)}

    def allows(self, name: str) -> bool:
        """Whether a spec may read the variable, set or not."""
        return name in self._allowed or name.startswith(PREFIXES)

    def names(self) -> list[str]:
        """Those that are set and may be read."""
        return [name for name in self._environ if self.allows(name)]

    def __getitem__(self, name: str) -> str:
        return self._environ[name]

    def __contains__(self, name: str) -> bool:
        return name in self._environ
