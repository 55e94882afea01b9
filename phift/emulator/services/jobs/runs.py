"""The runs below a pipeline job: they exist from the moment that the job is accepted."""

from __future__ import annotations

from collections.abc import Iterator

from phift.emulator.core.store import Store
from phift.emulator.services.jobs.record import Job, Run, Status, find_run
from phift.emulator.services.jobs.works import Command, Sweep, Training

__all__ = ["canceled_with", "pipelines_above", "plan_runs", "run_of_node"]


def plan_runs(store: Store, job: Job, works: list[Training | Command]) -> None:
    """Make a run for each node, and for each pipeline around nodes, in the order in which they run; save the job."""
    root = job.run(store)
    for work in works:
        _make(store, job, root, work)
    job.save(store)


def run_of_node(store: Store, job: Job, work: Training | Command) -> Run:
    """The run of a node in this attempt: the one that was planned, or another where that one has started before."""
    for run_id in reversed(job.runs):
        run = find_run(store, run_id)
        if run and run.path == work.node and not run.status.ended:
            return run
    run = _make(store, job, job.run(store), work)
    job.save(store)
    return run


def pipelines_above(store: Store, run: Run) -> Iterator[Run]:
    """The nested pipelines around a node, innermost first; not the job itself."""
    while (above := find_run(store, run.parent)) and above.kind == "pipeline":
        yield above
        run = above


def canceled_with(store: Store, job: Job, run: Run) -> list[Run]:
    """What of a job is canceled with a run below it: the run, all below it that has not ended, and the node whose
    training it is a step of."""
    runs = [found for run_id in job.runs if (found := find_run(store, run_id)) and not found.status.ended]
    chosen = {run.run_id}
    if run.kind == "step" and not run.path:
        chosen.add(run.parent)
    while below := {each.run_id for each in runs if each.parent in chosen} - chosen:
        chosen |= below
    return [each for each in runs if each.run_id in chosen]


def _make(store: Store, job: Job, root: Run, work: Training | Command) -> Run:
    parent = root
    parts = work.node.split("/")
    for depth in range(1, len(parts)):
        parent = _pipeline(store, job, parent, "/".join(parts[:depth]))
    kind = "pipeline" if isinstance(work, Training) else "sweep" if isinstance(work, Sweep) else "step"
    component = f"{work.component}:{work.version}"
    run = Run.child(
        parent, kind=kind, node=work.name, component=component, path=work.node, display_name=work.display_name
    )
    run.compute = work.compute
    run.save(store)
    job.runs.append(run.run_id)
    return run


def _pipeline(store: Store, job: Job, parent: Run, path: str) -> Run:
    """The run of a nested pipeline, made for the first of its nodes."""
    for run_id in job.runs:
        run = find_run(store, run_id)
        if run and run.path == path and run.status is not Status.CANCELED:
            return run
    run = Run.child(parent, kind="pipeline", node=path.rpartition("/")[2], component="", path=path)
    run.save(store)
    job.runs.append(run.run_id)
    return run
