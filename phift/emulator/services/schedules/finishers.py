"""What ends the operations of schedules."""

from __future__ import annotations

from phift.emulator.core.errors import ServiceError
from phift.emulator.core.operations import Operation
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.schedules.state import SCHEDULE, find_schedule

__all__ = ["FINISHERS"]


def _finish_write(emulator: Emulator, operation: Operation) -> None:
    """End a create or update: from now on the schedule creates jobs, if it is enabled."""
    schedule = find_schedule(emulator.store, *operation.resource)
    if schedule is None or schedule.properties["provisioningState"] == "Deleting":
        raise ServiceError(409, "OperationCanceled", "The schedule was deleted meanwhile.")
    try:
        operation.fail_if_asked()
    except ServiceError:
        schedule.properties["provisioningState"] = "Failed"
        schedule.save(emulator.store)
        raise
    schedule.properties["provisioningState"] = "Succeeded"
    schedule.plan(emulator.clock.now())
    schedule.save(emulator.store)
    emulator.schedules.wake()


def _finish_delete(emulator: Emulator, operation: Operation) -> None:
    """End a delete; one that fails leaves the schedule, still disabled."""
    try:
        operation.fail_if_asked()
    except ServiceError:
        if schedule := find_schedule(emulator.store, *operation.resource):
            schedule.properties["provisioningState"] = "Failed"
            schedule.save(emulator.store)
        raise
    emulator.store.delete(SCHEDULE, *operation.resource)


FINISHERS = {
    "schedule.written": _finish_write,
    "schedule.deleted": _finish_delete,
}
