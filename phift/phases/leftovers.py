"""Stacks of combinations that a matrix no longer has: found by verified marks, planned for deletion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from phift.clock import SystemClock, stamp
from phift.diagnostics import errors_of
from phift.errors import AzureError, RefusedError
from phift.phases.results import Planned, StackPlan, Unplanned
from phift.plan.action import Purpose
from phift.plan.model import Plan
from phift.plan.removal import decide_prune
from phift.state.desired import Stack
from phift.state.ownership import Claim, Ownership
from phift.workbench.inventory import FoundStack, stacks_in
from phift.workbench.last_applied import Remembered
from phift.workbench.open import Workbench
from phift.workbench.request import Request
from phift.workbench.strays import with_strays

__all__ = ["leftovers"]


def leftovers(planned: Sequence[StackPlan], requests: Sequence[Request]) -> list[StackPlan]:
    """Return a plan to delete each leftover stack, for files whose whole matrix was planned.

    Skips files without a known repository, names that are templates, and files of which variables select only some
    combinations.
    """
    found: list[StackPlan] = []
    benches: dict[tuple[Path, str | None], Workbench] = {}
    for one in planned:
        if one.bench:
            benches.setdefault((one.request.path, one.request.target), one.bench)
    for request in requests:
        first = benches.get((request.path, request.target))
        if first is None or not first.loaded.siblings or set(request.variables) & set(first.loaded.cell.values):
            continue
        found += [_plan(first, request, stack) for stack in _left(first)]
    return found


def _left(bench: Workbench) -> Iterator[FoundStack]:
    try:
        stacks = stacks_in(bench.azure, bench.snapshot)
    except AzureError:
        return  # already reported by each stack that could not be read
    begin = f"{bench.loaded.spec.name}-"
    for stack in stacks:
        if not stack.stack.startswith(begin) or not _same_file(bench.stack.claim, stack.claim):
            continue
        if stack.stack not in (*bench.loaded.siblings, *bench.stack.former):
            yield stack


def _same_file(mine: Claim, other: Claim) -> bool:
    """Return whether two claims are of the same file: by repository or, without one, by the id of the lock file."""
    if mine.source.known:
        return mine.owns(other.id, str(other.source)) is Ownership.OURS
    return bool(mine.id) and mine.id == other.id and str(mine.source) == str(other.source)


def _plan(bench: Workbench, request: Request, found: FoundStack) -> StackPlan:
    loaded = replace(bench.loaded, stack=found.stack)
    claim = replace(found.claim, id=bench.stack.claim.id or found.claim.id)
    stack = Stack(found.stack, bench.stack.target, claim, ())
    empty = replace(bench, loaded=loaded, stack=stack, remembered=Remembered(bench.azure, found.stack, claim))
    decided = [decide_prune(kind, live, (), claim) for kind, live in found.objects]
    findings = [f for _, several in decided for f in several]
    if errors_of(findings):
        return Unplanned(request, RefusedError(findings), found.stack)
    removed = with_strays(empty, [planned for planned, _ in decided], {}, thorough=True, destroying=True)
    plan = Plan(
        stack=found.stack,
        target=bench.stack.target,
        workspace="Azure ML emulator" if bench.azure.local else bench.azure.workspace.label,
        spec_path=str(request.path),
        source=str(found.claim.source),
        id=claim.id,
        spec_digest=empty.digest,
        created=stamp(SystemClock().now()),
        purpose=Purpose.DESTROY,
        resources=tuple(replace(p, reason="the matrix no longer contains this stack") for p in removed),
    )
    return Planned(request, found.stack, plan, empty)
