"""The outputs of a run, and where they lie: of a job, of a node and of a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phift.emulator.core.store import Store
from phift.emulator.runtime.training.steps import PIPELINES
from phift.emulator.services.assets.locations import BlobPlace
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.jobs.outputs import output_asset, output_place
from phift.emulator.services.jobs.record import Job, Run, Status, find_job, find_run

__all__ = ["STEP_OUTPUTS", "module_of", "place_of_output", "run_outputs", "work_of"]

STEP_OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "finetune": ("pytorch_model_folder",),
    "convert": ("mlflow_model_folder",),
}
"""The outputs of its component that a step makes, by module."""


def module_of(run: Run) -> str:
    """The module that does a step; "" for a run that is no step of a pipeline trained here."""
    steps = (pair for pipeline in PIPELINES.values() for pair in pipeline)
    return next((module for step, module in steps if step == run.node), "")


def work_of(store: Store, job: Job, run: Run) -> dict[str, Any] | None:
    """What submission made of the node that a run is, or is a step of; None for any other."""
    node = _node_of(store, run)
    return next((work for work in job.works if node and work["node"] == node.node), None)


def run_outputs(emulator: Emulator, job: Job, run: Run) -> dict[str, Any] | None:
    """The outputs of a completed run: data assets, and all folders, whatever the job calls them; one that is reused is
    the asset of the job that made it (recorded 2026-03). Those of a node or a step are called as their component does.

    None for a run that has not completed, or of a job that nothing here executes.
    """
    if run.status is not Status.COMPLETED or not job.works:
        return None
    return {
        name: {"assetId": _asset(emulator, job, node, output), "type": "UriFolder"}
        for name, node, output in _outputs(emulator.store, job, run)
    }


def place_of_output(emulator: Emulator, owner: str, name: str) -> BlobPlace | None:
    """Where the output of that name of the job or node `owner` lies; None when there is none."""
    store = emulator.store
    job, run = find_job(store, owner), find_run(store, owner)
    if job is not None:
        outputs = (output for work in job.works for output in work["outputs"])
        uri = next((output["uri"] for output in outputs if output["job_name"] == name), None)
        return None if uri is None else output_place(emulator, job.name, name, uri)
    job = find_job(store, run.root) if run else None
    work = work_of(store, job, run) if job and run else None
    if run is None or work is None or all(output["component_name"] != name for output in work["outputs"]):
        return None
    return output_place(emulator, run.run_id, name, "")


def _outputs(store: Store, job: Job, run: Run) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """(name, run of the node that made it, what submission made of it) of each."""
    if run.run_id.casefold() == job.name.casefold():
        for output in (output for work in job.works for output in work["outputs"] if output["job_name"]):
            yield output["job_name"], "", output
        return
    work, node = work_of(store, job, run), _node_of(store, run)
    if work is None or node is None or node.status is not Status.COMPLETED:
        return
    for output in work["outputs"]:
        if run is node or output["component_name"] in STEP_OUTPUTS.get(module_of(run), ()):
            yield output["component_name"], node.run_id, output


def _node_of(store: Store, run: Run) -> Run | None:
    return find_run(store, run.parent) if run.kind == "step" else run


def _asset(emulator: Emulator, job: Job, node_run: str, output: Mapping[str, str]) -> str:
    if name := output["job_name"]:
        return output_asset(emulator, *job.reused.get(name, [job.name, name]))
    return output_asset(emulator, node_run, output["component_name"])
