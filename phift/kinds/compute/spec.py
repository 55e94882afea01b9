"""`compute`: where jobs run."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from phift.spec.base import Block, Coerced, Compute, Strict, Tags, Texts, fault, matching
from phift.spec.identity import ResourceIdentity
from phift.spec.references import ComputeRef
from phift.spec.rules import BlockRules, NotYet

__all__ = ["ComputeBlock", "ComputeSection"]


class ComputeBlock(Block):
    """A cluster (AmlCompute) that phift makes and owns."""

    name: Annotated[
        str,
        *matching(
            "[a-zA-Z][a-zA-Z0-9-]{0,30}[a-zA-Z0-9]", "2 to 32 letters, digits and dashes that begin with a letter"
        ),
        Field(description="The cluster's name in the workspace."),
    ]
    size: Annotated[str, Field(min_length=1, description="VM size of the nodes, such as Standard_NC24ads_A100_v4.")]
    tier: Annotated[
        Literal["dedicated", "low_priority", "any"],
        Field(description="`any` is chosen from the quota when the cluster is planned, and then kept."),
    ] = "dedicated"
    min_instances: Annotated[int, Field(ge=0, description="Nodes kept while nothing runs."), Coerced] = 0
    max_instances: Annotated[int, Field(ge=1, description="Nodes at most."), Coerced] = 1
    idle_time_before_scale_down: Annotated[int, Field(ge=0, description="Seconds."), Coerced] = 120
    location: Annotated[str | None, Field(description="Azure region, if not the workspace's.")] = None
    identity: Annotated[ResourceIdentity | None, Field(description="The nodes' managed identity.")] = None
    allow: Annotated[Texts, Field(description="Sizes you accept, on top of the model's own list. Empty: all.")] = ()
    description: Annotated[str | None, Field(description="Shown in the workspace.")] = None
    tags: Annotated[Tags, Field(description="Tags of the cluster.")] = Field(default_factory=dict)
    protect: Annotated[bool, Field(description="Refuse to delete or replace it."), Coerced] = False

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
                "finetune.location", "another region than the workspace's", remedy="Write azure: {location: REGION}."
            ),
            NotYet("finetune.identity", "an identity of the nodes"),
            NotYet(
                "finetune.tier", "choosing the tier by quota", starts="any", remedy="Write dedicated or low_priority."
            ),
            NotYet("finetune", "serverless compute", starts="serverless:", remedy="Write a block with name and size."),
            NotYet("other_steps", "serverless compute", starts="serverless:", remedy="Leave it out: as finetune."),
        )
    )

    finetune: Annotated[
        _Compute | None, Field(description="A cluster to make, azureml:NAME of one that exists, or serverless:SIZE.")
    ] = None
    other_steps: Annotated[
        Compute | None, Field(description="For import, preprocessing and conversion. Default: as finetune.")
    ] = None
