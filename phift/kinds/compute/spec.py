"""`compute`: where jobs run."""

import re
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from phift.spec.base import (
    AnyCase,
    Before,
    Block,
    Coerced,
    Compute,
    Meanings,
    SecretOnly,
    Strict,
    Tags,
    Texts,
    fault,
    matching,
)
from phift.spec.identity import ResourceIdentity
from phift.spec.references import ComputeRef
from phift.spec.rules import Elsewhere, Implied, Renamed
from phift.workspace import region_name

__all__ = ["ComputeBlock", "ComputeSection", "NetworkBlock", "SshBlock"]

_READ_ONLY = ("id", "provisioning_state", "provisioning_errors", "created_on")
"""Keys of `az ml compute show`."""
_SUBNET = r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+"


class NetworkBlock(Strict):
    """The network of the nodes of a cluster."""

    vnet_name: Annotated[
        str | None, Field(min_length=1, description="Virtual network in the resource group of the workspace.")
    ] = None
    subnet: Annotated[
        str | None, Field(min_length=1, description="ARM id of the subnet, or its name in the network of vnet_name.")
    ] = None
    enable_node_public_ip: Annotated[
        bool | None, Field(description="Whether nodes have public IP addresses. Default: true."), Coerced
    ] = None

    @model_validator(mode="after")
    def _whole(self) -> "NetworkBlock":
        if self.vnet_name and not self.subnet:
            raise fault("has vnet_name and no subnet", "Add subnet: NAME.")
        if self.subnet and not self.vnet_name and not re.fullmatch(_SUBNET, self.subnet, re.IGNORECASE):
            raise fault(
                f"has subnet {self.subnet}, which is not an ARM id, and no vnet_name",
                "Add vnet_name, or write subnet: /subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.Network/"
                "virtualNetworks/NETWORK/subnets/SUBNET.",
            )
        return self


class SshBlock(Strict):
    """SSH access to the nodes of a cluster. It is fixed when the cluster is created."""

    admin_username: Annotated[str | None, Field(min_length=1, description="Name of the administrator.")] = None
    admin_password: Annotated[
        SecretOnly | None, Field(description="Password of the administrator: {secret: env:NAME}.")
    ] = None
    ssh_key_value: Annotated[str | None, Field(min_length=1, description="Public SSH key of the administrator.")] = None
    public_access_enabled: Annotated[
        bool | None, Field(description="Whether the SSH port is open to the internet. Default: false."), Coerced
    ] = None

    @model_validator(mode="after")
    def _whole(self) -> "SshBlock":
        credential = self.admin_password is not None or self.ssh_key_value is not None
        if credential and not self.admin_username:
            raise fault("does not name the administrator", "Add admin_username: NAME.")
        if self.admin_username and not credential:
            raise fault(
                f"has no credential for {self.admin_username}",
                "Add ssh_key_value: KEY, or admin_password: {secret: env:NAME}.",
            )
        return self


def _region(value: Any) -> Any:
    return region_name(value) if isinstance(value, str) else value


class ComputeBlock(Block):
    """A cluster (AmlCompute) that phift creates and owns."""

    spellings = (
        Implied("$schema"),
        Implied("type", ("amlcompute",), "phift creates AmlCompute clusters only: remove it."),
        Renamed("network_settings", "network"),
        Renamed("enable_node_public_ip", "network.enable_node_public_ip"),
        Renamed("ssh_settings", "ssh"),
        Renamed("ssh_public_access_enabled", "ssh.public_access_enabled"),
        Elsewhere("resource_id", "To use an existing cluster, write finetune: azureml:NAME."),
        *(Elsewhere(name, "Remove it: the service sets it.") for name in _READ_ONLY),
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
        Field(
            description="Priority of the nodes. `any`: phift chooses by quota when it plans the cluster, and keeps the "
            "choice."
        ),
        AnyCase,
        Meanings(
            dedicated="Nodes that Azure does not take back.",
            low_priority="Cheaper nodes, which Azure takes back when it needs them; see finetune.retries.",
            any="Dedicated if the quota has room for max_instances, otherwise low priority.",
        ),
    ] = "dedicated"
    min_instances: Annotated[int, Field(ge=0, description="Minimum number of nodes, kept while idle."), Coerced] = 0
    max_instances: Annotated[int, Field(ge=1, le=65_000, description="Maximum number of nodes."), Coerced] = 1
    idle_time_before_scale_down: Annotated[
        int, Field(ge=1, description="Seconds without jobs before a node is removed."), Coerced
    ] = 120
    location: Annotated[
        str | None,
        Field(min_length=1, description="Azure region. Default: the region of the workspace."),
        Before(_region),
    ] = None
    identity: Annotated[ResourceIdentity | None, Field(description="Managed identity of the nodes.")] = None
    network: Annotated[NetworkBlock | None, Field(description="Network of the nodes.")] = None
    ssh: Annotated[SshBlock | None, Field(description="SSH access to the nodes.")] = None
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

    finetune: Annotated[
        _Compute | None, Field(description="A cluster to create, azureml:NAME of an existing one, or serverless:SIZE.")
    ] = None
    other_steps: Annotated[
        Compute | None,
        Field(description="Compute for import, preprocessing and conversion. Default: the compute of finetune."),
    ] = None
