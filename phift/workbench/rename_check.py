"""Warning about a stack renamed without `renamed_from`, which would be re-created. Detected by marks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from phift.diagnostics import Diagnostic, Severity
from phift.kinds.registry import KINDS
from phift.kinds.shared.wire import READ
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.spec.tree import OriginKind
from phift.state.ownership import SOURCE, STACK
from phift.state.source import normal_source
from phift.workbench.inventory import BILLED, verified
from phift.workbench.open import Workbench

__all__ = ["former_name"]

_MAKES = {Action.CREATE, Action.RUN}


def former_name(bench: Workbench, planned: Sequence[PlannedResource]) -> Iterator[Diagnostic]:
    """Yield a warning for each stack that this spec file created under a name that it no longer contains.

    Uses the lists that every plan reads. Skips files without a known repository, names that are templates, and names of
    removed targets or combinations.
    """
    node = bench.loaded.tree.child("name")
    literal = node is not None and node.origin.kind is OriginKind.SPEC
    creates = any(KINDS[r.address.kind].traits.single and r.action in _MAKES for r in planned)
    if not creates or not literal or not bench.stack.claim.source.known:
        return
    mine = bench.loaded.spec.name
    for stack, names in _others(bench).items():
        if stack in (bench.stack.name, mine, *bench.stack.former, *bench.loaded.siblings) or stack.startswith(
            f"{mine}-"
        ):
            continue
        end = bench.stack.name.removeprefix(mine)
        former = stack.removesuffix(end) if end else stack
        yield Diagnostic(
            f"this spec already created stack {stack}; this plan creates {bench.stack.name} in addition",
            severity=Severity.WARNING,
            detail=f"Stack {stack} still has {', '.join(names)}, which continue to be billed.",
            remedy=f"If you renamed the spec, add `renamed_from: [{former}]` to keep its resources. Otherwise destroy "
            "the stack under its old name.",
            mark=bench.loaded.mark("name"),
            path="name",
            code="former-name",
        )


def _others(bench: Workbench) -> dict[str, list[str]]:
    """Return the billed objects with marks of this spec, by stack. Ignores copied marks."""
    found: dict[str, list[str]] = defaultdict(list)
    for kind, collection in BILLED.items():
        path = f"{bench.azure.workspace.arm_id}/{collection}"
        for raw in bench.context.marked(path, SOURCE, str(bench.stack.claim.source), READ, normal_source):
            if (live := verified(bench.azure, kind, raw, bench.snapshot)) is not None:
                found[live.marks[STACK]].append(f"{kind} {live.name}")
    return found
