"""Shared by plans of apply and destroy: the draft, objects no longer in the spec, objects of other owners."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from phift.address import Address
from phift.clock import SystemClock, stamp
from phift.diagnostics import Diagnostic
from phift.kinds.registry import KINDS
from phift.plan.model import Plan, PlannedResource
from phift.plan.removal import decide_prune
from phift.plan.standing import Stranger, refusals
from phift.state.live import Live
from phift.workbench.open import Workbench
from phift.workbench.orphans import orphans
from phift.workbench.request import Request

__all__ = ["Draft", "plan_from", "prune", "refused", "removed_objects"]


@dataclass(frozen=True)
class Draft:
    """A fresh plan with its workbench: applying it does not load, connect and read again."""

    plan: Plan
    bench: Workbench


def refused(bench: Workbench, others: Iterable[tuple[str, Live]], verb: str = "") -> list[Diagnostic]:
    """Return an error for each owner of objects of other stacks, by kind. verb: of the command, if it is not apply."""
    found = [
        Stranger(Address(kind, live.name), live.name, live.owner, adoptable=KINDS[kind].traits.adoptable)
        for kind, live in others
    ]
    return refusals(bench.stack, found, verb=verb)


def prune(
    bench: Workbench, claimed: Sequence[tuple[str, Live]] = ()
) -> tuple[tuple[PlannedResource, ...], tuple[Diagnostic, ...]]:
    """Return the planned deletions of objects of this stack that are no longer in the spec, after their traffic has
    moved. claimed: further objects to delete."""
    after = tuple(r.address for r in bench.stack.resources if r.traits.routes)
    claim = bench.stack.claim
    decided = [decide_prune(kind, live, after, claim) for kind, live in (*orphans(bench), *claimed)]
    return tuple(p for p, _ in decided), tuple(f for _, found in decided for f in found)


def removed_objects(bench: Workbench) -> dict[Address, Live]:
    """Return the live objects of the planned deletions of `prune`, from the lists that it has read."""
    return {Address(kind, live.name): live for kind, live in orphans(bench)}


def plan_from(
    bench: Workbench,
    request: Request,
    resources: tuple[PlannedResource, ...],
    *,
    id: str,
    notes: tuple[str, ...] = (),
) -> Plan:
    """Return the plan of the resources, with what identifies the stack, the spec and the pins. id: of the stack."""
    return Plan(
        stack=bench.stack.name,
        target=bench.stack.target,
        workspace="Azure ML emulator" if bench.azure.local else bench.azure.workspace.label,
        spec_path=str(request.path),
        spec_options=request.spec_options,
        source=str(bench.stack.claim.source),
        id=id,
        spec_digest=bench.digest,
        created=stamp(SystemClock().now()),
        resources=resources,
        notes=notes,
        lock=bench.resolved.pins.plain(),
        env_names=bench.loaded.env_names,
    )
