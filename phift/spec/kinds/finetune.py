"""`finetune`: the training job."""

from functools import cache
from typing import Annotated, Literal

from pydantic import Field

from phift.spec.base import Block, Coerced, Component, Scalar
from phift.spec.kinds.identity import JobIdentity
from phift.spec.references import AssetRef

__all__ = ["FinetuneBlock", "managed_input"]

_DEFAULT_COMPONENT = AssetRef("azureml", "chat_completion_pipeline", None, "latest", "components")

_DATA = "Set the split under data."
_COMPUTE = "Set compute.finetune or compute.other_steps."
_BASE_MODEL = "Set base_model."
_MANAGED = {
    "mlflow_model_path": _BASE_MODEL,
    "pytorch_model_path": _BASE_MODEL,
    "huggingface_id": _BASE_MODEL,
    "num_nodes_finetune": "Set finetune.instance_count.",
    "number_of_gpu_to_use_finetuning": "phift reads the number of GPUs of compute.finetune.size from the workspace.",
    "task_name": "It follows from the component.",
}
_MANAGED_FAMILIES = {
    ("train_", "validation_", "test_"): (("_file_path", "_mltable_path"), _DATA),
    ("compute_", "instance_type_"): (("",), _COMPUTE),
}


@cache  # asked for every input of the component, for every stack
def managed_input(name: str) -> str | None:
    """What to set in place of a component input that phift sets itself; None for inputs that are the author's."""
    if remedy := _MANAGED.get(name):
        return remedy
    for starts, (ends, remedy) in _MANAGED_FAMILIES.items():
        if name.startswith(starts) and name.endswith(ends):
            return remedy
    return None


class FinetuneBlock(Block):
    """The training job: a component of a registry or of the workspace, and what it is given."""

    component: Annotated[Component, Field(description="The pipeline component that fine-tunes.")] = _DEFAULT_COMPONENT
    instance_count: Annotated[int, Field(ge=1, description="Nodes the fine-tune step runs on."), Coerced] = 1
    model_defaults: Annotated[
        Literal["fill", "override", "ignore"],
        Field(
            description="The base model's recommended parameters fill what `parameters` leaves open, or override it."
        ),
    ] = "fill"
    parameters: Annotated[
        dict[str, Scalar],
        Field(description="Inputs of the component. Paths, computes, nodes and GPUs are set by phift."),
    ] = Field(default_factory=dict)
    experiment_name: Annotated[str | None, Field(min_length=1, description="Default: the stack's name.")] = None
    timeout_minutes: Annotated[
        int | None, Field(ge=1, description="The service cancels a job that runs longer."), Coerced
    ] = None
    queue_timeout_minutes: Annotated[
        int | None, Field(ge=1, description="How long a job may wait for a node."), Coerced
    ] = None
    retries: Annotated[
        int, Field(ge=0, le=10, description="New attempts after failures of the infrastructure."), Coerced
    ] = 0
    identity: Annotated[JobIdentity | None, Field(description="As whom the job reads its data.")] = None
