"""What ends the operations of clusters."""

from __future__ import annotations

from phift.emulator.core.documents import timestamp
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.operations import Operation
from phift.emulator.services.compute.rules import check_quota
from phift.emulator.services.emulator import Emulator

__all__ = ["FINISHERS", "finish_delete", "finish_write"]


def finish_write(emulator: Emulator, operation: Operation) -> None:
    """End a create or update: Succeeded, or Failed when not one node fits; a failed record keeps its name."""
    document = emulator.store.get("compute", *operation.resource)
    if document is None or document["properties"]["provisioningState"] == "Deleting":
        raise ServiceError(409, "OperationCanceled", "The compute was deleted meanwhile.")
    properties = document["properties"]
    try:
        operation.fail_if_asked()
        check_quota(emulator, properties["properties"], document["location"], kept=operation.data.get("kept"))
    except ServiceError as error:
        properties["provisioningState"] = "Failed"
        properties["provisioningErrors"] = [{"error": {"details": [], **error.body()}}]
        emulator.store.put("compute", *operation.resource, body=document)
        raise
    properties["provisioningState"] = "Succeeded"
    properties["modifiedOn"] = timestamp()
    emulator.store.put("compute", *operation.resource, body=document)


def finish_delete(emulator: Emulator, operation: Operation) -> None:
    """End a delete: name and quota are free only now. One that fails leaves a failed record, which holds them."""
    try:
        operation.fail_if_asked()
    except ServiceError:
        if document := emulator.store.get("compute", *operation.resource):
            document["properties"]["provisioningState"] = "Failed"
            emulator.store.put("compute", *operation.resource, body=document)
        raise
    emulator.store.delete("compute", *operation.resource)


FINISHERS = {
    "compute.written": finish_write,
    "compute.deleted": finish_delete,
}
