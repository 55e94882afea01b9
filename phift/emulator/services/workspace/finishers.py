"""What ends the operations of workspaces and registries."""

from __future__ import annotations

from phift.emulator.core.errors import ServiceError
from phift.emulator.core.operations import Operation
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.workspace.changes import apply
from phift.emulator.services.workspace.rules import find_workspace
from phift.emulator.services.workspace.state import Record, close_scope, open_scope

__all__ = ["FINISHERS"]


async def _written(emulator: Emulator, operation: Operation) -> None:
    """End a create or update. A failed record keeps its name."""
    record = _record(emulator, operation)
    if record is None or record.state == "Deleting":
        raise ServiceError(409, "OperationCanceled", "The resource was deleted meanwhile.")
    _fail_if_asked(emulator, record, operation)
    await open_scope(emulator, record.workspace)
    apply(emulator, record)
    record.state = "Succeeded"
    record.save(emulator.cloud)


async def _deleted(emulator: Emulator, operation: Operation) -> None:
    """End a delete, with all that the workspace or registry keeps."""
    record = _record(emulator, operation)
    if record is None:
        return
    _fail_if_asked(emulator, record, operation)
    await close_scope(emulator, record.workspace)
    record.remove(emulator.cloud)


def _fail_if_asked(emulator: Emulator, record: Record, operation: Operation) -> None:
    """Raises ServiceError, and marks the record as failed, where a fault was requested."""
    try:
        operation.fail_if_asked()
    except ServiceError:
        record.state = "Failed"
        record.save(emulator.cloud)
        raise


def _record(emulator: Emulator, operation: Operation) -> Record | None:
    group, name, kind = operation.resource
    return find_workspace(emulator.cloud, group, name, kind)


FINISHERS = {
    "workspace.written": _written,
    "workspace.deleted": _deleted,
}
