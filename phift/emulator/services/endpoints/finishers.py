"""What ends the operations of online endpoints."""

from __future__ import annotations

from phift.emulator.core.errors import ServiceError
from phift.emulator.core.operations import Operation
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.endpoints.state import (
    DEPLOYMENT,
    ENDPOINT,
    deployments_of,
)
from phift.emulator.services.endpoints.traffic import rerouted

__all__ = ["FINISHERS", "finish_delete", "finish_key", "finish_write"]


def finish_write(emulator: Emulator, operation: Operation) -> None:
    """End a create or update: the URIs appear, the new traffic is in force. One that failed is there, and holds its
    name; after an update that failed the traffic is as it was."""
    record = emulator.store.get(ENDPOINT, *operation.resource)
    if record is None or record["document"]["properties"]["provisioningState"] == "Deleting":
        raise ServiceError(409, "OperationCanceled", "The endpoint was deleted meanwhile.")
    document = record["document"]
    try:
        operation.fail_if_asked()
    except ServiceError:
        document["properties"]["provisioningState"] = "Failed"
        emulator.store.put(ENDPOINT, *operation.resource, body=record)
        raise
    base = f"https://{document['name']}.{emulator.workspace.location}.inference.ml.azure.com"
    document["properties"] |= {
        "scoringUri": f"{base}/score",
        "swaggerUri": f"{base}/swagger.json",
        "provisioningState": "Succeeded",
    }
    wanted = document["properties"]
    record = rerouted(record, wanted["traffic"], wanted["mirrorTraffic"], emulator.pace.lag_seconds)
    emulator.store.put(ENDPOINT, *operation.resource, body=record)


async def finish_delete(emulator: Emulator, operation: Operation) -> None:
    """End a delete with all deployments; the name and their quota are free only now."""
    name = operation.resource[0]
    try:
        operation.fail_if_asked()
    except ServiceError:
        if record := emulator.store.get(ENDPOINT, name):
            record["document"]["properties"]["provisioningState"] = "Failed"
            emulator.store.put(ENDPOINT, name, body=record)
        for kept in deployments_of(emulator.store, name):  # (assumed: failed_delete_keeps_deployments)
            kept["document"]["properties"]["provisioningState"] = "Succeeded" if kept["succeeded"] else "Failed"
            emulator.store.put(DEPLOYMENT, name, kept["document"]["name"], body=kept)
        raise
    for record in deployments_of(emulator.store, name):
        await emulator.containers.remove(name, record["document"]["name"])
        emulator.store.delete(DEPLOYMENT, name, record["document"]["name"])
    emulator.store.delete(ENDPOINT, name)


def finish_key(emulator: Emulator, operation: Operation) -> None:
    """End a regeneration."""
    operation.fail_if_asked()
    record = emulator.store.get(ENDPOINT, *operation.resource)
    if record is None:
        raise ServiceError(409, "OperationCanceled", "The endpoint was deleted meanwhile.")
    record["keys"][operation.data["which"]] = operation.data["key"]
    emulator.store.put(ENDPOINT, *operation.resource, body=record)


FINISHERS = {
    "endpoint.written": finish_write,
    "endpoint.deleted": finish_delete,
    "endpoint.key_regenerated": finish_key,
}
