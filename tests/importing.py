"""What the tests of `phift import` share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from phift import phases
from phift.azure.session import Azure
from phift.phases import ImportedSpec, Request
from phift.workbench.open import workbench_of
from phift.workbench.request import load
from phift.workbench.sessions import Shared

__all__ = ["same_training"]


def same_training(azure: Azure, job: str, folder: Path, **options: Any) -> ImportedSpec:
    """Import a job; its draft must send the same inputs to the same component."""
    found = phases.import_job(azure, job, target="local", **options)
    path = folder / f"{found.stack}.yaml"
    phases.write_imported(path, found)
    bench = workbench_of(load(Request(path)), lambda loaded: azure, shared=Shared(looking=True))
    (desired,) = [one for one in bench.stack.resources if one.traits.trains]
    raw = azure.arm.get(f"{azure.workspace.arm_id}/jobs/{job}", "2024-10-01")
    (node,) = raw["properties"]["jobs"].values()
    sent = {name: body["value"] for name, body in node["inputs"].items() if body["job_input_type"] == "literal"}
    gpus = "number_of_gpu_to_use_finetuning"
    literals = desired.parts.literals
    assert {name: literals.get(name) for name in sent if name != gpus} == {n: v for n, v in sent.items() if n != gpus}
    # What only one of them names has the default of the component.
    component = bench.resolved.facts.component
    assert component is not None
    for name in set(literals) - set(sent) - {gpus}:
        assert component.interface.wire(name, component.interface.inputs[name].default) == literals[name], name
    assert node["componentId"].lower().endswith(f"/{bench.loaded.spec.finetune.component.version}")  # type: ignore[union-attr]
    return found
