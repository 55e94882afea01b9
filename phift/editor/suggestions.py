"""What an editor suggests for text that has no fixed list of values: models, components, VM sizes, metrics, days.

Each suggestion is a constant with a description of its own, next to a schema that accepts everything.
"""

from __future__ import annotations

from collections.abc import Mapping

from phift.catalog import CatalogModel, VmSize, component, models, vm_sizes
from phift.editor.parameters import SUPPORTED
from phift.kinds.job.tasks import TASKS
from phift.spec.autoscale import DAYS, GROUPS
from phift.spec.jsonschema import REF, Schema
from phift.spec.scaling_metrics import DEPLOYMENT, GPU, METRICS

__all__ = ["definitions", "sizes", "suggested"]


def definitions() -> dict[str, Schema]:
    """Return the definitions of the suggested values, by name."""
    return {
        "VmSizes": _constants(sizes()),
        "Serverless": _constants({f"serverless:{name}": f"Serverless: {text}" for name, text in sizes().items()}),
        "BaseModels": _constants(_base_models()),
        "Components": _constants(_components()),
        "Metrics": _constants({name: _metric(name) for name in METRICS}),
        "Days": _constants(_days()),
    }


def suggested(schema: Schema, name: str) -> Schema:
    """Return the schema of a field with the suggestions of a definition."""
    return {**schema, "anyOf": [*schema.get("anyOf", [{}]), {"$ref": REF + name}]}


def _constants(values: Mapping[str, str]) -> Schema:
    return {"anyOf": [{"const": value, "description": text} for value, text in values.items()]}


def sizes() -> dict[str, str]:
    """Return the VM sizes that are not retired, those with GPUs first, with GPUs and memory."""
    current = [size for size in vm_sizes().values() if size.retired is None]
    return {size.name: _hardware(size) for size in sorted(current, key=lambda size: size.gpus == 0)}


def _base_models() -> dict[str, str]:
    return {
        f"azureml://registries/azureml/models/{name}/labels/latest": _model(model) for name, model in models().items()
    }


def _components() -> dict[str, str]:
    found = {}
    for name in SUPPORTED:
        known = component(name)
        task = TASKS[name].name.replace("-", " ") if name in TASKS else "chat completion"
        version = f" Newest version of the catalogue: {known.version}." if known else ""
        found[f"azureml://registries/azureml/components/{name}/labels/latest"] = f"Fine-tuning for {task}.{version}"
    return found


def _days() -> dict[str, str]:
    return {**{day: f"Every {day}." for day in DAYS}, **{name: f"{', '.join(days)}." for name, days in GROUPS.items()}}


def _hardware(size: VmSize) -> str:
    gpus = f"{size.gpus} x {size.gpu}, " if size.gpus else ""
    low = "" if size.low_priority else "; no low-priority nodes"
    return f"{gpus}{size.vcpus} vCPUs, {size.memory_gib} GiB of memory{low}."


def _model(model: CatalogModel) -> str:
    tasks = ", ".join(task.replace("-", " ") for task in model.finetune_tasks)
    context = f" Context of {model.context_window:,} tokens." if model.context_window else ""
    retired = f" Fine-tuning until {model.finetune_retirement}." if model.finetune_retirement else ""
    return f"For {tasks}. Licence: {model.license}.{context}{retired}"


def _metric(name: str) -> str:
    where = "of the deployment" if name in DEPLOYMENT else "of the requests to the endpoint"
    return f"Metric {where}{'; only sizes with GPUs have it' if name in GPU else ''}."
