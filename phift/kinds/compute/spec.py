"""`compute`: where jobs run."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from phift.spec.base import AnyCase, Block, Coerced, Compute, Strict, Tags, Texts, fault, matching
from phift.spec.identity import ResourceIdentity
from phift.spec.references import ComputeRef
from phift.spec.rules import BlockRules, Implied, NotYet

__all__ = ["ComputeBlock", "ComputeSection"]


class ComputeBlock(Block):
    """A cluster (AmlCompute) that phift creates and owns."""

    spellings = (
        Implied("$schema"),
        Implied("type", ("amlcompute",), "phift creates AmlCompute clusters only: remove it."),
    )

    name: Annotated[
        str,
        *matching(
            "[a-zA-Z][a-zA-Z0-9-]{0,30}[a-zA-Z0-9]", "2 to 32 letters, digits and dashes, starting with a letter"
        ),
        Field(description="Name of the cluster in the workspace."),
    ]
    size: Annotated[str, Field(min_length=1, description="VM size of the nodes, such as Standard_NC24ads_A100_v4.")]
    tier: Annotated[
        Literal["dedicated", "low_priority", "any"],
        Field(description="`any`: phift chooses by quota when it plans the cluster, and keeps the choice."),
        AnyCase,
    ] = "dedicated"
    min_instances: Annotated[int, Field(ge=0, description="Minimum number of nodes, kept while idle."), Coerced] = 0
    max_instances: Annotated[int, Field(ge=1, le=65_000, description="Maximum number of nodes."), Coerced] = 1
    idle_time_before_scale_down: Annotated[int, Field(ge=0, description="Seconds."), Coerced] = 120
    location: Annotated[str | None, Field(description="Azure region. Default: the region of the workspace.")] = None
    identity: Annotated[ResourceIdentity | None, Field(description="Managed identity of the nodes.")] = None
    allow: Annotated[
        Texts, Field(description="Sizes to accept, in addition to the model's own allow-list. Empty: all.")
    ] = ()
    description: Annotated[str | None, Field(description="Shown in the workspace.")] = None
    tags: Annotated[Tags, Field(description="Tags of the cluster.")] = Field(default_factory=dict)
    protect: Annotated[bool, Field(description="Reject plans that delete or replace it."), Coerced] = False

    @model_validator(mode="after")
    def _bounds(self) -> "ComputeBlock":
        if self.min_instances > self.max_instances:
            raise fault(f"has min_instances {self.min_instances} above max_instances {self.max_instances}")
        return self


def _shape(value: Any) -> str:
    return "<reference>" if isinstance(value, str | ComputeRef) else "<block>"


_Compute = Annotated[
    Annotated[ComputeBlock, Tag("<block>")] | Annotated[Compute, Tag("<reference>")], Discriminator(_shape)
]


class ComputeSection(Strict):
    """finetune: a block (owned) or a reference; other_steps: where import, preprocessing and conversion run."""

    rules: ClassVar[BlockRules] = BlockRules(
        not_yet=(
            NotYet(
                "finetune.location",
                "a region other than that of the workspace",
                remedy="Write azure: {location: REGION}.",
            ),
            NotYet("finetune.identity", "a managed identity of the nodes"),
            NotYet(
                "finetune.tier", "choosing the tier by quota", starts="any", remedy="Write dedicated or low_priority."
            ),
            NotYet("finetune", "serverless compute", starts="serverless:", remedy="Write a block with name and size."),
            NotYet(
                "other_steps",
                "serverless compute",
                starts="serverless:",
                remedy="Remove it: the default is the compute of finetune.",
            ),
        )
    )

    finetune: Annotated[
        _Compute | None, Field(description="A cluster to create, azureml:NAME of an existing one, or serverless:SIZE.")
    ] = None
    other_steps: Annotated[
        Compute | None,
        Field(description="Compute for import, preprocessing and conversion. Default: the compute of finetune."),
    ] = None
