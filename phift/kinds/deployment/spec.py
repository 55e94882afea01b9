"""`deployment`: the managed online deployment."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from phift.diagnostics import Diagnostic
from phift.spec.autoscale import AutoscaleBlock
from phift.spec.base import AnyCase, Before, Block, Coerced, Secret, Strict, Tags, Texts, fault
from phift.spec.rules import BlockRules, Implied, Need, NotYet, NumbersAsText, missing
from phift.spec.tree import Node

if TYPE_CHECKING:
    from phift.spec.document import Spec

__all__ = ["CodeConfiguration", "DeploymentBlock", "InitialCount", "Probe", "RequestSettings", "ScaleSettings"]


MOST_INSTANCES = 50
"""Maximum number of instances of a deployment (Azure docs)."""


class Probe(Strict):
    """A health probe of a container. Times in seconds."""

    initial_delay: Annotated[int | None, Field(ge=1, description="Seconds before the first probe."), Coerced] = None
    period: Annotated[int | None, Field(ge=1, description="Seconds between probes."), Coerced] = None
    timeout: Annotated[int | None, Field(ge=1, description="Timeout of a probe in seconds."), Coerced] = None
    success_threshold: Annotated[
        int | None, Field(ge=1, description="Consecutive successes to count as healthy."), Coerced
    ] = None
    failure_threshold: Annotated[
        int | None, Field(ge=1, description="Consecutive failures to count as unhealthy."), Coerced
    ] = None


class RequestSettings(Strict):
    """Limits of requests to a container. Times in milliseconds."""

    request_timeout_ms: Annotated[
        int | None, Field(ge=1, le=180_000, description="Timeout of a request in milliseconds."), Coerced
    ] = None
    max_concurrent_requests_per_instance: Annotated[
        int | None, Field(ge=1, description="Maximum concurrent requests per instance."), Coerced
    ] = None
    max_queue_wait_ms: Annotated[
        int | None, Field(ge=1, description="Maximum time of a request in the queue, in milliseconds."), Coerced
    ] = None


class CodeConfiguration(Strict):
    """A custom scoring script."""

    code: Annotated[str, Field(min_length=1, description="Folder with the code, relative to this file.")]
    scoring_script: Annotated[str, Field(min_length=1, description="Scoring script in that folder.")]


def _scale_type(value: Any) -> Any:
    """Reject scaling by utilization, which is for Kubernetes online deployments."""
    if isinstance(value, str) and value.lower().replace("_", "") == "targetutilization":
        raise fault(
            "cannot be target_utilization: managed online deployments scale with an autoscale setting",
            "Write deployment.autoscale: {maximum: 4, rules: [{metric: GpuUtilizationPercentage, above: 70, add: 1}, "
            "{metric: GpuUtilizationPercentage, below: 25, remove: 1}]}.",
        )
    return value


class ScaleSettings(Strict):
    """The scale settings of `az ml` YAML; a managed online deployment has only `type: default`."""

    type: Annotated[
        Literal["default"],
        AnyCase,
        Before(_scale_type),
        Field(description="Always `default`; to scale, use autoscale."),
    ] = "default"


class InitialCount(Strict):
    """An instance count that phift sets at creation only; an autoscaler changes it afterwards."""

    initial: Annotated[int, Field(ge=1, le=MOST_INSTANCES, description="Number of instances at creation."), Coerced]


def _count_shape(value: Any) -> str:
    return "<initial>" if isinstance(value, dict | InitialCount) else "<count>"


_Count = Annotated[
    Annotated[Annotated[int, Field(ge=1, le=MOST_INSTANCES), Coerced], Tag("<count>")]
    | Annotated[InitialCount, Tag("<initial>")],
    Discriminator(_count_shape),
]


def _variable_names(root: Node) -> Iterator[Diagnostic]:
    """Check the names of the environment variables: the service rejects these when it creates the deployment."""
    node = root.at(("deployment", "environment_variables"))
    for name, child in ((node.mapping if node else None) or {}).items():
        if not name or "=" in name or "\0" in name:
            yield Diagnostic(
                f"deployment.environment_variables: {name!r} is not a name of an environment variable",
                remedy='Write a name without "=", such as LOG_LEVEL.',
                mark=child.name_mark,
                path=f"deployment.environment_variables.{name}",
                code="invalid-value",
            )


def _has_model(spec: "Spec", root: Node) -> Iterator[Diagnostic]:
    """Check that the deployment has a model, trained or referred to."""
    if spec.finetune is None and spec.base_model is None and spec.model is None:
        yield missing(root, "deployment", "model", "model: azureml:NAME:VERSION, or base_model, data and finetune")


class DeploymentBlock(Block):
    """The deployment behind the endpoint."""

    rules: ClassVar[BlockRules] = BlockRules(
        needs=(Need("endpoint", "endpoint: {auth_mode: key}"),),
        not_yet=(NotYet("code_configuration", "a custom scoring script", remedy="MLflow models do not need one."),),
        checks=(_has_model,),
        tree_checks=(_variable_names,),
    )
    spellings = (
        Implied("$schema"),
        Implied("type", ("managed",), "phift creates managed online deployments only: remove it."),
        NumbersAsText("environment_variables"),
    )

    instance_type: Annotated[str, Field(min_length=1, description="VM size of the instances.")]
    instance_count: Annotated[
        _Count, Field(description="Number of instances, or {initial: n} if others scale the deployment.")
    ] = 1
    allow: Annotated[
        Texts, Field(description="Sizes to accept, in addition to the model's own allow-list. Empty: all.")
    ] = ()
    liveness_probe: Annotated[Probe | None, Field(description="Restart the container when unhealthy.")] = None
    readiness_probe: Annotated[Probe | None, Field(description="Send requests to the container only when ready.")] = (
        None
    )
    request_settings: Annotated[RequestSettings | None, Field(description="Limits of requests.")] = None
    scale_settings: Annotated[
        ScaleSettings | None, Field(description="Of `az ml` YAML: {type: default} has no effect.")
    ] = None
    autoscale: Annotated[
        AutoscaleBlock | None, Field(description="Scale the instances by load and time, with Azure Monitor.")
    ] = None
    environment: Annotated[
        str | None, Field(min_length=1, description="azureml:NAME:VERSION, or the id of an environment in a registry.")
    ] = None
    code_configuration: Annotated[CodeConfiguration | None, Field(description="A custom scoring script.")] = None
    environment_variables: Annotated[
        dict[str, Secret],
        Field(description='Text, {secret: env:NAME} or "${{keyvault:URL}}".'),
    ] = Field(default_factory=dict)
    egress_public_network_access: Annotated[
        Literal["enabled", "disabled"] | None,
        Field(description="Whether containers can access the internet."),
        AnyCase,
    ] = None
    app_insights_enabled: Annotated[bool, Field(description="Send telemetry to Application Insights."), Coerced] = False
    description: Annotated[str | None, Field(description="Shown in the workspace.")] = None
    tags: Annotated[Tags, Field(description="Tags of the deployment.")] = Field(default_factory=dict)
    protect: Annotated[bool, Field(description="Reject plans that delete it."), Coerced] = False

    @model_validator(mode="after")
    def _one_scaler(self) -> "DeploymentBlock":
        if self.autoscale is not None and "instance_count" in self.model_fields_set:
            raise fault(
                "has both autoscale and instance_count",
                "Remove instance_count; autoscale.initial is the number of instances at creation.",
            )
        return self
