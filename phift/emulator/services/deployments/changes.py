"""Changes of a deployment, whoever asks for them: a request, or the autoscaler."""

from __future__ import annotations

from typing import Any

from phift.emulator.core.operations import Operation
from phift.emulator.services.deployments.documents import written
from phift.emulator.services.deployments.quota import check_quota
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.endpoints.rules import busy, refusal
from phift.emulator.services.endpoints.state import DEPLOYMENT

__all__ = ["MOVING", "TIMEOUT", "begin_change", "begin_scaling", "check_may_change"]

MOVING = ("Creating", "Updating", "Scaling", "Deleting")
"""States in which another operation works on a deployment."""
TIMEOUT = "PT30M"


def check_may_change(emulator: Emulator, record: dict[str, Any], document: dict[str, Any]) -> None:
    """Raises ServiceError for a deployment that another operation works on, or that never came up."""
    state = document["properties"]["provisioningState"]
    if state in MOVING:
        raise busy(emulator.store, "Deployment", document["name"], state)
    if state == "Failed" and not record["succeeded"]:
        text = (
            f"Specified deployment [{document['name']}] failed during initial provisioning and is in an unrecoverable "
            "state. Delete and re-create."
        )
        raise refusal({"": text})


def begin_change(
    emulator: Emulator, endpoint: str, document: dict[str, Any], record: dict[str, Any] | None, api_version: str
) -> Operation:
    """Store the document as being worked on, and start the operation that makes it so. endpoint: in its own case.
    record: as it was before, None for a new deployment."""
    name = document["name"]
    state = "Creating"
    if record:
        before = record["document"]
        state = "Scaling" if _only_scaled(before, document) else "Updating"
    document["properties"]["provisioningState"] = state
    url = f"https://management.azure.com{document['id']}?api-version={api_version}"
    with emulator.store.transaction():
        operation = emulator.operations.start(
            DEPLOYMENT,
            (endpoint, name),
            finish="deployment.written",
            location=url,
            timeout=TIMEOUT,
            api_version=api_version,
        )
        stored = {
            "document": document,
            "operation": record["operation"] if record else operation.name,  # stays the first one's (recorded 2025-02)
            "succeeded": bool(record and record["succeeded"]),
            "launch": record["launch"] if record else None,
            "served": record["served"] if record else None,
        }
        emulator.store.put(DEPLOYMENT, endpoint, name, body=stored)
    return operation


def _only_scaled(before: dict[str, Any], after: dict[str, Any]) -> bool:
    old = {**before["properties"], "provisioningState": ""}
    return before["sku"] != after["sku"] and old == {**after["properties"], "provisioningState": ""}


def begin_scaling(
    emulator: Emulator, endpoint: str, record: dict[str, Any], document: dict[str, Any], capacity: Any, api_version: str
) -> Operation:
    """Start the operation that changes the number of instances. document: of the record, with what else changes.

    Raises ServiceError for a number that is refused, for quota that is exhausted, and as check_may_change.
    """
    check_may_change(emulator, record, record["document"])
    document = written(emulator, endpoint, document["name"], {**document, "sku": {"capacity": capacity}}, document)
    check_quota(emulator, document, record["document"], total=False)
    return begin_change(emulator, document["id"].split("/")[-3], document, record, api_version)
