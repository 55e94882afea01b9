"""Step reuse: a node that was run before with the same component, inputs and settings is not run again.

A command is one step. The steps of a trained component are reused all together or not at all; the service decides step
by step.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from phift.emulator.core.assumed import holds
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.store import Store
from phift.emulator.services.assets.locations import BlobPlace, RegistryModel
from phift.emulator.services.blob.account import BlobAccount
from phift.emulator.services.blob.model import Blob
from phift.emulator.services.jobs.record import Run, Status, find_job, find_run
from phift.emulator.services.jobs.works import Command, Training, Work, node_output

__all__ = ["Reusable", "blobs_at", "find", "key", "remember"]

_KIND = "reusable"
_NOT_CONTENT = ("compute_", "instance_type_")
"""Inputs that say where a step runs, not what it makes."""


@dataclass(frozen=True)
class Reusable:
    """A node that was run. job: the job it belongs to. steps: its steps' runs. places: of its outputs, by the
    component's name for them. outputs: the job's names of those that were outputs of the job."""

    job: str
    steps: tuple[Run, ...]
    places: Mapping[str, BlobPlace]
    outputs: Mapping[str, str]


def key(
    store: Store,
    blobs: BlobAccount,
    work: Training | Command,
    earlier: Mapping[str, str],
    place_of: Callable[[str, str], BlobPlace | RegistryModel],
    settings: Mapping[str, Any],
) -> str:
    """What a node is made of, as a digest; "" when that is unknown, or the node or the job forces a re-run.

    earlier: the keys of the nodes before it. place_of: where an input of a URI and type lies.
    """
    if settings.get("force_rerun") or not getattr(work, "deterministic", True):
        return ""
    inputs: dict[str, Any] = {}
    for name, (uri, kind, *_) in work.inputs.items():
        if bound := node_output(uri):
            if not earlier.get(bound.node):
                return ""  # a node that always runs gives those that read it new inputs
            inputs[name] = [earlier[bound.node], bound.name]
            continue
        try:
            inputs[name] = _content(store, blobs, place_of(uri, kind))
        except ServiceError:
            return ""
    made_of = [*_content_of_work(work), inputs]
    return hashlib.sha256(json.dumps(made_of, sort_keys=True, default=str).encode()).hexdigest()


def _content_of_work(work: Training | Command) -> list[Any]:
    """All that decides what a work makes, but for its inputs."""
    if isinstance(work, Training):
        settings_of_steps = {k: v for k, v in work.parameters.items() if not k.startswith(_NOT_CONTENT)}
        return [work.component, work.version, settings_of_steps]
    outputs = [[output.component_name, output.type] for output in work.kept]
    modes = {name: mode for name, (_, _, mode) in work.inputs.items()}
    return [work.command, work.code, work.environment, work.variables, work.literals, outputs, modes]


def _content(store: Store, blobs: BlobAccount, place: BlobPlace | RegistryModel) -> list[Any]:
    if isinstance(place, RegistryModel):
        return [place.name, place.version, *filter(None, [place.digest])]
    # (assumed: reuse_looks_at_content)
    if not holds(store, "reuse_looks_at_content"):
        return [place.container, place.path]
    return [
        [blob.name.removeprefix(place.path), blob.length, blob.headers.get("content-md5") or blob.etag]
        for blob in blobs_at(blobs, place)
    ]


def blobs_at(blobs: BlobAccount, place: BlobPlace) -> Iterator[Blob]:
    """The blob of a place, or the blobs of the folder that it is."""
    for blob in blobs.list(place.container, place.path):
        if not place.path or blob.name == place.path or blob.name.startswith(place.path + "/"):
            yield blob


def remember(
    store: Store,
    blobs: BlobAccount,
    made_of: str,
    job: str,
    steps: list[Run],
    work: Work,
    places: Mapping[str, BlobPlace],
) -> None:
    """Keep a completed node for those to come; the newest counts. Nothing for a key of ""."""
    if not made_of:
        return
    empty = [name for name, place in places.items() if not any(blobs_at(blobs, place))]
    body = {
        "job": job,
        "steps": [step.run_id for step in steps],
        "places": {name: [place.container, place.path] for name, place in places.items()},
        "outputs": {output["component_name"]: output["job_name"] for output in work.outputs if output["job_name"]},
        "empty": empty,
    }
    store.put(_KIND, made_of, body=body)


def find(store: Store, blobs: BlobAccount, made_of: str, wanted: list[str]) -> Reusable | None:
    """The node to reuse: its job is still there, and so are all the outputs that are wanted."""
    body = store.get(_KIND, made_of) if made_of else None
    if body is None or find_job(store, body["job"]) is None:
        return None
    places = {name: BlobPlace(*place) for name, place in body["places"].items()}
    for name in wanted:
        if name not in places:
            return None
        if name not in body.get("empty", ()) and not any(blobs_at(blobs, places[name])):
            return None
    runs = [find_run(store, run_id) for run_id in body["steps"]]
    steps = tuple(run for run in runs if run is not None and run.status is Status.COMPLETED)
    return Reusable(body["job"], steps, places, body["outputs"]) if len(steps) == len(runs) else None
