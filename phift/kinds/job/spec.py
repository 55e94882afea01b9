"""`finetune`: the training job."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from phift.diagnostics import Diagnostic, Severity
from phift.kinds.job.component import managed_input
from phift.kinds.job.tasks import CHAT, TASKS, UNSUPPORTED
from phift.spec.base import Block, Coerced, Component, Meanings, Parameter
from phift.spec.identity import JobIdentity
from phift.spec.references import AssetRef, ComputeRef
from phift.spec.rules import BlockRules, Elsewhere, Implied, Need, Renamed
from phift.spec.tree import Node, dotted

if TYPE_CHECKING:
    from phift.spec.document import Spec

__all__ = ["FinetuneBlock"]

_DEFAULT_COMPONENT = AssetRef("azureml", "chat_completion_pipeline", None, "latest", "components")


_MOST_MINUTES = 21 * 24 * 60
"""The service ends every job after 21 days."""


def _nodes_fit(spec: "Spec", root: Node) -> Iterator[Diagnostic]:
    """Check that the cluster can have the number of nodes of the job."""
    wanted = spec.finetune.instance_count if spec.finetune else 0
    most = getattr(spec.compute.finetune, "max_instances", None)  # a reference does not have it
    if most is not None and wanted > most:
        yield Diagnostic(
            f"finetune.instance_count is {wanted}; compute.finetune has at most {most} instances",
            remedy=f"Write compute.finetune.max_instances: {wanted}.",
            mark=root.nearest(("finetune", "instance_count")).mark,
            path="finetune.instance_count",
            code="bounds",
        )


def _makes_its_model(spec: "Spec", root: Node) -> Iterator[Diagnostic]:
    """Check that a spec with a fine-tune does not refer to an existing model."""
    model = root.child("model")
    if model is not None and isinstance(model.value, str):
        yield Diagnostic(
            "`model` refers to an existing model, but `finetune` creates a new one",
            remedy="Write model: {name: NAME}, or remove finetune to serve the existing model.",
            mark=root.nearest(("model",)).mark,
            path="model",
            code="needs",
        )


def _identity_reaches_the_steps(spec: "Spec", root: Node) -> Iterator[Diagnostic]:
    """Check that a job with an identity runs on clusters only."""
    computes = (spec.compute.finetune, spec.compute.other_steps)
    if spec.finetune and spec.finetune.identity and any(getattr(one, "serverless", "") for one in computes):
        yield Diagnostic(
            "finetune.identity has no effect on serverless compute",
            detail="On serverless compute, Azure ML ignores the identity of a pipeline: only its steps can have one, "
            "and the steps of a component of a registry cannot be changed.",
            remedy="Use a cluster (compute.finetune: {name: NAME, size: SIZE}), or remove finetune.identity.",
            mark=root.nearest(("finetune", "identity")).name_mark,
            path="finetune.identity",
            code="identity-serverless",
        )


def _identity_is_on_the_cluster(spec: "Spec", root: Node) -> Iterator[Diagnostic]:
    """Warn about a managed identity that the cluster of the spec does not have."""
    identity, cluster = spec.finetune.identity if spec.finetune else None, spec.compute.finetune
    if identity is None or identity.type != "managed" or cluster is None or isinstance(cluster, ComputeRef):
        return
    chosen = identity.client_id or identity.object_id or identity.msi_resource_id
    wanted = "user_assigned" if chosen else "system_assigned"
    if cluster.identity is not None and (not chosen or cluster.identity.type == wanted):
        return
    ids = ", user_assigned_identities: [ARM_ID]" if chosen else ""
    has = "has no identity" if cluster.identity is None else f"has the type {cluster.identity.type}"
    yield Diagnostic(
        f"finetune.identity is a managed identity of the cluster, but compute.finetune {has}",
        Severity.WARNING,
        detail="The steps of a job use an identity of the cluster that they run on; without it, they cannot read data.",
        remedy=f"Write compute: {{finetune: {{identity: {{type: {wanted}{ids}}}}}}}, or remove finetune.identity.",
        mark=root.nearest(("finetune", "identity")).name_mark,
        path="finetune.identity",
        code="identity-not-on-cluster",
    )


def _supported_task(spec: "Spec", root: Node) -> Iterator[Diagnostic]:
    """Check that phift prepares rows for the component."""
    reference = spec.finetune.component if spec.finetune else None
    if reference is None or reference.registry != "azureml" or reference.name not in UNSUPPORTED:
        return
    supported = ", ".join([CHAT, *TASKS])
    yield Diagnostic(
        f"{reference.name} ({UNSUPPORTED[reference.name]}) is not supported",
        detail="phift does not prepare and check rows for this task.",
        remedy=f"Use one of: {supported}.",
        mark=root.nearest(("finetune", "component")).mark,
        path="finetune.component",
        code="task-unsupported",
    )


def _parameters(root: Node) -> Iterator[Diagnostic]:
    node = root.at(("finetune", "parameters"))
    for name, child in ((node.mapping if node else None) or {}).items():
        if remedy := managed_input(name):
            yield Diagnostic(
                f"{dotted(child.written)}: phift sets this input itself",
                remedy=remedy,
                mark=child.name_mark,
                path=f"finetune.parameters.{name}",
                code="managed-input",
            )


class FinetuneBlock(Block):
    """The training job: a component of a registry or of the workspace, and its inputs."""

    rules: ClassVar[BlockRules] = BlockRules(
        needs=(
            Need("base_model", "base_model: azureml://registries/azureml/models/NAME/labels/latest"),
            Need("data.train", "data: {train: {path: data/train.jsonl}}"),
            Need("compute.finetune", "compute: {finetune: {name: gpu-cluster, size: Standard_NC24ads_A100_v4}}"),
        ),
        checks=(
            _nodes_fit,
            _makes_its_model,
            _identity_reaches_the_steps,
            _identity_is_on_the_cluster,
            _supported_task,
        ),
        tree_checks=(_parameters,),
    )
    spellings = (
        Implied("$schema"),
        Implied("type", ("finetuning", "pipeline"), "phift creates fine-tuning jobs only: remove it."),
        Implied("model_provider", ("custom",), "phift trains models of a registry or of your own: remove it."),
        Renamed("hyperparameters", "parameters"),
        Renamed("inputs", "parameters"),
        Elsewhere("task", "Remove it: `component` determines the task, and each pipeline has its own component."),
        Elsewhere(
            "model", "Write base_model: azureml://registries/azureml/models/NAME/labels/latest at the top level."
        ),
        Elsewhere("training_data", "Write data: {train: {path: FILE}} at the top level."),
        Elsewhere("validation_data", "Write data: {validation: {path: FILE}} at the top level."),
        Elsewhere("compute", "Write compute: {finetune: azureml:CLUSTER} at the top level."),
        Elsewhere("resources", "Write compute: {finetune: serverless:SIZE} at the top level."),
        Elsewhere("queue_settings", "Write the tier at the top level: compute: {finetune: {tier: low_priority, ...}}."),
        Elsewhere("outputs", "Write model: {name: NAME} at the top level: phift registers the model of the job."),
        Elsewhere("name", "Remove it: the name of a job is the stack and the digest of its inputs."),
        Elsewhere("display_name", "Remove it: phift composes it of the model, the data and the parameters."),
        Elsewhere("tags", "Write tags: {NAME: VALUE} at the top level."),
        Elsewhere("properties", "Write azure: {properties: {properties: {NAME: VALUE}}}."),
        Elsewhere("description", "Write description: TEXT at the top level."),
        Elsewhere("services", "Remove it: the service sets it."),
        Elsewhere("limits", "Write timeout_minutes: N."),
        Elsewhere("settings", "Remove it: phift reruns every step, and stops at the first one that fails."),
        Elsewhere("jobs", "Write the inputs of the fine-tune component under parameters: phift builds the pipeline."),
    )

    component: Annotated[Component, Field(description="Pipeline component that runs the fine-tuning.")] = (
        _DEFAULT_COMPONENT
    )
    instance_count: Annotated[int, Field(ge=1, description="Number of nodes of the fine-tune step."), Coerced] = 1
    model_defaults: Annotated[
        Literal["fill", "override", "ignore"],
        Field(description="Whether the recommended parameters of the base model complete or override `parameters`."),
        Meanings(
            fill="They apply where `parameters` has no value.",
            override="They apply even where `parameters` has a value, as in Azure's sample notebook.",
            ignore="They do not apply.",
        ),
    ] = "fill"
    parameters: Annotated[
        dict[str, Parameter],
        Field(description="Inputs of the component; a path for a file. phift sets data, computes, nodes and GPUs."),
    ] = Field(default_factory=dict)
    experiment_name: Annotated[
        str | None, Field(min_length=1, description="Name of the experiment. Default: the name of the stack.")
    ] = None
    timeout_minutes: Annotated[
        int | None,
        Field(ge=1, le=_MOST_MINUTES, description="Time limit in minutes from the start of the job; kept by phift."),
        Coerced,
    ] = None
    queue_timeout_minutes: Annotated[
        int | None,
        Field(ge=1, le=_MOST_MINUTES, description="Maximum minutes from submission to first step; kept by phift."),
        Coerced,
    ] = None
    retries: Annotated[
        int, Field(ge=0, le=10, description="Maximum number of retries after infrastructure failures."), Coerced
    ] = 0
    identity: Annotated[JobIdentity | None, Field(description="Identity with which the job reads its data.")] = None
