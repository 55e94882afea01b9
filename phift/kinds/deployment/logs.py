"""The log of a deployment's container."""

from __future__ import annotations

from phift.azure.session import Azure
from phift.kinds.shared.wire import READ

__all__ = ["container_log"]


def container_log(azure: Azure, deployment: str, tail: int) -> list[str]:
    """Return at most `tail` last log lines of the deployment at an ARM path.

    Raises NotFoundError after its deletion.
    """
    answer = azure.arm.post(f"{deployment}/getLogs", READ, {"containerType": "InferenceServer", "tail": tail})
    return str((answer.body or {}).get("content") or "").splitlines()
