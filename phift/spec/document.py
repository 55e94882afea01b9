"""The spec as a whole, format 1."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from phift.kinds.compute.spec import ComputeSection
from phift.kinds.data.spec import DataBlock
from phift.kinds.deployment.rollout import RolloutBlock
from phift.kinds.deployment.spec import DeploymentBlock
from phift.kinds.endpoint.spec import EndpointBlock
from phift.kinds.job.spec import FinetuneBlock
from phift.kinds.test.spec import TestBlock
from phift.spec.assets import ModelBlock, ModelOrRef
from phift.spec.base import BaseModelReference, Before, Coerced, Strict, Tags, Texts, fault, matching
from phift.spec.money import BudgetBlock, Price
from phift.spec.references import AssetRef
from phift.spec.requirement import PATTERN as REQUIREMENT
from phift.spec.rules import BlockRules, Implied, Need
from phift.spec.waivers import WaiverBlock
from phift.workspace import WorkspaceId

__all__ = ["NAME_PATTERN", "Spec", "TargetBlock", "WorkspaceBlock", "blocks"]

BASE_MODEL_RULES = BlockRules(needs=(Need("finetune", "finetune: {parameters: {num_train_epochs: 1}}"),))
NAME_PATTERN = "[a-z][a-z0-9-]{1,23}"
_NAME_RULE = "2 to 24 lower-case letters, digits and dashes, starting with a letter"


def _not_true(value: Any) -> Any:
    """Reject true: it equals 1 in Python, and therefore in a Literal."""
    if isinstance(value, bool):
        raise fault(f"must be 1, got {str(value).lower()}")
    return value


class AdoptBlock(Strict):
    """Existing unmanaged resources with the names of the spec, to import into this stack."""

    compute: Annotated[bool, Field(description="The cluster of compute.finetune."), Coerced] = False
    endpoint: Annotated[bool, Field(description="The endpoint."), Coerced] = False
    deployment: Annotated[
        bool, Field(description="The deployment, with its autoscale setting; see `phift import`."), Coerced
    ] = False
    model: Annotated[
        bool, Field(description="The newest version of the model, used as the result of this training."), Coerced
    ] = False


class Spec(Strict):
    """A spec rendered for one target: one fine-tune, and at most one endpoint."""

    version: Annotated[Literal[1], Before(_not_true), Field(description="The format of this file.")]
    requires_phift: Annotated[
        str | None,
        *matching(REQUIREMENT, 'the oldest release that can read this file, such as ">=0.2"'),
        Field(description='Oldest release of phift that can read this file: ">=0.2".'),
    ] = None
    name: Annotated[
        str,
        *matching(NAME_PATTERN, _NAME_RULE),
        Field(description="Name of the stack, and prefix of the names that it creates."),
    ]
    description: Annotated[str | None, Field(description="Free text, not used by phift.")] = None
    tags: Annotated[Tags, Field(description="Tags of all resources.")] = Field(default_factory=dict)
    vars: Annotated[dict[str, Any], Field(description="Variables for templates: {{ vars.NAME }}.")] = Field(
        default_factory=dict
    )
    protect: Annotated[bool, Field(description="Reject plans that destroy the stack."), Coerced] = False
    base_model: Annotated[
        BaseModelReference | None,
        Field(
            description="The model to fine-tune: a registered one, one of the hub by its id, or a folder of weights."
        ),
    ] = None
    data: Annotated[DataBlock | None, Field(description="The splits and their sources.")] = None
    compute: Annotated[ComputeSection, Field(default_factory=ComputeSection, description="Where jobs run.")]
    finetune: Annotated[FinetuneBlock | None, Field(description="The training job.")] = None
    model: Annotated[
        ModelOrRef | None,
        Field(description="The model to register, or azureml:NAME:VERSION to serve an existing one."),
    ] = None
    endpoint: Annotated[EndpointBlock | None, Field(description="The managed online endpoint.")] = None
    deployment: Annotated[DeploymentBlock | None, Field(description="The deployment behind the endpoint.")] = None
    rollout: Annotated[RolloutBlock | None, Field(description="How a new deployment replaces the old one.")] = None
    tests: Annotated[
        dict[str, TestBlock], Field(description="Tests of the deployment, by name; they run before traffic moves.")
    ] = Field(default_factory=dict)
    budget: Annotated[BudgetBlock | None, Field(description="Limits of the estimated cost.")] = None
    prices: Annotated[
        dict[str, Price] | None,
        Field(description="Prices by VM size, instead of those that phift finds: {Standard_NC24ads_A100_v4: 3.10}."),
    ] = None
    extends: Annotated[
        Texts | None,
        BeforeValidator(
            lambda value: [value] if isinstance(value, str) else value, json_schema_input_type=str | list[str]
        ),
        Field(description="Specs that this one extends."),
    ] = None
    matrix: Annotated[
        dict[str, Any] | None, Field(description="Variables with several values: one stack for each combination.")
    ] = None
    renamed_from: Annotated[Texts, Field(description="Former names of the stack.")] = ()
    waivers: Annotated[
        tuple[WaiverBlock, ...] | None,
        Field(strict=False, description="Warnings that the author accepts, each with a reason."),
    ] = None
    adopt: Annotated[
        AdoptBlock | None, Field(description="Existing unmanaged resources to import into this stack.")
    ] = None

    spellings = (Implied("$schema"),)

    @property
    def served(self) -> tuple[str, ModelBlock | AssetRef] | None:
        """The model of a spec that serves without training, with its path in the spec: a reference, or files."""
        if self.deployment is not None and self.deployment.model is not None:
            return "deployment.model", self.deployment.model
        files = isinstance(self.model, ModelBlock) and self.model.path is not None
        return ("model", self.model) if self.model is not None and (files or isinstance(self.model, AssetRef)) else None

    def adopts(self, kind: str) -> bool:
        """Return whether to import an unmanaged resource of a kind (compute, endpoint, deployment, model)."""
        return self.adopt is not None and bool(getattr(self.adopt, kind))

    @model_validator(mode="before")
    @classmethod
    def _model_name(cls, data: Any) -> Any:
        """Default the model of a fine-tune to the name of the spec."""
        if not isinstance(data, dict) or "finetune" not in data or "model" in data:
            return data
        name = data.get("name")
        named = isinstance(name, str) and re.fullmatch(NAME_PATTERN, name)
        return {**data, "model": {"name": str(name)}} if named else data


@cache
def blocks() -> Mapping[str, BlockRules]:
    """Return the rules of all blocks by key, in order."""
    rules = {"base_model": BASE_MODEL_RULES}
    for name, field in Spec.model_fields.items():
        if (block := _block_in(field.annotation)) is not None:
            rules[name] = block.rules
    return rules


def _block_in(annotation: Any) -> type[Strict] | None:
    """Return the block in the type of a field, however it is wrapped."""
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _block_in(inner)) is not None), None)


class WorkspaceBlock(Strict):
    """An Azure ML workspace, with the keys of `config.json` and `az ml`."""

    subscription_id: Annotated[
        str, *matching("[A-Za-z0-9-]{1,64}", "the id of a subscription"), Field(description="Azure subscription.")
    ]
    resource_group: Annotated[
        str,
        *matching(
            r"[\w().-]{0,89}[\w()-]",
            "at most 90 letters, digits, dashes, dots, underscores and parentheses, not ending with a dot",
        ),
        Field(description="Azure resource group."),
    ]
    name: Annotated[
        str,
        *matching("[A-Za-z0-9][A-Za-z0-9_-]{0,259}", "letters, digits, dashes and underscores"),
        Field(description="Name of the workspace."),
    ]

    @property
    def reference(self) -> WorkspaceId:
        """Return the workspace as a plain value."""
        return WorkspaceId(self.subscription_id, self.resource_group, self.name)


class TargetBlock(Strict):
    """The own keys of a target. Its other keys override those of the spec."""

    default: Annotated[bool, Field(description="Used when no --target is given."), Coerced] = False
    workspace: Annotated[
        WorkspaceBlock | None, Field(description="Workspace. Default: from environment variables or config.json.")
    ] = None
