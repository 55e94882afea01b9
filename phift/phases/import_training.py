"""Import a fine-tuning job: a draft of a spec with its data, base model and parameters, which trains when applied."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from phift.azure.facts import RemoteFacts
from phift.azure.session import Azure
from phift.diagnostics import Diagnostic
from phift.errors import NotFoundError, RefusedError
from phift.kinds.job.imported import ImportedNode, imported_job, node_of
from phift.kinds.shared.imported import ImportedBlock
from phift.kinds.shared.wire import READ
from phift.lock import StackLock
from phift.phases.imported_spec import ImportedSpec, nothing_named, stack_name, targets_of
from phift.spec import ComputeRef
from phift.spec.writing import spec_text
from phift.workbench.request import Request, load

__all__ = ["import_job"]

_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}"
_REMARK = "It is a draft: applying it trains a model."


def import_job(azure: Azure, job: str, *, name: str | None = None, target: str) -> ImportedSpec:
    """Return the draft of a spec that fine-tunes as a pipeline job did. Writes nothing.

    name: of the stack; by default derived from the base model. target: name of the target of the spec, LOCAL for the
    emulator. Raises UsageError if the job does not exist, RefusedError if it does not fine-tune or its component or
    base model no longer exists, and AzureError.
    """
    arm_id = azure.workspace.arm_id
    try:
        if not re.fullmatch(_NAME, job):
            raise NotFoundError(f"{job!r} is not the name of a job")
        raw = azure.arm.get(f"{arm_id}/jobs/{job}", READ)
    except NotFoundError:
        raise nothing_named(azure, "job", job, f"{arm_id}/jobs", "az ml job list") from None
    node = node_of(raw, arm_id)
    if isinstance(node, str):
        raise _refused(job, node)
    stack = stack_name(name, node.base_model if isinstance(node.base_model, str) else node.base_model.name)
    block = _block(azure, raw, node)
    values: dict[str, Any] = {"version": 1, "name": stack, **block.values, "targets": targets_of(azure, target)}
    head = (
        f"A draft, from job {raw['name']} in {'the emulator' if azure.local else azure.workspace.label}.",
        "Applying it trains a model.",
        "Parameters equal to the defaults of the component and the base model are left out.",
        *(f"Not mapped: {note}." for note in block.notes),
    )
    text = spec_text(values, head=head)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "imported.yaml"
        path.write_text(text, encoding="utf-8")
        load(Request(path))
    return ImportedSpec(text, stack, _REMARK, StackLock(), block.notes)


def _block(azure: Azure, raw: Mapping[str, Any], node: ImportedNode) -> ImportedBlock:
    remote, component, base = RemoteFacts(azure), node.component, node.base_model
    found = remote.component(component.registry or "", component.name, str(component.version))
    if found is None:
        raise _refused(str(raw["name"]), f"its component {component} no longer exists")
    defaults: Mapping[str, Any] = {}
    if not isinstance(base, str):
        model = remote.base_model(base.registry or "", base.name, str(base.version))
        if model is None:
            raise _refused(str(raw["name"]), f"its base model {base} no longer exists")
        defaults = model.defaults
    block = imported_job(raw, node, found.interface, defaults, azure.workspace.arm_id)
    offered = _gpus(remote, ComputeRef.parse(block.values["compute"]["finetune"]))
    if node.gpus.isdecimal() and offered not in (None, int(node.gpus)):
        note = f"the job used {node.gpus} GPUs of each node; phift uses all {offered}"
        block = replace(block, notes=(*block.notes, note))
    return block


def _gpus(remote: RemoteFacts, compute: ComputeRef) -> int | None:
    """Return the number of GPUs of a node, or None if it is not known."""
    size = compute.serverless or remote.compute_size(compute.name) or ""
    found = remote.sizes().get(size.lower())
    return found.gpus if found else None


def _refused(job: str, why: str) -> RefusedError:
    return RefusedError([Diagnostic(f"job {job} cannot be imported: {why}", code="not-importable")])
