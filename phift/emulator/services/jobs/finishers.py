"""What ends the operations of jobs."""

from __future__ import annotations

from phift.emulator.core.operations import Operation
from phift.emulator.services.blob.account import ARTIFACT_CONTAINER
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.jobs.logs import artifact_prefix
from phift.emulator.services.jobs.record import find_job

__all__ = ["FINISHERS", "cancel_finished", "delete_finished"]


async def cancel_finished(emulator: Emulator, operation: Operation) -> None:
    """The cancel operation ends when the job has."""
    await emulator.jobs.ended(operation.resource[0])


async def delete_finished(emulator: Emulator, operation: Operation) -> None:
    """Job, runs and logs go; its outputs stay, as models may have been registered from them."""
    await emulator.jobs.ended(operation.resource[0])
    job = find_job(emulator.store, operation.resource[0])
    if job is None:
        return
    for run_id in (job.name, *job.runs):
        emulator.blobs.delete_prefix(ARTIFACT_CONTAINER, artifact_prefix(run_id))
    job.delete(emulator.store)


FINISHERS = {
    "job.canceled": cancel_finished,
    "job.deleted": delete_finished,
}
