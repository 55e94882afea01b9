"""A pipeline job: its nodes, each after those whose outputs it reads, at the same time where there is room."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from phift.emulator.services.jobs.capacity import Hold
from phift.emulator.services.jobs.noderun import JobFailure, NodeCanceled, NodeRun
from phift.emulator.services.jobs.record import Run, Status, find_run
from phift.emulator.services.jobs.runner import LOOK_SECONDS, JobRunner
from phift.emulator.services.jobs.runs import pipelines_above, run_of_node
from phift.emulator.services.jobs.sweep.node import SweepNode
from phift.emulator.services.jobs.works import Command, Sweep, Training

__all__ = ["PipelineRunner"]


class PipelineRunner(JobRunner):
    """Runs a pipeline job."""

    def _begin_tracking(self) -> None:
        """The parameters are those of the trainings in it, by node where there is more than one."""
        parameters: dict[str, Any] = {}
        for work in self._works:
            if isinstance(work, Training):
                prefix = f"{work.node}." if len(self._works) > 1 else ""
                parameters |= {f"{prefix}{name}": value for name, value in work.parameters.items()}
        self._metrics.make_run(
            self._job.name,
            experiment=self._job.experiment,
            name=self._job.display_name,
            parent="",
            root=self._job.name,
            parameters=parameters,
        )

    def _needed(self) -> list[Hold]:
        trains = any(isinstance(work, Training) for work in self._works)
        return [self.capacity.train(self._job.name)] if trains else []

    def _cut_off(self, run: Run) -> None:
        """A nested pipeline continues in the next attempt, a training is another run with other steps."""
        work = next((work for work in self._works if run.path and work.node == run.path), None)
        if run.kind == "trial" or isinstance(work, Command):
            self._run_again(run)
        elif work or not run.path:
            super()._cut_off(run)

    def _make_node(
        self, work: Training | Command, record: Run, folder: str, earlier: Mapping[str, NodeRun[Any]]
    ) -> NodeRun[Any]:
        if isinstance(work, Sweep):
            return SweepNode(self._assignment(work, record, folder, earlier), self)
        return super()._make_node(work, record, folder, earlier)

    async def _work(self) -> None:
        """After a failure the nodes that read nothing from the failed one continue, unless the pipeline's settings say
        otherwise. Raises JobFailure with the first failure, once nothing is left to run."""
        running: dict[asyncio.Task[NodeRun[Any] | JobFailure], str] = {}
        completed, failures = self._ended_before()
        ended = {*completed, *failures}
        waiting = {work.node: (index, work) for index, work in enumerate(self._works) if work.node not in ended}
        goes_on = bool(self._job.settings.get("continue_on_step_failure", True))
        while waiting or running:
            if self.stopping:
                waiting.clear()
            for node, (index, work) in list(waiting.items()):
                if canceled := self._canceled_before_start(work):
                    failures[node] = canceled
                    del waiting[node]
                elif why := self._never_runs(
                    work, completed, {*waiting, *running.values()}, stops=bool(failures) and not goes_on
                ):
                    self.log.say(f"Node {node} is not run: {why}.")
                    del waiting[node]
                elif all(name in completed for name in work.after) and self._has_room(work):
                    del waiting[node]
                    hold = self._hold(work)
                    task = self.context.spawn(self._run_one(index, work, completed, hold), name=f"node {node}")
                    running[task] = node
            if not running:
                if waiting:
                    await asyncio.sleep(LOOK_SECONDS)
                continue
            done, _ = await asyncio.wait(running, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                node, result = running.pop(task), task.result()
                if isinstance(result, JobFailure):
                    failures[node] = result
                else:
                    completed[node] = result
            self._end_pipelines()
        self._go_on()
        if failures:
            raise min(failures.values(), key=lambda failure: isinstance(failure, NodeCanceled))

    def _canceled_before_start(self, work: Training | Command) -> NodeCanceled | None:
        if not self.canceled_below:
            return None
        record = run_of_node(self.store, self._job, work)
        if record.run_id not in self.canceled_below:
            return None
        record.enter(Status.CANCELED, self.store)
        return NodeCanceled(f"{work.node} was canceled")

    def _ended_before(self) -> tuple[dict[str, NodeRun[Any]], dict[str, JobFailure]]:
        """The nodes that completed, and those that failed, before the emulator was stopped."""
        completed: dict[str, NodeRun[Any]] = {}
        failures: dict[str, JobFailure] = {}
        runs = {run.path: run for run_id in self._job.runs if (run := find_run(self.store, run_id))}
        for index, work in enumerate(self._works):
            run = runs.get(work.node)
            if run and run.status is Status.COMPLETED:
                completed[work.node] = self._make_node(work, run, f"node{index}", completed)
                completed[work.node].locate()
            elif run and run.status is Status.FAILED:
                failures[work.node] = JobFailure(run.error, run.error_code)
            elif run and run.status is Status.CANCELED and not run.error:
                failures[work.node] = NodeCanceled(f"{work.node} was canceled")
        if completed:
            self.log.say(f"Not run again: {', '.join(completed)}.")
        return completed, failures

    def _never_runs(
        self, work: Training | Command, completed: dict[str, NodeRun[Any]], open_nodes: set[str], *, stops: bool
    ) -> str:
        """Why a node that waits will not run; "" if it will. open_nodes: those that wait or run."""
        missing = [name for name in work.after if name not in completed and name not in open_nodes]
        if missing:
            return f"{', '.join(missing)} has not completed"
        return "continue_on_step_failure is false" if stops else ""

    def _hold(self, work: Training | Command) -> Hold:
        """The trials of a sweep hold what they need, one by one."""
        return Hold(lambda: None) if isinstance(work, Sweep) else self.capacity.take(work)

    def _has_room(self, work: Training | Command) -> bool:
        if isinstance(work, Sweep):
            return True
        why = self.capacity.lacks(work, self._job.name)
        record = run_of_node(self.store, self._job, work)
        if why and record.status is not Status.QUEUED:
            record.enter(Status.QUEUED, self.store)
            self.log.say(f"Node {work.node} waits: {why}.")
        return not why

    async def _run_one(
        self, index: int, work: Training | Command, completed: dict[str, NodeRun[Any]], hold: Hold
    ) -> NodeRun[Any] | JobFailure:
        """Run a node to its end; returns why, where it failed: a task that raises is a defect of the emulator."""
        record = run_of_node(self.store, self._job, work)
        for above in pipelines_above(self.store, record):
            if above.status is not Status.RUNNING:
                above.enter(Status.RUNNING, self.store)
                self._track(above)
        record.enter(Status.RUNNING, self.store)
        if isinstance(work, Training):  # a command makes its own, before its script continues it
            self._track(record)
        self.log.say(f"Submitting 1 runs, first five are: {record.run_id[:8]}:{record.run_id}")
        try:
            node = await self.run_node(work, record, f"node{index}", completed)
        except JobFailure as failure:
            if not self.stopping:
                status, record.error, record.error_code = self.outcome_of(failure)
                record.enter(status, self.store)
                self.log.say(f"Run {record.run_id} ({work.node}) is {status}: {failure}")
            return failure
        finally:
            hold.release()
        record.enter(Status.COMPLETED, self.store)
        return node

    def _track(self, run: Run) -> None:
        """Make the MLflow run of a run that is a pipeline."""
        job = self._job
        self._metrics.make_run(run.run_id, experiment=job.experiment, name=run.node, parent=run.parent, root=job.name)

    def _end_pipelines(self) -> None:
        """The nested pipelines of which all nodes have ended."""
        job = self.reload()
        runs = [run for run_id in job.runs if (run := find_run(self.store, run_id))]
        for above in reversed(runs):
            below = [run for run in runs if run.parent == above.run_id]
            is_nested = above.kind == "pipeline" and any(run.path for run in below)
            if is_nested and not above.status.ended and all(run.status.ended for run in below):
                failed = any(run.status is not Status.COMPLETED for run in below)
                ended = Status.CANCELED if above.run_id in self.canceled_below else Status.FAILED
                above.enter(ended if failed else Status.COMPLETED, self.store)
