"""The outputs of a run, and where they lie: of a job, of a node, of a step and of a trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phift.emulator.core.store import Store
from phift.emulator.runtime.training.steps import PIPELINES
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.jobs.outputs import output_asset
from phift.emulator.services.jobs.record import Job, Run, Status, find_run
from phift.emulator.services.jobs.works import Command, Output, Training, work_of

__all__ = ["STEP_OUTPUTS", "module_of", "run_outputs", "shown_type", "work_of_run"]

STEP_OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "finetune": ("pytorch_model_folder",),
    "convert": ("mlflow_model_folder",),
}
"""The outputs of its component that a step makes, by module."""
_TYPES = {"uri_file": "UriFile"}
"""Models too are shown as folders: clients of today cannot read their types (recorded 2026-03 of folders)."""


def module_of(run: Run) -> str:
    """The module that does a step; "" for a run that is not a step of a component that is trained here."""
    steps = (pair for pipeline in PIPELINES.values() for pair in pipeline)
    return next((module for step, module in steps if step == run.node), "")


def work_of_run(store: Store, job: Job, run: Run) -> Training | Command | None:
    """What submission made of the node that a run is, or is a step of; None for a pipeline and a sweep."""
    if _is_own(job, run):
        return work_of(job.works[0]) if job.job_type == "Command" and job.works else None
    if run.kind == "trial" and job.job_type == "Sweep":
        return work_of(job.works[0]) if job.works else None
    node = find_run(store, run.parent) if run.kind == "trial" else _node_of(store, run)
    return next((work_of(work) for work in job.works if node and work["node"] in (node.path or node.node,)), None)


def run_outputs(emulator: Emulator, job: Job, run: Run) -> dict[str, Any] | None:
    """The outputs of a completed run: data assets; one that is reused is the asset of the job that made it (recorded
    2026-03). Those of a node or a step are called as their component does.

    None for a run that has not completed, for a sweep, and for a job that nothing here executes.
    """
    if run.status is not Status.COMPLETED or not job.works or (_is_own(job, run) and job.job_type == "Sweep"):
        return None
    return {
        name: {"assetId": output_asset(emulator, *owner), "type": shown_type(output.type)}
        for name, owner, output in _outputs(emulator.store, job, run)
    }


def shown_type(kind: str) -> str:
    """The type of an output as run history tells it. kind: as declared, such as uri_folder."""
    return _TYPES.get(kind, "UriFolder")


def _outputs(store: Store, job: Job, run: Run) -> Iterator[tuple[str, tuple[str, str], Output]]:
    """(name, (owner of the data asset, its name for it), output) of each."""
    if _is_own(job, run):
        for output in (output for work in job.works for output in work_of(work).kept if output.job_name):
            yield output.job_name, _owner(job, run, output), output
        return
    work, node = work_of_run(store, job, run), _node_of(store, run)
    if work is None or node is None or node.status is not Status.COMPLETED:
        return
    for output in work.kept:
        if run.run_id == node.run_id or output.component_name in STEP_OUTPUTS.get(module_of(run), ()):
            yield output.component_name, _owner(job, node, output), output


def _owner(job: Job, node: Run, output: Output) -> tuple[str, str]:
    if node.kind == "trial":
        return node.run_id, output.job_name or output.component_name
    if output.job_name:
        owner, name = job.reused.get(output.job_name, [job.name, output.job_name])
        return owner, name
    return node.run_id, output.component_name


def _is_own(job: Job, run: Run) -> bool:
    return run.run_id.casefold() == job.name.casefold()


def _node_of(store: Store, run: Run) -> Run | None:
    """The run of the node that a run is, or is a step of."""
    is_step_of_component = run.kind == "step" and not run.path
    return find_run(store, run.parent) if is_step_of_component else run
