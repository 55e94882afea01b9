"""`deployment`: the managed online deployment."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from phift.diagnostics import Diagnostic, Severity
from phift.spec.assets import EnvironmentOrRef, ModelOrRef
from phift.spec.autoscale import MOST_INSTANCES, AutoscaleBlock
from phift.spec.base import AnyCase, Before, Block, Coerced, Meanings, Secret, Strict, Tags, Texts, fault
from phift.spec.references import AssetRef
from phift.spec.rules import BlockRules, Elsewhere, Implied, Need, NumbersAsText, missing
from phift.spec.tree import Node

if TYPE_CHECKING:
    from phift.spec.document import Spec

__all__ = [
    "SERVER_VARIABLES",
    "CodeConfiguration",
    "DataCollection",
    "DataCollector",
    "DeploymentBlock",
    "InitialCount",
    "Probe",
    "RequestLogging",
    "RequestSettings",
    "ScaleSettings",
]


_ROUTE = "Write environment: {inference_config: {liveness_route: {path: /, port: 5001}, ...}}."
_VAULT_TEXT = r"(?P<name>[A-Za-z0-9-]{1,127})@(?P<vault>https://[a-z0-9-]{3,24}\.vault\.azure\.net)/?"
_REGISTERED = "azureml:"
"""Prefix of a reference to registered code."""
_READ_ONLY = ("id", "provisioning_state", "creation_context")
"""Keys of the output of `az ml online-deployment show`."""
_BY_HTTP = "Remove it: the service sends GET requests over HTTP."
SERVER_VARIABLES = ("AZUREML_MODEL_DIR", "AZUREML_ENTRY_SCRIPT", "AML_APP_ROOT")
"""Environment variables that the service adds to those of the deployment."""


class Probe(Strict):
    """A health probe of a container. Times in seconds."""

    spellings = (
        Elsewhere("path", _ROUTE),
        Elsewhere("port", _ROUTE),
        Elsewhere("scheme", _BY_HTTP),
        Elsewhere("method", _BY_HTTP),
    )

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


def _code(value: Any) -> Any:
    """Require a version of registered code."""
    if not isinstance(value, str) or not value.startswith(_REGISTERED):
        return value
    try:
        asset = AssetRef.parse(value)
    except ValueError as error:
        raise fault(str(error), "Write azureml:NAME:VERSION, or the path of a folder.") from None
    if asset.registry is not None or asset.floats:
        raise fault("must name a version in the workspace", "Write azureml:NAME:VERSION, or the path of a folder.")
    return value


class CodeConfiguration(Strict):
    """A custom scoring script."""

    code: Annotated[
        str,
        Before(_code),
        Field(min_length=1, description="Folder with the code, relative to this file, or azureml:NAME:VERSION."),
    ]
    scoring_script: Annotated[str, Field(min_length=1, description="Scoring script in that folder.")]

    @property
    def asset(self) -> AssetRef | None:
        """The registered code, or None for a folder."""
        return AssetRef.parse(self.code) if self.code.startswith(_REGISTERED) else None


_RATE = Field(ge=0, le=1, description="Share of the requests to store, from 0 to 1.")


def _data_asset(value: Any) -> Any:
    """Unwrap `{data_id: ID}` and `{name: NAME, version: VERSION}` of `az ml` YAML."""
    if isinstance(value, Mapping) and set(value) == {"data_id"}:
        return value["data_id"]
    if isinstance(value, Mapping) and set(value) == {"name", "version"}:
        return f"azureml:{value['name']}:{value['version']}"
    return value


_DataId = dict[Literal["data_id"], str]
_DataName = dict[Literal["name", "version"], str | int]


class DataCollection(Strict):
    """A collection, such as model_inputs or model_outputs."""

    enabled: Annotated[bool, Field(description="Store this collection."), Coerced]
    sampling_rate: Annotated[float | None, _RATE, Coerced] = None
    data: Annotated[
        str | None,
        BeforeValidator(_data_asset, json_schema_input_type=str | _DataId | _DataName),
        Field(description="Data asset of the files: azureml:NAME:VERSION."),
    ] = None
    client_id: Annotated[str | None, Field(description="Client id of the identity that writes.")] = None


class RequestLogging(Strict):
    """What to store of the requests in addition."""

    capture_headers: Annotated[Texts, Field(description="Headers to store.")] = ()


class DataCollector(Strict):
    """What to store of requests and answers."""

    collections: Annotated[
        dict[str, DataCollection], Field(min_length=1, description="Collections by name: model_inputs, ...")
    ]
    rolling_rate: Annotated[
        Literal["minute", "hour", "day", "month", "year"] | None,
        Field(description="Time after which a new file begins."),
        AnyCase,
        Meanings(
            minute="A new file each minute.",
            hour="A new file each hour.",
            day="A new file each day.",
            month="A new file each month.",
            year="A new file each year.",
        ),
    ] = None
    sampling_rate: Annotated[float | None, _RATE, Coerced] = None
    request_logging: Annotated[RequestLogging | None, Field(description="Headers to store.")] = None


def _scaling(value: Any) -> Any:
    """Reject other types than `default` as a whole: their fields are those of Kubernetes, or of an earlier format."""
    if not isinstance(value, Mapping):
        return value
    kind = str(value.get("type") or value.get("scale_type") or "default").lower().replace("_", "")
    if kind in ("targetutilization", "auto"):
        raise fault(
            "cannot be target_utilization: managed online deployments scale with an autoscale setting",
            "Write deployment.autoscale: {maximum: 4, rules: [{metric: GpuUtilizationPercentage, above: 70, add: 1}, "
            "{metric: GpuUtilizationPercentage, below: 25, remove: 1}]}.",
        )
    if kind == "manual":
        raise fault("has the type manual of an earlier format of `az ml`", "Remove it: instance_count is the number.")
    return value


class ScaleSettings(Strict):
    """The scale settings of `az ml` YAML; a managed online deployment has only `type: default`."""

    type: Annotated[
        Literal["default"],
        AnyCase,
        Field(description="Always `default`; to scale, use autoscale."),
        Meanings(default="The number of instances is instance_count."),
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
        elif name in SERVER_VARIABLES:
            yield Diagnostic(
                f"deployment.environment_variables.{name} is set by the service",
                detail="The service replaces the value by its own, so that every plan would change it back.",
                remedy="Remove it, or use another name.",
                mark=child.name_mark,
                path=f"deployment.environment_variables.{name}",
                code="invalid-value",
            )
        if isinstance(child.value, str) and "\0" in child.value:
            yield Diagnostic(
                f"deployment.environment_variables.{name} contains a null character",
                remedy="Remove it: no process can have such a variable.",
                mark=child.mark,
                path=f"deployment.environment_variables.{name}",
                code="invalid-value",
            )


def _has_model(spec: "Spec", root: Node) -> Iterator[Diagnostic]:
    """Check that the deployment has one model, trained, registered or referred to."""
    block = spec.deployment
    own = block is not None and block.model is not None
    if spec.finetune is None and spec.base_model is None and spec.model is None and not own:
        yield missing(root, "deployment", "model", "model: azureml:NAME:VERSION, or base_model, data and finetune")
    if own and (spec.finetune is not None or spec.base_model is not None or spec.model is not None):
        what = "the spec trains a model" if spec.finetune or spec.base_model else "the spec has another `model`"
        yield Diagnostic(
            f"deployment.model: {what}",
            remedy="Keep one of them; `deployment.model` is the spelling of `az ml` for `model`.",
            mark=root.nearest(("deployment", "model")).name_mark,
            path="deployment.model",
            code="two-models",
        )


def _resolved_by_code(spec: "Spec", root: Node) -> Iterator[Diagnostic]:
    """Warn about the convention of a sample of `az ml` for secrets, which the service does not know."""
    for name, value in (spec.deployment.environment_variables if spec.deployment else {}).items():
        if isinstance(value, str) and (found := re.fullmatch(_VAULT_TEXT, value)):
            place = ("deployment", "environment_variables", name)
            yield Diagnostic(
                f"deployment.environment_variables.{name} is text: the service does not resolve it",
                Severity.WARNING,
                detail="NAME@https://VAULT.vault.azure.net is a convention between a spec and its scoring script.",
                remedy=f"If the script does not, write ${{{{keyvault:{found['vault']}/secrets/{found['name']}}}}}.",
                mark=root.nearest(place).mark,
                path=".".join(place),
                code="secret-as-text",
            )


class DeploymentBlock(Block):
    """The deployment behind the endpoint."""

    rules: ClassVar[BlockRules] = BlockRules(
        needs=(Need("endpoint", "endpoint: {auth_mode: key}"),),
        checks=(_has_model, _resolved_by_code),
        tree_checks=(_variable_names,),
    )
    spellings = (
        Implied("$schema"),
        Implied("type", ("managed",), "phift creates managed online deployments only: remove it."),
        NumbersAsText("environment_variables"),
        Elsewhere("name", "Remove it: the name of a deployment is the digest of what requires a new one."),
        Elsewhere("endpoint_name", "Remove it: the deployment belongs to `endpoint`."),
        Elsewhere("model_mount_path", "Write azure: {properties: {modelMountPath: PATH}}."),
        Elsewhere(
            "private_network_connection",
            "Write egress_public_network_access: disabled; the service replaced the other field by it.",
        ),
        Elsewhere("code_path", "Write code_configuration: {code: FOLDER, scoring_script: FILE}."),
        Elsewhere("scoring_script", "Write code_configuration: {code: FOLDER, scoring_script: FILE}."),
        *(Elsewhere(name, "Remove it: the service sets it.") for name in _READ_ONLY),
        Elsewhere("resources", "Kubernetes only: the size of a managed deployment is instance_type."),
    )

    model: Annotated[
        ModelOrRef | None,
        Field(description="The model to serve: the spelling of `az ml` for `model`."),
    ] = None
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
        ScaleSettings | None,
        Before(_scaling),
        Field(description="Of `az ml` YAML: {type: default} has no effect."),
    ] = None
    autoscale: Annotated[
        AutoscaleBlock | None, Field(description="Scale the instances by load and time, with Azure Monitor.")
    ] = None
    environment: Annotated[
        EnvironmentOrRef | None,
        Field(description="azureml:NAME:VERSION, the id of a registry, a curated one (AzureML-...), or its content."),
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
        Meanings(
            enabled="Containers can access the internet.",
            disabled="Containers can access the workspace and its resources only, by private endpoints.",
        ),
    ] = None
    data_collector: Annotated[
        DataCollector | None, Field(description="Store requests and answers in the workspace.")
    ] = None
    properties: Annotated[Tags | None, Field(description="Properties of the deployment.")] = None
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
