"""`finetune`: the training job."""

from typing import Annotated, Literal

from pydantic import Field

from phift.spec.base import Block, Coerced, Component, Scalar
from phift.spec.identity import JobIdentity
from phift.spec.references import AssetRef

__all__ = ["FinetuneBlock"]

_DEFAULT_COMPONENT = AssetRef("azureml", "chat_completion_pipeline", None, "latest", "components")


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
