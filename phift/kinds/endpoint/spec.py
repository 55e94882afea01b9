"""`endpoint`: the managed online endpoint."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from phift.spec.base import AnyCase, Block, Coerced, Meanings, Tags, matching
from phift.spec.identity import ResourceIdentity
from phift.spec.rules import BlockRules, Elsewhere, Implied, Need

__all__ = ["EndpointBlock"]


_READ_ONLY = ("id", "provisioning_state", "scoring_uri", "openapi_uri", "creation_context")
"""Keys of the output of `az ml online-endpoint show`."""


class EndpointBlock(Block):
    """A managed online endpoint."""

    rules: ClassVar[BlockRules] = BlockRules(
        needs=(Need("deployment", "deployment: {instance_type: Standard_NC24ads_A100_v4}"),)
    )
    spellings = (
        Implied("$schema"),
        Implied("kind", ("managed",), "phift creates managed online endpoints only: remove it."),
        Elsewhere(
            "mirror_traffic",
            "Remove it: phift tests a new deployment by requests of its own (`tests`) before it shifts.",
        ),
        Elsewhere("location", "Remove it: an endpoint is in the region of its workspace."),
        Elsewhere("compute", "Kubernetes only: managed endpoints do not have a compute."),
        *(Elsewhere(name, "Remove it: the service sets it.") for name in _READ_ONLY),
        Elsewhere("traffic", "Remove it: `rollout` decides which deployment gets traffic."),
    )

    name: Annotated[
        str | None,
        *matching(
            r"(?=.{3,32}$)[a-zA-Z](-?[a-zA-Z0-9])*", "3 to 32 letters, digits and single dashes, starting with a letter"
        ),
        Field(description="Name, unique in the region. Default: {stack}-{6 hex digits of the workspace}."),
    ] = None
    auth_mode: Annotated[
        Literal["key", "aml_token", "aad_token"],
        Field(description="Client authentication mode."),
        AnyCase,
        Meanings(
            key="Keys that do not expire.",
            aml_token="Tokens of Azure ML, which expire.",
            aad_token="Tokens of Microsoft Entra ID, which expire.",
        ),
    ] = "key"
    public_network_access: Annotated[
        Literal["enabled", "disabled"],
        Field(description="Access from outside the network of the workspace."),
        AnyCase,
        Meanings(
            enabled="Clients reach the endpoint from the internet.",
            disabled="Clients reach the endpoint by the private endpoint of the workspace only.",
        ),
    ] = "enabled"
    identity: Annotated[ResourceIdentity | None, Field(description="Managed identity of the endpoint.")] = None
    properties: Annotated[Tags | None, Field(description="Properties of the endpoint.")] = None
    description: Annotated[str | None, Field(description="Shown in the workspace.")] = None
    tags: Annotated[Tags, Field(description="Tags of the endpoint.")] = Field(default_factory=dict)
    protect: Annotated[bool, Field(description="Reject plans that delete it."), Coerced] = False
