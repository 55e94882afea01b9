"""A sweep as a node of a pipeline: its outputs are those of its best trial."""

from __future__ import annotations

import shutil

from phift.emulator.services.jobs.noderun import Assignment, NodeRun
from phift.emulator.services.jobs.outputs import output_place
from phift.emulator.services.jobs.runner import JobRunner
from phift.emulator.services.jobs.sweep.settings import read_sweep
from phift.emulator.services.jobs.sweep.trials import Trials
from phift.emulator.services.jobs.works import Sweep

__all__ = ["SweepNode"]


class SweepNode(NodeRun[Sweep]):
    """Runs a sweep in a pipeline. It is never reused."""

    def __init__(self, given: Assignment[Sweep], host: JobRunner) -> None:
        super().__init__(given)
        self._host = host

    async def _execute(self) -> None:
        record, job = self.record, self._job
        self._metrics.make_run(
            record.run_id, experiment=job.experiment, name=record.node, parent=record.parent, root=job.name
        )
        settings, _ = read_sweep(self._work.settings)
        best = await Trials(self._host, record, self._work.trial, settings, self._tell, self._earlier).run()
        self._log.say(
            f"The best trial of {self._work.node} is {best}." if best else f"{self._work.node} has no best trial."
        )
        staging = self._folder / "best"
        for output in self._outputs:
            own = self._own_place(output)
            made = output_place(self._context, best, output.job_name or output.component_name, output.uri)
            if best and made != own:
                shutil.rmtree(staging, ignore_errors=True)
                await self._link(made, own, staging)
            self._keep(output, own)

    def _tell(self, results: dict[str, str]) -> None:
        self.record.results |= results
        self.record.save(self._store)
