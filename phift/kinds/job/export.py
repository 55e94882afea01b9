"""The training job in the words of `az ml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from phift.compile.draft import drop_none
from phift.compile.naming import attempt_name
from phift.errors import UsageError
from phift.kinds.exporting import (
    Exported,
    Exporting,
    existing_or,
    file_name,
    require_no_block,
    require_no_secrets,
    schema_line,
    words,
)
from phift.kinds.job.component import BASE_MODEL, OUTPUT
from phift.kinds.job.parts import JobObservation, JobParts
from phift.kinds.shared.wire import own_marks
from phift.state.desired import Desired
from phift.state.exports import PIPELINE_OUTPUT
from phift.state.ownership import DIGEST
from phift.state.states import RunState

__all__ = ["export"]


def export(exporting: Exporting, desired: Desired[JobParts], seen: JobObservation | None) -> Exported:
    """Return the files and commands of the job: they submit it and wait for its end.

    The name is that of the live job with the same digest, or of the next attempt after one that failed.
    """
    require_no_secrets(desired)
    require_no_block(desired)
    context, parts = exporting.context, desired.parts
    live = seen.live if seen else None
    failed = live is not None and RunState.failed(live.state)
    name = attempt_name(desired.name, (seen.attempt + failed) or 1 if seen else 1)
    exporting.versions[desired.address] = name
    marks = own_marks(context, desired, f"{context.azure.workspace.arm_id}/jobs/{name}")
    inputs, copies = _inputs(exporting, parts)
    document = {
        **schema_line("pipelineJob"),
        "type": "pipeline",
        "name": name,
        **desired.properties,
        "tags": {**(desired.properties.get("tags") or {}), DIGEST: desired.digest, **parts.limits.tags()},
        "properties": marks,
        **({"identity": drop_none(parts.identity.model_dump())} if parts.identity else {}),
        "settings": {"force_rerun": True, "continue_on_step_failure": False},
        "outputs": {PIPELINE_OUTPUT: {"type": "mlflow_model"}},
        "jobs": {
            parts.component: {
                "type": "pipeline",
                "component": str(parts.document["id"]),
                "inputs": inputs,
                "outputs": {OUTPUT: f"${{{{parent.outputs.{PIPELINE_OUTPUT}}}}}"},
            }
        },
    }
    file = file_name(desired)
    show = words("job", "show", "--name", name)
    create = words("ml", "job", "create", "--file", file, "--output", "none")
    commands = (existing_or(show, create), words("ml", "job", "stream", "--name", name), words("completed", name))
    title = (f"The training {name}: submit it, and wait for its end.",)
    limits = str(parts.limits) if parts.limits.tags() else ""
    note = (
        f"The script does not cancel the job after {limits}: phift enforces this limit, Azure has none."
        if limits
        else ""
    )
    return Exported(title, commands, {file: document}, copies, note=note)


def _inputs(exporting: Exporting, parts: JobParts) -> tuple[dict[str, Any], dict[str, Path]]:
    """Return the inputs of the component, and the local files among them."""
    copies: dict[str, Path] = {}
    inputs: dict[str, Any] = {BASE_MODEL: {"type": "mlflow_model", "path": parts.base_model}}
    if weights := parts.weights:
        if weights.missing:
            raise UsageError(f"the weights in {weights.missing} are not on this machine")
        copies |= {f"weights/{name}": file.path for name, file in weights.files.items()}
        inputs = {weights.input: weights.literal or {"type": weights.type, "path": "weights"}}
    for name, address in parts.data.items():
        inputs[name] = {"type": "uri_file", "path": exporting.reference(address)}
    for name, one in parts.files.items():
        place = f"files/{name}{one.path.suffix}"
        copies[place] = one.path
        inputs[name] = {"type": "uri_file", "path": place}
    return {**inputs, **parts.literals}, copies
