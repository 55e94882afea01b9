"""The cluster that a work runs on."""

from __future__ import annotations

from phift.emulator.core.context import Context
from phift.emulator.core.errors import ServiceError

__all__ = ["compute_name"]

_SERVERLESS = ("", "serverless")


def compute_name(context: Context, wanted: str, default: str) -> str:
    """The name of the cluster of an id or name, "" for serverless. default: where none is wanted.

    Raises ServiceError 400 for a cluster that does not exist.
    """
    chosen = wanted if wanted not in _SERVERLESS else default
    name = chosen.rstrip("/").rsplit("/", 1)[-1]
    if name in _SERVERLESS:
        return ""
    if context.store.get("compute", name) is None:
        raise ServiceError(
            400, "UserError", f"Compute target '{name}' was not found in the workspace.", inner=("NotFound",)
        )
    return name
