"""Import a job: the fine-tuning that a pipeline job ran, as the blocks of a spec that runs it again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from phift.catalog import ComponentInterface
from phift.compile.draft import drop_none
from phift.kinds.job.component import (
    BASE_MODEL,
    DATA_INPUTS,
    FOLDER_MODEL,
    HUB_MODEL,
    SERVERLESS,
    SLOTS,
    Value,
    managed_input,
)
from phift.kinds.job.parameters import effective_parameters
from phift.kinds.shared.asset_ids import asset_of
from phift.kinds.shared.imported import ImportedBlock, without_secrets
from phift.spec import AssetRef, DatastoreRef
from phift.state.ownership import user_tags

__all__ = ["ImportedNode", "imported_job", "node_of"]

_BINDING = re.compile(r"\$\{\{\s*parent\.inputs\.([A-Za-z0-9_]+)\s*\}\}")
_MLTABLE = {split: f"{split}_mltable_path" for split in DATA_INPUTS}


@dataclass(frozen=True)
class ImportedNode:
    """The step of a pipeline that fine-tunes. component: what it runs. base_model: a version, or the id of a model of
    the hub. inputs: text by name; for files and models, their URIs."""

    component: AssetRef
    base_model: AssetRef | str
    inputs: Mapping[str, str]

    @property
    def gpus(self) -> str:
        """The GPUs of each node that it uses; "" if it leaves them to the component."""
        return self.input_of(Value.GPUS)

    def input_of(self, value: Value) -> str:
        """Return the input with a meaning; "" without one."""
        return next((self.inputs[s.input] for s in SLOTS if s.value is value and s.input in self.inputs), "")


def node_of(raw: Mapping[str, Any], workspace: str) -> ImportedNode | str:
    """Return the step of a pipeline job that fine-tunes, or why there is none. raw: the REST document of the job.
    workspace: its ARM id."""
    properties = raw["properties"]
    if properties.get("jobType") != "Pipeline":
        return f"it is a job of type {properties.get('jobType')}, not a pipeline"
    steps = [*(properties.get("jobs") or {}).values(), *([properties] if properties.get("componentId") else ())]
    found = [step for step in steps if {BASE_MODEL, HUB_MODEL, FOLDER_MODEL} & set(step.get("inputs") or {})]
    found = [step for step in found if set(step["inputs"]) & {*DATA_INPUTS.values(), *_MLTABLE.values()}]
    if len(found) != 1:
        return f"{len(found) or 'none'} of its steps {'is' if len(found) < 2 else 'are'} a fine-tune pipeline component"
    component = asset_of(found[0].get("componentId"), workspace)
    if component is None:
        return f"its component {found[0].get('componentId')} is not a version in this workspace or in a registry"
    inputs = dict(_inputs(found[0]["inputs"], properties.get("inputs") or {}))
    model = inputs.get(BASE_MODEL) or inputs.get(FOLDER_MODEL) or ""
    base = asset_of(model, workspace) or (inputs.get(HUB_MODEL, "") if not model else "")
    if not base:
        return f"its base model {model} is not a version in this workspace or in a registry"
    return ImportedNode(component.of_kind("components"), base, inputs)


def _inputs(step: Mapping[str, Any], job: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the inputs of a step, with those that refer to inputs of the job replaced."""
    for name, body in step.items():
        value = _value(body)
        if bound := _BINDING.fullmatch(value or ""):
            value = _value(job.get(bound[1]))
        if value is not None:
            yield name, value


def _value(body: Any) -> str | None:
    content = body.get("value", body.get("uri")) if isinstance(body, Mapping) else body
    return None if content is None else str(content)


def imported_job(
    raw: Mapping[str, Any],
    node: ImportedNode,
    interface: ComponentInterface,
    model_defaults: Mapping[str, Any],
    workspace: str,
) -> ImportedBlock:
    """Return the blocks of a spec for the fine-tuning of a job. model_defaults: those of the base model."""
    properties, notes = raw["properties"], list[str]()
    data = dict(_data(node.inputs, workspace, notes))
    if "train" not in data:
        data = {"train": {"path": "train.jsonl"}, **data}
        notes.append("the training data is not known: data.train is an example")
    parameters, mode = _parameters(node.inputs, interface, model_defaults, notes)
    nodes = node.input_of(Value.NODES)
    if properties.get("identity"):
        notes.append("the job has an identity: add finetune.identity if its data requires it")
    if properties.get("settings", {}).get("continue_on_step_failure"):
        notes.append("the job continues after a failed step; phift stops")
    tags, secret_tags = without_secrets(user_tags(properties.get("tags")), "job tag")
    experiment = properties.get("experimentName")
    base = node.base_model
    values = drop_none(
        {
            "description": properties.get("description") or None,
            "tags": tags or None,
            "base_model": {"huggingface_id": base} if isinstance(base, str) else str(base.of_kind("models")),
            "data": data,
            "compute": _compute(node.inputs, properties, notes),
            "finetune": drop_none(
                {
                    "component": str(node.component),
                    "instance_count": int(nodes) if nodes and nodes.isdecimal() and nodes != "1" else None,
                    "model_defaults": mode if mode != "fill" else None,
                    "parameters": parameters or None,
                    "experiment_name": experiment if experiment and experiment != "Default" else None,
                }
            ),
        }
    )
    return ImportedBlock(values, (*notes, *secret_tags))


def _data(inputs: Mapping[str, str], workspace: str, notes: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield the source of each split; adds a note for those that a spec cannot name."""
    for split, file in DATA_INPUTS.items():
        uri = inputs.get(file) or inputs.get(_MLTABLE[split])
        if uri is None:
            continue
        asset = asset_of(uri, workspace)
        if asset is not None and asset.registry is None:
            yield split, str(asset)
        elif uri.lower().startswith(("https://", "http://")):
            yield split, {"path": uri}
        elif datastore := _datastore(uri, workspace):
            yield split, datastore
        else:
            notes.append(f"{split} data {uri} is left out: a spec cannot refer to it")


def _datastore(uri: str, workspace: str) -> str | None:
    try:
        found = DatastoreRef.parse(uri)
    except ValueError:
        return None
    elsewhere = found.workspace is not None and found.workspace.arm_id.lower() != workspace.lower()
    return uri if elsewhere else str(found)


def _compute(inputs: Mapping[str, str], properties: Mapping[str, Any], notes: list[str]) -> dict[str, str]:
    """Return the block `compute`, with references to clusters."""
    default = str(properties.get("computeId") or (properties.get("settings") or {}).get("default_compute") or "")
    sites: dict[Value, list[str]] = {Value.COMPUTE: [], Value.OTHER_COMPUTE: []}
    for slot in SLOTS:
        if slot.value in sites and (name := inputs.get(slot.input)):
            size = inputs.get(slot.input.replace("compute_", "instance_type_"), "")
            sites[slot.value].append(f"serverless:{size}" if name == SERVERLESS else f"azureml:{_cluster(name)}")
    own = [*sites[Value.COMPUTE], *([f"azureml:{_cluster(default)}"] if default else [])][:1]
    if not own:
        own = ["azureml:gpu-cluster"]
        notes.append("the compute of the job is not known: compute.finetune is an example")
    others = dict.fromkeys(site for site in sites[Value.OTHER_COMPUTE] if site != own[0])
    if len(others) > 1:
        notes.append(f"the other steps ran on {', '.join(others)}; a spec has one compute for them")
    return {"finetune": own[0], **({"other_steps": next(iter(others))} if others else {})}


def _cluster(id: str) -> str:
    return id.removeprefix("azureml:").rpartition("/")[2]


def _parameters(
    inputs: Mapping[str, str], interface: ComponentInterface, defaults: Mapping[str, Any], notes: list[str]
) -> tuple[dict[str, Any], str]:
    """Return the parameters that differ from the defaults, and the mode in which the others have the job's values."""
    wanted: dict[str, Any] = {}
    for name, declared in interface.inputs.items():
        if managed_input(name) is not None:
            continue
        if declared.is_literal:
            wanted[name] = interface.canonical(name, inputs[name]) if name in inputs else declared.default
        elif name in inputs:
            notes.append(f"parameter {name} is left out: a spec uploads a local file, and the job read {inputs[name]}")
    notes += [
        f"input {name} is left out: the component does not have it"
        for name in inputs
        if name not in interface.inputs and managed_input(name) is None
    ]
    mode = "fill"
    filled = effective_parameters(interface, {}, defaults, mode).values()
    if any(value is None and name in filled for name, value in wanted.items()):
        mode = "ignore"  # a spec cannot unset a default of the model
        filled = effective_parameters(interface, {}, defaults, mode).values()
    own = {name: _plain(interface, name, value) for name, value in wanted.items() if value != filled.get(name)}
    return own, mode


def _plain(interface: ComponentInterface, name: str, value: Any) -> Any:
    """Return a value as an author writes it: flags and numbers without quotes."""
    if not isinstance(value, str):
        return value
    plain: Any = {"true": True, "false": False}.get(value)
    if plain is None and value.isdecimal():
        plain = int(value)
    try:
        return plain if plain is not None and interface.canonical(name, plain) == value else value
    except ValueError:
        return value
