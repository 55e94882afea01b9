"""Check a VM size against the allow-lists of the model and of the author."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from phift.diagnostics import Diagnostic, Severity
from phift.state.facts import AllowList, BaseModel, Task

__all__ = ["size_findings"]


def size_findings(size: str, model: BaseModel, task: Task, own: Sequence[str], address: str) -> Iterator[Diagnostic]:
    """Yield size-not-allowed, size-not-in-spec-list and no-list-known for a size."""
    listed = model.allow_list(task)
    what = "fine-tuning" if task == "finetune" else "serving"
    if not listed.admits(size):
        yield Diagnostic(
            f"{size} is not allowed for {what} {model.name}",
            detail=_source_of_the_list(model, listed),
            remedy=_alternatives(listed, own),
            address=address,
            code="size-not-allowed",
        )
    if own and size.lower() not in {s.lower() for s in own}:
        yield Diagnostic(
            f"{size} is not in the allow-list of this spec",
            detail=f"allow: {', '.join(own)}",
            remedy="Use one of these sizes, or add this one to `allow`.",
            address=address,
            code="size-not-in-spec-list",
        )
    if not listed.known:
        yield Diagnostic(
            f"no VM size allow-list published for {model.name} ({what}); size not checked",
            severity=Severity.WARNING,
            detail="Neither system metadata, tags nor phift's catalogue contains one; only K80 sizes are rejected.",
            address=address,
            code="no-list-known",
        )


def _source_of_the_list(model: BaseModel, listed: AllowList) -> str:
    if not listed.known:
        return "No allow-list is published for this model; K80 sizes are rejected for every model."
    return f"{model.name}:{model.version} allows ({listed.origin}): {', '.join(listed.sizes)}"


def _alternatives(listed: AllowList, own: Sequence[str]) -> str:
    both = [s for s in listed.sizes if not own or s.lower() in {o.lower() for o in own}]
    if not both:
        return "Use another size" + (" and add it to `allow`." if own else " with a later generation of GPUs.")
    return f"Use {both[0]}." if len(both) == 1 else f"Use one of: {', '.join(both)}."
