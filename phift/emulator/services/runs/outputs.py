"""The outputs of a run, and where they lie: of a job, of a node and of a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phift.emulator.core.store import Store
from phift.emulator.runtime.training.steps import PIPELINES
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.jobs.outputs import output_asset
from phift.emulator.services.jobs.record import Job, Run, Status, find_run

__all__ = ["STEP_OUTPUTS", "module_of", "run_outputs", "work_of"]

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
    if node is None or node.kind == "trial":
        return job.works[0] if node and job.works else None
    return next((work for work in job.works if work["node"] == (node.path or node.node)), None)


def run_outputs(emulator: Emulator, job: Job, run: Run) -> dict[str, Any] | None:
    """The outputs of a completed run: data assets, all but files told as folders, whatever the job calls them; one that
    is reused is the asset of the job that made it (recorded 2026-03). Those of a node or a step are called as their
    component does.

    None for a run that has not completed, or of a job that nothing here executes.
    """
    if run.status is not Status.COMPLETED or not job.works:
        return None
    return {
        name: {"assetId": _asset(emulator, job, node, output), "type": _type(output)}
        for name, node, output in _outputs(emulator.store, job, run)
    }


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
    """The node that a run is, or a step of: a command is a step and a node at once."""
    return find_run(store, run.parent) if run.kind == "step" and not run.path else run


def _type(output: Mapping[str, str]) -> str:
    return "UriFile" if output.get("type") == "uri_file" else "UriFolder"


def _asset(emulator: Emulator, job: Job, node_run: str, output: Mapping[str, str]) -> str:
    if name := output["job_name"]:
        return output_asset(emulator, *job.reused.get(name, [job.name, name]))
    return output_asset(emulator, node_run, output["component_name"])
