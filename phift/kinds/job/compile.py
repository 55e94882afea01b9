"""job.finetune: one run of the component, whose digest covers everything that determines the result of the training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from phift.address import Address
from phift.compile.draft import Draft, drop_none
from phift.compile.naming import display_name, job_name
from phift.digest import digest_of
from phift.kinds.job.component import DATA_INPUTS, Site, set_by_phift, without_size
from phift.kinds.job.limits import Limits
from phift.kinds.job.origins import origins
from phift.kinds.job.parameters import FILE, Effective, effective_parameters
from phift.kinds.job.parts import JobParts
from phift.kinds.job.training import training_in
from phift.spec import AssetRef
from phift.state.desired import Desired
from phift.state.exports import ComputeExport, DataExport, RunExport
from phift.state.facts import BaseModel, Component

__all__ = ["DIGEST_VERSION", "training_job"]

DIGEST_VERSION = 1
"""Part of every digest. Changing it retrains all models, so releases of phift never change it."""

JOB = Address("job", "finetune")
_CONTENT_DIGITS = 32


def training_job(draft: Draft) -> list[Desired[JobParts]]:
    """Return the job; nothing if the spec does not train, or if its base model or component is unknown."""
    block, model, component = draft.spec.finetune, draft.facts.base_model, draft.facts.component
    compute, other = (_compute(draft, role) for role in ("finetune", "other_steps"))
    if block is None or model is None or component is None or compute is None:
        return []
    effective = effective_parameters(component.interface, block.parameters, model.defaults, block.model_defaults)
    _report_problems(draft, component, effective)
    _note_defaults(draft, model, effective)
    site, other_site = (Site(one.name, one.size) for one in (compute, other or compute))
    _check_serverless(draft, component, site, other_site)
    size = draft.facts.size(compute.size)
    gpus = (size.gpus if size else 0) * block.instance_count
    data = {d.split: d for d in draft.all(DataExport)}
    inputs = _inputs(draft, model, component, {n: d.digest for n, d in data.items()}, gpus, effective)
    digest = digest_of({"digest_version": DIGEST_VERSION, **inputs})
    values = effective.values()
    literals = {
        **{n: component.interface.wire(n, v) for n, v in values.items() if component.interface.inputs[n].type != FILE},
        **set_by_phift(
            component.interface.inputs,
            compute=site,
            other=other_site,
            nodes=block.instance_count,
            gpus=size.gpus if size else 1,
        ),
    }
    _require_input(draft, model, component)
    draft.export(RunExport(JOB, digest, inputs, compute.size, block.instance_count))
    return [
        Desired(
            address=JOB,
            name=draft.named(JOB, job_name(draft.stack, digest)),
            properties=drop_none(
                {
                    "display_name": display_name(model.name, _data_label(draft), values, gpus),
                    "experiment_name": block.experiment_name or draft.stack,
                    "description": draft.spec.description,
                    "tags": draft.tags(),
                }
            ),
            digest=digest,
            inputs=inputs,
            parts=JobParts(
                component=component.name,
                document=component.document,
                base_model=model.id,
                literals=literals,
                data={DATA_INPUTS[n]: d.address for n, d in data.items()},
                files=draft.facts.files,
                weights=model.weights,
                retries=block.retries,
                training=training_in(draft, literals, compute.size, block.instance_count),
                limits=Limits(block.timeout_minutes, block.queue_timeout_minutes),
                nodes=block.instance_count,
                serverless=compute.size if compute.serverless else "",
                serverless_steps=other.size if other and other.serverless else "",
                identity=block.identity,
                origins=tuple(origins(component.interface, model, effective)),
            ),
            shown={
                "base_model": f"{model.name}:{model.version}",
                "component": f"{component.name}:{component.version}",
                "compute": compute.name or f"serverless:{compute.size}",
                **({"other_steps": f"serverless:{other.size}"} if other and other.serverless else {}),
                **({"identity": block.identity.model_dump(exclude_none=True)} if block.identity else {}),
                "instance_count": block.instance_count,
                "gpus": gpus,
                **dict(Limits(block.timeout_minutes, block.queue_timeout_minutes).fields()),
                "parameters": {n: p.value for n, p in effective.parameters.items() if p.origin == "spec"},
            },
            depends_on=tuple(
                address
                for address in (
                    compute.address,
                    *(d.address for d in data.values()),
                    other.address if other else None,
                )
                if address is not None
            ),
            azure=block.azure,
            former_names=tuple(job_name(stack, digest) for stack in draft.former),
        )
    ]


def _require_input(draft: Draft, model: BaseModel, component: Component) -> None:
    """Check that the component accepts the base model, and note what the service does with a model of the hub."""
    weights = model.weights
    if weights is None:
        return
    if weights.input not in component.interface.inputs:
        draft.error(
            "base_model",
            f"{component.name} does not accept this base model: it does not have the input {weights.input}",
            code="base-model-input",
            remedy="Use a registered model, or another component.",
        )
    if weights.literal:
        draft.notes.append(
            f"phift.lock pins {weights.literal} at commit {model.version}; "
            "the component downloads what is current when the job runs"
        )


def _compute(draft: Draft, role: str) -> ComputeExport | None:
    return next((one for one in draft.all(ComputeExport) if one.role == role), None)


def _inputs(
    draft: Draft,
    model: BaseModel,
    component: Component,
    data: Mapping[str, str],
    gpus: int,
    effective: Effective,
) -> dict[str, Any]:
    return {
        "base_model": model.id,
        "component": component.id,
        "data": dict(data),
        "gpus": gpus,
        "parameters": {
            n: _content(draft, n) if component.interface.inputs[n].type == FILE else v
            for n, v in sorted(effective.values().items())
            if n not in draft.facts.neutral
        },
    }


def _content(draft: Draft, name: str) -> str:
    """Return the content of the file of a parameter, for the digest: the file may be moved and renamed."""
    file = draft.facts.files.get(name)
    return f"sha256:{file.digest[:_CONTENT_DIGITS]}" if file else "unknown"


def _report_problems(draft: Draft, component: Component, effective: Effective) -> None:
    for problem in effective.problems:
        draft.error(
            f"finetune.parameters.{problem.name}",
            problem.summary,
            code=f"parameter-{problem.code}",
            detail=f"Valid parameters are the inputs of {component.name}:{component.version}.",
            remedy=problem.remedy,
        )


def _check_serverless(draft: Draft, component: Component, compute: Site, other: Site) -> None:
    """Report a component that has no input for the VM size of serverless compute: its default is a retired size."""
    if missing := without_size(component.interface.inputs, compute, other):
        draft.error(
            "compute.other_steps" if compute.cluster else "compute.finetune",
            f"{component.name}:{component.version} does not support serverless compute",
            code="serverless-unsupported",
            detail=f"It has no input {missing} for the VM size.",
            remedy="Use a cluster: {name: NAME, size: SIZE}, or azureml:NAME.",
        )


def _note_defaults(draft: Draft, model: BaseModel, effective: Effective) -> None:
    if effective.dropped:
        draft.notes.append(
            f"ignoring {model.name}'s defaults {', '.join(effective.dropped)}: the component has no such inputs"
        )
    if effective.overridden:
        draft.notes.append(
            f"model_defaults: override: {model.name} overrides {', '.join(effective.overridden)} of the spec"
        )


def _data_label(draft: Draft) -> str:
    source = draft.spec.data.splits.get("train") if draft.spec.data else None
    if source is None:
        return "data"
    if isinstance(source.asset, AssetRef):
        return source.asset.name
    return PurePath(source.hub or source.path or str(source.asset or "data")).stem.strip("*") or "data"
