"""The contract with the fine-tune components: the inputs that phift sets, the sources of their values, and what
the author sets instead. One table for the check of the spec, the compiler and the wire."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import NamedTuple

__all__ = [
    "BASE_MODEL",
    "DATA_INPUTS",
    "FOLDER_MODEL",
    "HUB_MODEL",
    "OUTPUT",
    "SERVERLESS",
    "SLOTS",
    "Site",
    "Slot",
    "Value",
    "managed_input",
    "set_by_phift",
    "without_size",
]

SERVERLESS = "serverless"
"""The compute of a step without a cluster."""

OUTPUT = "mlflow_model_folder"
"""The output of the component with the MLflow model."""


class Value(Enum):
    """The source of the value of an input."""

    BASE_MODEL = "the id of the base model"
    DATA = "the URI of a split"
    COMPUTE = "the name of compute.finetune, or serverless"
    OTHER_COMPUTE = "the name of compute.other_steps, or of compute.finetune, or serverless"
    SIZE = "the VM size of serverless compute, with Value.COMPUTE"
    OTHER_SIZE = "the VM size of serverless compute, with Value.OTHER_COMPUTE"
    NODES = "finetune.instance_count"
    GPUS = "GPUs of a node"
    NOTHING = "left to the component"


@dataclass(frozen=True)
class Slot:
    """An input, or several: `*` stands for any text. remedy: what the author sets instead. split: of data."""

    input: str
    value: Value
    remedy: str
    split: str = ""

    def fits(self, name: str) -> bool:
        """Return whether this is the slot of an input."""
        start, any_text, end = self.input.partition("*")
        if not any_text:
            return name == start
        return len(name) >= len(start) + len(end) and name.startswith(start) and name.endswith(end)


_DATA = "Set the split under data."
_COMPUTE = "Set compute.finetune or compute.other_steps."
_BASE_MODEL = "Set base_model."
_GPUS = "phift derives the number of GPUs from compute.finetune.size."

SLOTS = (
    Slot("mlflow_model_path", Value.BASE_MODEL, _BASE_MODEL),
    Slot("train_file_path", Value.DATA, _DATA, "train"),
    Slot("validation_file_path", Value.DATA, _DATA, "validation"),
    Slot("test_file_path", Value.DATA, _DATA, "test"),
    Slot("compute_finetune", Value.COMPUTE, _COMPUTE),
    Slot("compute_model_import", Value.OTHER_COMPUTE, _COMPUTE),
    Slot("compute_preprocess", Value.OTHER_COMPUTE, _COMPUTE),
    Slot("compute_model_evaluation", Value.OTHER_COMPUTE, _COMPUTE),
    Slot("instance_type_finetune", Value.SIZE, _COMPUTE),
    Slot("instance_type_model_import", Value.OTHER_SIZE, _COMPUTE),
    Slot("instance_type_preprocess", Value.OTHER_SIZE, _COMPUTE),
    Slot("instance_type_model_evaluation", Value.OTHER_SIZE, _COMPUTE),
    Slot("num_nodes_finetune", Value.NODES, "Set finetune.instance_count."),
    Slot("number_of_gpu_to_use_finetuning", Value.GPUS, _GPUS),
    Slot("pytorch_model_path", Value.NOTHING, _BASE_MODEL),
    Slot("huggingface_id", Value.NOTHING, _BASE_MODEL),
    Slot("task_name", Value.NOTHING, "The component determines it."),
    *(
        Slot(f"{split}_*{end}", Value.NOTHING, _DATA)
        for split in ("train", "validation", "test")
        for end in ("file_path", "mltable_path")
    ),
    Slot("compute_*", Value.NOTHING, _COMPUTE),
    Slot("instance_type_*", Value.NOTHING, _COMPUTE),
)
"""In order of precedence: the first slot whose pattern matches an input applies."""

BASE_MODEL = next(slot.input for slot in SLOTS if slot.value is Value.BASE_MODEL)
HUB_MODEL, FOLDER_MODEL = "huggingface_id", "pytorch_model_path"
"""The inputs for a base model of the hub, and for a folder of weights of Hugging Face."""
DATA_INPUTS = {slot.split: slot.input for slot in SLOTS if slot.value is Value.DATA}
"""The input for the URI of a split, by split."""


@cache  # called for every input of the component, for every stack
def managed_input(name: str) -> str | None:
    """Return the remedy for an input that phift sets itself; None for inputs that the author sets."""
    return next((slot.remedy for slot in SLOTS if slot.fits(name)), None)


class Site(NamedTuple):
    """Where steps run. cluster: its name, empty for serverless compute. size: VM size."""

    cluster: str
    size: str


def without_size(inputs: Collection[str], compute: Site, other: Site) -> str:
    """Return the first missing input for the VM size of a step on serverless compute; "" if none is missing."""
    sites = {Value.COMPUTE: compute, Value.OTHER_COMPUTE: other}
    for slot in SLOTS:
        size = slot.input.replace("compute_", "instance_type_")
        if slot.input in inputs and slot.value in sites and not sites[slot.value].cluster and size not in inputs:
            return size
    return ""


def set_by_phift(inputs: Collection[str], *, compute: Site, other: Site, nodes: int, gpus: int) -> dict[str, str]:
    """Return the literal inputs derived from the rest of the spec, as wire text. inputs: those of the component.

    Serverless compute always gets its VM size too: the defaults of the components are sizes that are retired.
    """
    values = {
        Value.COMPUTE: compute.cluster or SERVERLESS,
        Value.OTHER_COMPUTE: other.cluster or SERVERLESS,
        Value.NODES: str(nodes),
        Value.GPUS: str(gpus),
        **({} if compute.cluster else {Value.SIZE: compute.size}),
        **({} if other.cluster else {Value.OTHER_SIZE: other.size}),
    }
    return {s.input: values[s.value] for s in SLOTS if s.value in values and s.input in inputs}
