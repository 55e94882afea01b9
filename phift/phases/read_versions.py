"""The versions of phift and of what it runs on. Imports none of it."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from phift import __version__, catalog

__all__ = ["versions"]

_PACKAGES = ("azure-ai-ml", "azure-core", "azure-identity", "datasets", "pydantic", "torch", "transformers", "mlflow")
"""Those whose version matters for a bug report. The last ones belong to the extra [local]."""


def versions() -> dict[str, Any]:
    """Return them as a plain value; None for a package that is not installed."""
    return {
        "format_version": "1.0",
        "phift": __version__,
        "catalogue": str(catalog.AS_OF),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": {name: _installed(name) for name in _PACKAGES},
    }


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
