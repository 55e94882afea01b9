"""What ends the operations of deployments."""

from __future__ import annotations

from typing import Any

from phift.emulator.core.errors import ServiceError
from phift.emulator.core.operations import Operation
from phift.emulator.services.deployments.prepare import describe
from phift.emulator.services.deployments.quota import check_quota
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.endpoints.state import DEPLOYMENT, ENDPOINT

__all__ = ["FINISHERS", "finish_delete", "finish_write"]


async def finish_write(emulator: Emulator, operation: Operation) -> None:
    """End a create or update once the container is ready. When it does not come up the deployment is Failed, and
    what served before keeps serving."""
    endpoint, name = operation.resource
    record = _current(emulator, operation)
    document = record["document"]
    launch = describe(emulator, endpoint, document, operation.name.rsplit(":", 1)[-1][:8])
    try:
        operation.fail_if_asked()
        check_quota(emulator, document, record["served"], total=True)
        await emulator.containers.deploy(endpoint, name, launch, document["sku"]["capacity"])
    except ServiceError:
        record = _current(emulator, operation)
        record["document"]["properties"]["provisioningState"] = "Failed"
        emulator.store.put(DEPLOYMENT, endpoint, name, body=record)
        raise
    record = _current(emulator, operation)
    document = record["document"]
    document["properties"]["provisioningState"] = "Succeeded"
    container = emulator.containers.find(endpoint, name)
    record |= {"succeeded": True, "launch": container.launch.stored() if container else None, "served": document}
    emulator.store.put(DEPLOYMENT, endpoint, name, body=record)


def _current(emulator: Emulator, operation: Operation) -> dict[str, Any]:
    record = emulator.store.get(DEPLOYMENT, *operation.resource)
    if record is None or record["document"]["properties"]["provisioningState"] == "Deleting":
        raise ServiceError(409, "OperationCanceled", "The deployment was deleted meanwhile.")
    return record


async def finish_delete(emulator: Emulator, operation: Operation) -> None:
    """End a delete once the requests under way are answered; quota is free only now."""
    endpoint, name = operation.resource
    try:
        operation.fail_if_asked()
    except ServiceError:
        if record := emulator.store.get(DEPLOYMENT, endpoint, name):
            record["document"]["properties"]["provisioningState"] = "Failed"
            emulator.store.put(DEPLOYMENT, endpoint, name, body=record)
        raise
    await emulator.containers.remove(endpoint, name)
    parent = emulator.store.get(ENDPOINT, endpoint)
    with emulator.store.transaction():
        emulator.store.delete(DEPLOYMENT, endpoint, name)
        if parent:
            properties = parent["document"]["properties"]
            for field in ("traffic", "mirrorTraffic"):
                properties[field] = {
                    key: share for key, share in properties[field].items() if key.casefold() != name.casefold()
                }
            emulator.store.put(ENDPOINT, endpoint, body=parent)


FINISHERS = {
    "deployment.written": finish_write,
    "deployment.deleted": finish_delete,
}
