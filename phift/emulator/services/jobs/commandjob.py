"""A command job."""

from __future__ import annotations

from phift.emulator.services.jobs.capacity import Hold
from phift.emulator.services.jobs.runner import JobRunner

__all__ = ["CommandRunner"]


class CommandRunner(JobRunner):
    """Runs a command job: one command, whose run is the job's own."""

    def _needed(self) -> list[Hold]:
        return [self.capacity.take(work) for work in self._works]

    def _begin_tracking(self) -> None:
        """The command itself does, before it starts: its script continues the run."""

    async def _work(self) -> None:
        await self.run_node(self._works[0], self._run, "command", {})
