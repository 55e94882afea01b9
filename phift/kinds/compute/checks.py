"""Checks of computes: they exist or can be created, are what the spec says, and have GPUs that the model accepts."""

from __future__ import annotations

from collections.abc import Iterator

from phift.diagnostics import Diagnostic, Severity
from phift.kinds.check import check, has
from phift.kinds.compute.parts import FINETUNE, ComputeParts
from phift.kinds.demand import MAKES
from phift.kinds.shared.sizes import availability, size_findings, without_gpu
from phift.kinds.subject import Subject
from phift.state.desired import Desired
from phift.state.live import Live
from phift.state.states import Provisioning
from phift.workspace import region_name

__all__ = ["compute_state", "elsewhere", "gpu_count", "region", "size_allowed", "size_offered"]


def elsewhere(subject: Subject, desired: Desired[ComputeParts]) -> str:
    """Return the region of a cluster if it is not that of the workspace."""
    wanted = str(desired.properties.get("location") or "")
    return wanted if wanted != region_name(subject.facts.location) else ""


@check(
    "compute-region",
    reads="region of the cluster",
    source="the spec, the workspace",
    unknown=("quota-unknown",),
    applies=lambda subject: any(elsewhere(subject, compute) for compute in subject.stack.of_kind("compute")),
)
def region(subject: Subject) -> Iterator[Diagnostic]:
    """quota-unknown: phift reads sizes and quota of the region of the workspace only."""
    for compute in subject.stack.of_kind("compute"):
        other = elsewhere(subject, compute)
        if other and subject.action(compute) in MAKES:
            yield subject.at(
                f"compute.{compute.address.name}.location",
                Diagnostic(
                    f"quota and sizes of {other} not checked",
                    severity=Severity.WARNING,
                    detail=f"The workspace is in {subject.facts.location}, and phift reads the quota of that region.",
                    address=str(compute.address),
                    code="quota-unknown",
                ),
            )


@check(
    "compute-size-allowed",
    reads="VM size allow-lists for fine-tuning",
    source="registry document of the model, phift's catalogue, the spec",
    unknown=("no-list-known",),
    applies=has("compute"),
)
def size_allowed(subject: Subject) -> Iterator[Diagnostic]:
    """size-not-allowed, size-not-in-spec-list, no-list-known."""
    model = subject.facts.base_model
    for compute in subject.stack.of_kind("compute"):
        size, _ = subject.size_of(compute)
        if model is None or not size or compute.parts.task != FINETUNE:
            continue
        for finding in size_findings(size, model, "finetune", compute.parts.allow, str(compute.address), subject.facts):
            yield subject.at(f"compute.{compute.address.name}.size", finding)


@check("compute-state", reads="the cluster, if it exists", source="the workspace", applies=has("compute"))
def compute_state(subject: Subject) -> Iterator[Diagnostic]:
    """compute-missing, compute-type, compute-failed, compute-size."""
    for desired in subject.stack.of_kind("compute"):
        path = f"compute.{desired.address.name}"
        for finding in _findings(desired, subject.live(desired)):
            yield subject.at(path, finding)


def _findings(desired: Desired[ComputeParts], live: Live | None) -> Iterator[Diagnostic]:
    address = str(desired.address)
    if live is None:
        if not desired.owned:
            yield Diagnostic(
                f"compute {desired.name} not found in the workspace",
                detail="The spec only refers to it, so phift does not create it.",
                remedy="Create it, fix its name, or define it in the spec (name, size, ...) to let phift create it.",
                address=address,
                code="compute-missing",
            )
        return
    kind = str((live.raw.get("properties") or {}).get("computeType") or "")
    if kind and kind.lower() != "amlcompute":
        yield Diagnostic(
            f"compute {desired.name} is a {kind}; fine-tuning needs an AmlCompute cluster",
            remedy="Use the name of a cluster, or an unused name to create one.",
            address=address,
            code="compute-type",
        )
        return
    if live.state == Provisioning.FAILED and not live.ours:
        yield Diagnostic(
            f"compute {desired.name} is in state Failed",
            detail=live.error or "The service does not report a reason.",
            remedy="Delete it, or ask its owner to fix it; phift replaces only resources that it manages.",
            address=address,
            code="compute-failed",
        )
    wanted, size = desired.properties.get("size"), live.properties.get("size")
    if desired.owned and not live.ours and wanted and str(wanted).lower() != str(size).lower():
        yield Diagnostic(
            f"compute {desired.name} has size {size}; the spec requires {wanted}",
            detail="This stack does not manage it, so phift does not change it.",
            remedy=f"Write `size: {size}`, or give the cluster another name.",
            address=address,
            code="compute-size",
        )


@check(
    "compute-size-offered",
    reads="sizes that the region offers, and their retirement dates",
    source="VM sizes of the region, phift's catalogue",
    applies=has("compute"),
)
def size_offered(subject: Subject) -> Iterator[Diagnostic]:
    """size-retired, size-retiring, size-unknown, size-unsupported."""
    for compute in subject.stack.of_kind("compute"):
        live = subject.live(compute)
        if not compute.owned and live is None:
            continue
        name, _ = subject.size_of(compute)
        if (not name and not compute.owned) or elsewhere(subject, compute):
            continue
        writes = compute.owned and (live is None or subject.action(compute).changes_something)
        for finding in availability(
            name, subject.facts, "finetune", compute.parts.allow, str(compute.address), writes=writes
        ):
            yield subject.at(f"compute.{compute.address.name}.size", finding)


@check(
    "compute-gpus",
    reads="GPUs of the VM size, nodes of the cluster",
    source="VM sizes of the region",
    applies=has("compute"),
)
def gpu_count(subject: Subject) -> Iterator[Diagnostic]:
    """size-without-gpu, too-few-nodes."""
    for compute in subject.stack.of_kind("compute"):
        if compute.parts.task != FINETUNE or (not compute.owned and subject.live(compute) is None):
            continue
        _, size = subject.size_of(compute)
        address, path = str(compute.address), f"compute.{compute.address.name}.size"
        for finding in without_gpu(size, address):
            yield subject.at(path, finding)
        nodes = compute.parts.nodes
        most = subject.effective(compute).get("max_instances")
        if most is not None and nodes > int(most):
            yield subject.at(
                "finetune.instance_count",
                Diagnostic(
                    f"finetune.instance_count is {nodes}, but {compute.name} has at most {most} nodes",
                    remedy=f"Raise compute.{compute.address.name}.max_instances or lower instance_count."
                    if compute.owned
                    else f"Raise the maximum of {compute.name}, use another cluster, or lower instance_count.",
                    address=address,
                    code="too-few-nodes",
                ),
            )
