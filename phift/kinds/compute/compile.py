"""compute.*: a cluster of the stack, or a reference to one that is checked only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.address import Address
from phift.catalog.vm_sizes import spelled
from phift.compile.draft import Draft, drop_none
from phift.kinds.compute.parts import ANY, FINETUNE, OTHER_STEPS, ComputeParts
from phift.kinds.shared.identities import identity_of
from phift.spec import ComputeBlock, ComputeRef
from phift.state.desired import Desired
from phift.state.exports import ComputeExport

__all__ = ["computes"]


def computes(draft: Draft) -> list[Desired[ComputeParts]]:
    """Return compute.finetune and, if given, compute.other_steps; nothing for serverless computes."""
    section = draft.spec.compute
    nodes = draft.spec.finetune.instance_count if draft.spec.finetune else 1
    clusters = []
    if isinstance(section.finetune, ComputeBlock):
        clusters.append(_owned(draft, section.finetune, nodes))
    elif section.finetune is not None and section.finetune.serverless:
        _serverless(draft, FINETUNE, section.finetune)
    elif section.finetune is not None:
        clusters.append(_reference(FINETUNE, section.finetune, draft.facts.referenced_size, nodes))
    elif draft.spec.finetune is not None:
        draft.error(
            "finetune",
            "`finetune` requires `compute.finetune`",
            code="compute-missing",
            remedy="Define a cluster under compute.finetune, or refer to one: finetune: azureml:NAME.",
        )
    if section.other_steps is not None and section.other_steps.serverless:
        _serverless(draft, OTHER_STEPS, section.other_steps)
    elif section.other_steps is not None:
        clusters.append(_reference(OTHER_STEPS, section.other_steps, "", 1))
    for cluster in clusters:
        size = str(cluster.properties.get("size") or "")
        draft.export(ComputeExport(cluster.parts.task, size, cluster.name, cluster.address))
    return clusters


def _serverless(draft: Draft, task: str, reference: ComputeRef) -> None:
    draft.export(ComputeExport(task, spelled(reference.serverless)))


def _owned(draft: Draft, block: ComputeBlock, nodes: int) -> Desired[ComputeParts]:
    password = block.ssh.admin_password if block.ssh else None
    return Desired(
        address=Address("compute", FINETUNE),
        name=block.name,
        properties=drop_none(
            {
                "type": "amlcompute",
                "location": block.location,
                "size": spelled(block.size),
                "tier": None if block.tier == ANY else block.tier,
                "min_instances": block.min_instances,
                "max_instances": block.max_instances,
                "idle_time_before_scale_down": block.idle_time_before_scale_down,
                "identity": identity_of(block.identity),
                "network": _network(draft, block),
                "ssh": block.ssh.model_dump(exclude={"admin_password"}, exclude_none=True) if block.ssh else None,
                "description": block.description,
                "tags": draft.tags(block.tags),
            }
        ),
        parts=ComputeParts(FINETUNE, nodes, block.allow, ANY if block.tier == ANY else "", password),
        shown={"ssh.admin_password": str(password)} if password else {},
        protect=block.protect or draft.spec.protect,
        azure=block.azure,
        adopt=draft.spec.adopts("compute"),
    )


def _network(draft: Draft, block: ComputeBlock) -> Mapping[str, Any] | None:
    network = block.network
    if network is None:
        return None
    subnet = network.subnet
    if network.vnet_name and subnet and not subnet.startswith("/"):
        group = draft.facts.arm_id.partition("/providers/")[0]
        subnet = f"{group}/providers/Microsoft.Network/virtualNetworks/{network.vnet_name}/subnets/{subnet}"
    return drop_none({"subnet": subnet, "enable_node_public_ip": network.enable_node_public_ip}) or None


def _reference(name: str, reference: ComputeRef, size: str, nodes: int) -> Desired[ComputeParts]:
    return Desired(
        address=Address("compute", name),
        name=reference.name,
        properties={"size": spelled(size)} if size else {},
        parts=ComputeParts(name, nodes),
        owned=False,
    )
