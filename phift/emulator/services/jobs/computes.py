"""The cluster, or the serverless compute, that a work runs on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.emulator.core.assumed import holds
from phift.emulator.core.context import Context
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.sizes import size_named

__all__ = ["check_serverless", "compute_name"]

_SERVERLESS = ("", "serverless")
_NO_STEP = "model_evaluation"
"""The components have its inputs, and no such step any more (azureml-assets, since 0.0.57)."""


def compute_name(context: Context, wanted: str, default: str) -> str:
    """The name of the cluster of an id or name, "" for serverless. default: where none is wanted.

    Raises ServiceError 400 for a cluster that does not exist.
    """
    chosen = wanted if wanted not in _SERVERLESS else default
    name = _last(chosen)
    if name in _SERVERLESS:
        return ""
    if context.store.get("compute", name) is None:
        raise ServiceError(
            400, "UserError", f"Compute target '{name}' was not found in the workspace.", inner=("NotFound",)
        )
    return name


def check_serverless(context: Context, parameters: Mapping[str, Any], default: str) -> str:
    """The VM size of the fine-tune step on serverless compute, "" where it runs on a cluster.

    parameters: inputs of the component, defaults filled in. default: the pipeline's own compute. Raises ServiceError
    400 for a step on serverless compute whose size is unknown or no longer offered.
    """
    now, found = context.clock.now(), ""
    for name, value in parameters.items():
        step = name.removeprefix("compute_")
        if step in (name, _NO_STEP) or str(value or "") not in _SERVERLESS or _last(default) not in _SERVERLESS:
            continue
        asked = str(parameters.get(f"instance_type_{step}") or "")
        size = size_named(asked)
        # (assumed: serverless_size_is_checked)
        if (size is None or not size.offered(now)) and holds(context.store, "serverless_size_is_checked"):
            why = f"retired on {size.retired}" if size else "unknown"
            message = (
                f"The instance type '{asked}' of step '{step}' is not available for serverless compute ({why}). "
                f"Set the input instance_type_{step}."
            )
            raise ServiceError(400, "UserError", message, inner=("BadArgument", "InvalidInstanceType"))
        if step == "finetune" and size is not None:
            found = size.name
    return found


def _last(identifier: str) -> str:
    return identifier.rstrip("/").rsplit("/", 1)[-1]
