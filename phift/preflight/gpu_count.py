"""The size's GPUs are known, since the component must be told how many it may use."""

from __future__ import annotations

from collections.abc import Iterator

from phift.diagnostics import Diagnostic
from phift.preflight.subject import Subject

__all__ = ["gpu_count"]


def gpu_count(subject: Subject) -> Iterator[Diagnostic]:
    """size-unknown, size-without-gpu, too-few-nodes."""
    for compute in subject.stack.of_kind("compute"):
        if compute.parts.get("task") != "finetune" or (not compute.owned and subject.live(compute) is None):
            continue
        name, size = subject.size_of(compute)
        address, path = str(compute.address), f"compute.{compute.address.name}.size"
        if size is None:
            yield subject.at(
                path,
                Diagnostic(
                    f"the workspace's region offers no VM size {name or '(none)'}",
                    remedy="`az ml compute list-sizes` shows what it offers.",
                    address=address,
                    code="size-unknown",
                ),
            )
        elif size.gpus == 0:
            yield subject.at(
                path,
                Diagnostic(
                    f"{size.name} has no GPU, and fine-tuning needs one",
                    remedy="Choose a GPU size of the model's allow-list.",
                    address=address,
                    code="size-without-gpu",
                ),
            )
        nodes = int(compute.parts.get("nodes") or 1)
        live = subject.live(compute)
        most = (live.properties if live and not live.ours else compute.properties).get("max_instances")
        if most is not None and nodes > int(most):
            yield subject.at(
                "finetune.instance_count",
                Diagnostic(
                    f"finetune.instance_count is {nodes}, but {compute.name} has at most {most} nodes",
                    remedy=f"Raise compute.{compute.address.name}.max_instances or lower instance_count.",
                    address=address,
                    code="too-few-nodes",
                ),
            )
