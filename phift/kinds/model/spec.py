"""`model`: the registered model."""

from typing import Annotated

from pydantic import Field

from phift.spec.base import Block, Coerced, Tags, matching

__all__ = ["ModelBlock"]


class ModelBlock(Block):
    """The model that the training registers, one version per training."""

    name: Annotated[
        str,
        *matching(
            "[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}", "at most 255 letters, digits, dashes and underscores, without dots"
        ),
        Field(description="Name of the model in the workspace."),
    ]
    description: Annotated[str | None, Field(description="Shown in the workspace.")] = None
    tags: Annotated[Tags, Field(description="Tags of the version.")] = Field(default_factory=dict)
    protect: Annotated[bool, Field(description="Reject plans that archive it."), Coerced] = False
