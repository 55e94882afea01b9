"""compute.*: a cluster of ours, or a reference to one that is read and checked."""

from __future__ import annotations

from phift.address import Address
from phift.catalog.vm_sizes import spelled
from phift.compile.desired import Desired
from phift.compile.draft import Draft, without_nothing
from phift.spec import ComputeBlock, ComputeRef

__all__ = ["computes"]


def computes(draft: Draft) -> list[Desired]:
    """compute.finetune and, where it is given, compute.other_steps."""
    section = draft.spec.compute
    nodes = draft.spec.finetune.instance_count if draft.spec.finetune else 1
    made = []
    if isinstance(section.finetune, ComputeBlock):
        made.append(_owned(draft, section.finetune, nodes))
    elif section.finetune is not None:
        made.append(_reference("finetune", section.finetune, draft.facts.referenced_size, nodes))
    elif draft.spec.finetune is not None:
        draft.find(
            "finetune",
            "finetune has no compute to run on",
            code="compute-missing",
            remedy="Describe a cluster under compute.finetune, or refer to one: finetune: azureml:NAME.",
        )
    if section.other_steps is not None:
        made.append(_reference("other_steps", section.other_steps, "", 1))
    return made


def _owned(draft: Draft, block: ComputeBlock, nodes: int) -> Desired:
    return Desired(
        address=Address("compute", "finetune"),
        name=block.name,
        properties=without_nothing(
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
        parts={"task": "finetune", "allow": block.allow, "nodes": nodes},
        protect=block.protect or draft.spec.protect,
        azure=block.azure,
        adopt=draft.spec.adopts("compute"),
    )


def _reference(name: str, reference: ComputeRef, size: str, nodes: int) -> Desired:
    return Desired(
        address=Address("compute", name),
        name=reference.name,
        properties={"size": spelled(size)} if size else {},
        parts={"task": name, "nodes": nodes},
        owned=False,
    )
