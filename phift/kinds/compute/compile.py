"""compute.*: a cluster of the stack, or a reference to one that is checked only."""

from __future__ import annotations

from phift.address import Address
from phift.catalog.vm_sizes import spelled
from phift.compile.draft import Draft, drop_none
from phift.kinds.compute.parts import FINETUNE, OTHER_STEPS, ComputeParts
from phift.spec import ComputeBlock, ComputeRef
from phift.state.desired import Desired
from phift.state.exports import ComputeExport

__all__ = ["computes"]


def computes(draft: Draft) -> list[Desired[ComputeParts]]:
    """Return compute.finetune and, if given, compute.other_steps."""
    section = draft.spec.compute
    nodes = draft.spec.finetune.instance_count if draft.spec.finetune else 1
    clusters = []
    if isinstance(section.finetune, ComputeBlock):
        clusters.append(_owned(draft, section.finetune, nodes))
    elif section.finetune is not None:
        clusters.append(_reference(FINETUNE, section.finetune, draft.facts.referenced_size, nodes))
    elif draft.spec.finetune is not None:
        draft.error(
            "finetune",
            "`finetune` requires `compute.finetune`",
            code="compute-missing",
            remedy="Define a cluster under compute.finetune, or refer to one: finetune: azureml:NAME.",
        )
    if section.other_steps is not None:
        clusters.append(_reference(OTHER_STEPS, section.other_steps, "", 1))
    for cluster in clusters:
        size = str(cluster.properties.get("size") or "")
        draft.export(ComputeExport(cluster.address, cluster.name, cluster.parts.task, size))
    return clusters


def _owned(draft: Draft, block: ComputeBlock, nodes: int) -> Desired[ComputeParts]:
    return Desired(
        address=Address("compute", FINETUNE),
        name=block.name,
        properties=drop_none(
            {
                "type": "amlcompute",
                "size": spelled(block.size),
                "tier": block.tier,
                "min_instances": block.min_instances,
                "max_instances": block.max_instances,
                "idle_time_before_scale_down": block.idle_time_before_scale_down,
                "description": block.description,
                "tags": draft.tags(block.tags),
            }
        ),
        parts=ComputeParts(FINETUNE, nodes, block.allow),
        protect=block.protect or draft.spec.protect,
        azure=block.azure,
        adopt=draft.spec.adopts("compute"),
    )


def _reference(name: str, reference: ComputeRef, size: str, nodes: int) -> Desired[ComputeParts]:
    return Desired(
        address=Address("compute", name),
        name=reference.name,
        properties={"size": spelled(size)} if size else {},
        parts=ComputeParts(name, nodes),
        owned=False,
    )
