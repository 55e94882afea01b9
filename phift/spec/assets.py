"""Assets that a spec can define where `az ml` YAML has them: models and environments."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from phift.diagnostics import Diagnostic
from phift.spec.base import AnyCase, Block, Coerced, Environment, Meanings, Model, Strict, Tags, fault, matching
from phift.spec.references import AssetRef
from phift.spec.rules import BlockRules, Elsewhere, Implied
from phift.spec.tree import Node

if TYPE_CHECKING:
    from phift.spec.document import Spec

__all__ = [
    "BuildContext",
    "EnvironmentBlock",
    "EnvironmentOrRef",
    "InferenceConfig",
    "InferenceRoute",
    "ModelBlock",
    "ModelOrRef",
]

_READ_ONLY = ("id", "creation_context", "job_name", "latest_version")
"""Keys of the output of `az ml model show` and `az ml environment show`."""
_NAME = matching("[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}", "at most 255 letters, digits, dashes, dots and underscores")
_MODEL_NAME = matching(
    "[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}", "at most 255 letters, digits, dashes and underscores, without dots"
)


def _one_source(spec: "Spec", root: Node) -> Iterator[Diagnostic]:
    """Check that a spec that trains does not register files too."""
    if spec.finetune is not None and isinstance(spec.model, ModelBlock) and spec.model.path is not None:
        place = root.nearest(("model", "path"))
        yield Diagnostic(
            "model.path: the spec trains the model that it registers",
            remedy="Remove model.path, or remove finetune to serve the files.",
            mark=place.name_mark,
            path="model.path",
            code="two-models",
        )


class ModelBlock(Block):
    """The model that the training registers, one version per training; or with `path`, the files to register."""

    rules: ClassVar[BlockRules] = BlockRules(checks=(_one_source,))
    spellings = (
        Implied("$schema"),
        Elsewhere("version", "Remove it: phift registers a version per training, or per content of the files."),
        Elsewhere("allowed_deployment_templates", "Write azure: {properties: {allowedDeploymentTemplates: ...}}."),
        Elsewhere("default_deployment_template", "Write azure: {properties: {defaultDeploymentTemplate: ...}}."),
        Elsewhere("system_metadata", "Write azure: {properties: {systemMetadata: ...}}."),
        *(Elsewhere(name, "Remove it: the service sets it.") for name in _READ_ONLY),
        Elsewhere("stage", "Write azure: {properties: {stage: STAGE}}."),
        Elsewhere("flavors", "Remove it: the service reads them from the MLmodel file."),
        Elsewhere("properties", "Write azure: {properties: {properties: {NAME: TEXT}}}."),
        Elsewhere("datastore", "Remove it: phift uploads to the default datastore of the workspace."),
    )

    name: Annotated[
        str | None,
        *_MODEL_NAME,
        Field(description="Name of the model in the workspace. Default: the name of the spec."),
    ] = None
    path: Annotated[
        str | None,
        Field(
            min_length=1,
            description="File or folder, relative to this file, or an azureml:// path, to register and serve.",
        ),
    ] = None
    type: Annotated[
        Literal["mlflow_model", "custom_model", "triton_model"] | None,
        Field(description="Format of the files. Default: mlflow_model for a folder with an MLmodel file."),
        AnyCase,
        Meanings(
            mlflow_model="A folder with an MLmodel file, which needs no scoring script.",
            custom_model="Any files, which a scoring script loads.",
            triton_model="A model repository of NVIDIA Triton.",
        ),
    ] = None
    description: Annotated[str | None, Field(description="Shown in the workspace.")] = None
    tags: Annotated[Tags, Field(description="Tags of the version.")] = Field(default_factory=dict)
    protect: Annotated[bool, Field(description="Reject plans that archive it."), Coerced] = False


def _model_shape(value: Any) -> str:
    return "<reference>" if isinstance(value, str | AssetRef) else "<block>"


ModelOrRef = Annotated[
    Annotated[ModelBlock, Tag("<block>")] | Annotated[Model, Tag("<reference>")], Discriminator(_model_shape)
]


class BuildContext(Strict):
    """A Docker build context."""

    path: Annotated[str, Field(min_length=1, description="Folder of the build context, relative to this file.")]
    dockerfile_path: Annotated[str, Field(min_length=1, description="Dockerfile in that folder.")] = "Dockerfile"


class InferenceRoute(Strict):
    """A route of the server in the container."""

    path: Annotated[str, *matching("/.*", "a path that starts with /"), Field(description="Path of the route.")]
    port: Annotated[int, Field(ge=1, le=65_535, description="Port of the route."), Coerced]


class InferenceConfig(Strict):
    """The routes of a server in an image of your own."""

    liveness_route: Annotated[InferenceRoute, Field(description="Route of the liveness probe.")]
    readiness_route: Annotated[InferenceRoute, Field(description="Route of the readiness probe.")]
    scoring_route: Annotated[InferenceRoute, Field(description="Route of requests.")]


class EnvironmentBlock(Block):
    """An environment, registered under a version that is the digest of its content."""

    spellings = (
        Implied("$schema"),
        Implied("os_type", ("linux",), "Online deployments run on Linux: remove it."),
        Elsewhere("version", "Remove it: phift uses the digest of the content as version."),
        Elsewhere("datastore", "Remove it: phift uploads to the default datastore of the workspace."),
        Elsewhere("properties", "Write azure: {properties: {properties: {NAME: TEXT}}}."),
        Elsewhere("auto_delete_setting", "Write azure: {properties: {autoDeleteSetting: ...}}."),
        *(Elsewhere(name, "Remove it: the service sets it.") for name in _READ_ONLY),
        Elsewhere("channels", "Write conda_file: {channels: ..., dependencies: ...}."),
        Elsewhere("dependencies", "Write conda_file: {channels: ..., dependencies: ...}."),
    )

    name: Annotated[
        str | None,
        *_NAME,
        Field(description="Name. Default: {stack}-environment."),
    ] = None
    image: Annotated[
        str | None,
        *matching("[a-zA-Z0-9][a-zA-Z0-9._/:@-]*", "the name of an image, such as mcr.microsoft.com/NAME:TAG"),
        Field(description="Base image, with registry and tag."),
    ] = None
    conda_file: Annotated[
        str | dict[str, Any] | None, Field(description="Conda file, relative to this file, or its content.")
    ] = None
    build: Annotated[BuildContext | None, Field(description="Docker build context, instead of an image.")] = None
    inference_config: Annotated[InferenceConfig | None, Field(description="Routes of the server in the image.")] = None
    description: Annotated[str | None, Field(description="Shown in the workspace.")] = None
    tags: Annotated[Tags, Field(description="Tags of the version.")] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_origin(self) -> "EnvironmentBlock":
        if (self.image is None) == (self.build is None):
            raise fault(
                "must have either image or build",
                "Write {image: IMAGE}, {image: IMAGE, conda_file: FILE} or {build: {path: FOLDER}}.",
            )
        if self.build is not None and self.conda_file is not None:
            raise fault("has both build and conda_file", "Install the conda packages in the Dockerfile.")
        return self


def _environment_shape(value: Any) -> str:
    return "<block>" if isinstance(value, dict | EnvironmentBlock) else "<reference>"


EnvironmentOrRef = Annotated[
    Annotated[EnvironmentBlock, Tag("<block>")] | Annotated[Environment, Tag("<reference>")],
    Discriminator(_environment_shape),
]
