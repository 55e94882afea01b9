"""The VM size is one that the base model accepts for fine-tuning, and that the author accepts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from phift.compile.facts import AllowList, BaseModel
from phift.diagnostics import Diagnostic, Severity
from phift.preflight.subject import Subject

__all__ = ["allow_list", "size_findings"]


def allow_list(subject: Subject) -> Iterator[Diagnostic]:
    """size-not-allowed, size-not-in-spec-list, no-list-known; for the deployment's instances too."""
    model = subject.facts.base_model
    for deployment in subject.stack.of_kind("deployment"):
        size, own = str(deployment.properties["instance_type"]), deployment.parts["allow"]
        served = model or BaseModel("", "", deployment.parts["shown"]["model"].partition("@")[0], "")
        for finding in size_findings(size, served, "inference", own, str(deployment.address)):
            yield subject.at("deployment.instance_type", finding)
    for compute in subject.stack.of_kind("compute"):
        size, _ = subject.size_of(compute)
        if model is None or not size or compute.parts.get("task") != "finetune":
            continue
        own = compute.parts.get("allow") or ()
        address = str(compute.address)
        for finding in size_findings(size, model, "finetune", own, address):
            yield subject.at(f"compute.{compute.address.name}.size", finding)


def size_findings(size: str, model: BaseModel, task: str, own: Sequence[str], address: str) -> Iterator[Diagnostic]:
    """What the model's list for the task, and the author's, say of a size."""
    listed = model.allow_list(task)
    what = "fine-tuning" if task == "finetune" else "serving"
    if not listed.admits(size):
        yield Diagnostic(
            f"{size} is not allowed for {what} {model.name}",
            detail=_who_says(model, listed),
            remedy=_alternatives(listed, own),
            address=address,
            code="size-not-allowed",
        )
    if own and size.lower() not in {s.lower() for s in own}:
        yield Diagnostic(
            f"{size} is not in the allow-list of this spec",
            detail=f"allow: {', '.join(own)}",
            remedy="Choose one of these sizes, or add this one to `allow`.",
            address=address,
            code="size-not-in-spec-list",
        )
    if not listed.known:
        yield Diagnostic(
            f"no list known: {model.name} does not say which VM sizes it accepts for {what}",
            severity=Severity.WARNING,
            detail="Neither system metadata, tags nor phift's catalogue has one; only K80 sizes are refused.",
            address=address,
            code="no-list-known",
        )


def _who_says(model: BaseModel, listed: AllowList) -> str:
    if not listed.known:
        return "No list is known for this model; the K80 sizes are refused for every model."
    return f"{model.name}:{model.version} allows ({listed.origin}): {', '.join(listed.sizes)}"


def _alternatives(listed: AllowList, own: Sequence[str]) -> str:
    both = [s for s in listed.sizes if not own or s.lower() in {o.lower() for o in own}]
    if not both:
        return "Choose another size" + (", and let `allow` name it." if own else ", of a later generation of GPUs.")
    return f"Choose {both[0]}." if len(both) == 1 else f"Choose one of: {', '.join(both)}."
