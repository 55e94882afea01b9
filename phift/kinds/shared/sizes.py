"""Check a VM size: the allow-lists of the model and of the author, and whether the region offers it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from phift.catalog.vm_sizes import vm_size
from phift.diagnostics import Diagnostic, Severity
from phift.kinds.shared.retirement import is_near
from phift.state.facts import AllowList, BaseModel, Facts, Size, Task

__all__ = ["CLUSTER", "SERVING", "availability", "offered_sizes", "retired_size", "size_findings", "without_gpu"]

CLUSTER, SERVING = "AmlCompute", "MIR"
"""Uses of a VM size, as the workspace lists them."""
_LIST = "To list the available sizes, run `az ml compute list-sizes`."


def without_gpu(size: Size | None, address: str) -> Iterator[Diagnostic]:
    """Yield size-without-gpu for a known size."""
    if size is not None and size.gpus == 0:
        yield Diagnostic(
            f"{size.name} has no GPU; fine-tuning needs one",
            remedy="Use a GPU size from the allow-list of the model.",
            address=address,
            code="size-without-gpu",
        )


def retired_size(size: str, day: date, remedy: str, *, address: str = "", writes: bool = True) -> Diagnostic:
    """Return size-retired. writes: whether the object of the size is written; one that exists is a warning."""
    return Diagnostic(
        f"{size} was retired on {day.isoformat()}",
        severity=Severity.ERROR if writes else Severity.WARNING,
        detail="Azure rejects new clusters and deployments of a retired size."
        if writes
        else "The existing object is kept; Azure may stop it, and rejects a new one.",
        remedy=remedy,
        address=address,
        code="size-retired",
    )


def size_findings(
    size: str, model: BaseModel, task: Task, own: Sequence[str], address: str, facts: Facts, *, published: bool = True
) -> Iterator[Diagnostic]:
    """Yield size-not-allowed, size-not-in-spec-list and no-list-known for a size.

    published: whether the model has a publisher, who could have listed sizes; without one, a missing list is not
    reported.
    """
    listed = model.allow_list(task)
    what = "fine-tuning" if task == "finetune" else "serving"
    if not listed.admits(size):
        yield Diagnostic(
            f"{size} is not allowed for {what} {model.name}",
            detail=_source_of_the_list(model, listed),
            remedy=_alternatives(listed, own, _use(task), facts),
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
    if published and not listed.known:
        yield Diagnostic(
            f"no VM size allow-list published for {model.name} ({what}); size not checked",
            severity=Severity.WARNING,
            detail="Neither system metadata, tags nor phift's catalogue contains one; only K80 sizes are rejected.",
            address=address,
            code="no-list-known",
        )


def availability(
    size: str,
    facts: Facts,
    task: Task,
    own: Sequence[str],
    address: str,
    *,
    writes: bool,
    model: BaseModel | None = None,
) -> Iterator[Diagnostic]:
    """Yield size-retired, size-retiring, size-unknown and size-unsupported: whether the region offers a size for a use.

    writes: whether the plan writes the object; an existing object of a retired size is reported by a warning. model:
    whose list the remedy names; default: the base model.
    """
    known, use = vm_size(size), _use(task)
    retired = known.retired if known else None
    model = model or facts.base_model
    listed = model.allow_list(task) if model else AllowList()
    instead = _alternatives(listed, own, task, facts) if listed.known else _LIST
    offered = facts.sizes.get(size.lower())
    severity = Severity.ERROR if writes else Severity.WARNING
    if retired is not None and retired <= facts.today:
        yield retired_size(size, retired, instead, address=address, writes=writes)
    elif facts.sizes and offered is None:
        yield Diagnostic(
            f"VM size {size or '(none)'} is not available in the region of the workspace",
            severity=severity,
            remedy=instead,
            address=address,
            code="size-unknown",
        )
    elif offered is not None and not _usable(offered, use):
        yield Diagnostic(
            f"{size} cannot be used for {'clusters' if use == CLUSTER else 'online deployments'} in {facts.location}",
            severity=severity,
            detail=f"The workspace lists it for: {', '.join(offered.computes)}.",
            remedy=instead,
            address=address,
            code="size-unsupported",
        )
    if retired is not None and is_near(retired, facts.today):
        yield Diagnostic(
            f"{size} will be retired on {retired.isoformat()}",
            severity=Severity.WARNING,
            detail="Clusters and deployments of the size then stop.",
            remedy=instead,
            address=address,
            code="size-retiring",
        )


def _use(task: Task) -> str:
    return CLUSTER if task == "finetune" else SERVING


def _source_of_the_list(model: BaseModel, listed: AllowList) -> str:
    if not listed.known:
        return "No allow-list is published for this model; K80 sizes are rejected for every model."
    return f"{model.name}:{model.version} allows ({listed.origin}): {', '.join(listed.sizes)}"


def _alternatives(listed: AllowList, own: Sequence[str], task: Task, facts: Facts) -> str:
    """Name the sizes of the allow-lists that the region offers, and that are not about to be retired."""
    both = [s for s in listed.sizes if not own or s.lower() in {o.lower() for o in own}]
    both = list(offered_sizes(both, task, facts))
    if not both:
        return "Use another size" + (" and add it to `allow`." if own else " with a later generation of GPUs.")
    return f"Use {both[0]}." if len(both) == 1 else f"Use one of: {', '.join(both)}."


def offered_sizes(names: Iterable[str], task: Task, facts: Facts) -> Iterator[str]:
    """Yield the sizes to suggest for a task: the region offers them, and they are not retired soon."""
    for name in names:
        known, offered = vm_size(name), facts.sizes.get(name.lower())
        retired = known.retired if known else None
        if retired is not None and (retired <= facts.today or is_near(retired, facts.today)):
            continue
        if not facts.sizes or (offered is not None and _usable(offered, _use(task))):
            yield name


def _usable(size: Size, use: str) -> bool:
    return not size.computes or use.lower() in {compute.lower() for compute in size.computes}
