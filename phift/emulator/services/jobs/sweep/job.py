"""A sweep job."""

from __future__ import annotations

from phift.emulator.services.jobs.noderun import JobFailure
from phift.emulator.services.jobs.record import Run
from phift.emulator.services.jobs.runner import JobRunner
from phift.emulator.services.jobs.sweep.settings import read_sweep
from phift.emulator.services.jobs.sweep.trials import Trials
from phift.emulator.services.jobs.works import Command

__all__ = ["SweepRunner"]


class SweepRunner(JobRunner):
    """Runs a sweep job."""

    def _begin_tracking(self) -> None:
        self._metrics.make_run(
            self._job.name,
            experiment=self._job.experiment,
            name=self._job.display_name,
            parent="",
            root=self._job.name,
        )

    def _cut_off(self, run: Run) -> None:
        """Of a trial, which keeps its hyperparameters."""
        self._run_again(run)

    async def _work(self) -> None:
        [work] = self._works
        if not isinstance(work, Command):
            raise JobFailure("a sweep runs commands only", "SystemError")
        settings, _ = read_sweep(self._job.submitted)
        await Trials(self, self._run, work, settings, self._save_results).run()

    def _save_results(self, results: dict[str, str]) -> None:
        job = self.reload()
        job.results |= results
        job.save(self.store)
