"""The versions of phift and of what it runs on. Imports none of it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from phift import __version__, catalog

__all__ = ["Versions", "versions"]

_PACKAGES = ("azure-ai-ml", "azure-core", "azure-identity", "datasets", "pydantic", "torch", "transformers", "mlflow")
"""Those whose version matters for a bug report. The last ones belong to the extra [local]."""


@dataclass(frozen=True)
class Versions:
    """The versions. catalogue: ISO date. packages: None for one that is not installed."""

    phift: str
    catalogue: str
    python: str
    platform: str
    packages: Mapping[str, str | None]


def versions() -> Versions:
    """Return the versions of this installation."""
    return Versions(
        phift=__version__,
        catalogue=str(catalog.AS_OF),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        packages={name: _installed(name) for name in _PACKAGES},
    )


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
