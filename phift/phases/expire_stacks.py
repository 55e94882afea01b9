"""Objects that are billed while nobody watches, and their removal once their time is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from phift.errors import PhiftError, RefusedError
from phift.kinds.base import Kind
from phift.kinds.registry import KINDS
from phift.kinds.subject import Subject
from phift.kinds.unwatched import Unwatched
from phift.phases.drafting import Draft, plan_from
from phift.plan.action import Action, Purpose
from phift.plan.model import PlannedResource
from phift.plan.removal import moved
from phift.state.ownership import Ownership
from phift.workbench.identity import known_id
from phift.workbench.inventory import load_or_errors
from phift.workbench.open import Workbench, workbench_of
from phift.workbench.request import Connector, Request
from phift.workbench.sessions import Shared
from phift.workbench.strays import with_strays

__all__ = ["Expiring", "WatchedStack", "expire_drafts", "unwatched_in", "unwatched_of", "unwatched_stacks"]


@dataclass(frozen=True)
class WatchedStack:
    """The objects of a stack that are billed while nobody watches. error: why they could not be read; of a file that
    cannot be loaded, the stack is its path. local: whether the target is the emulator, where nothing is billed.
    """

    stack: str
    items: tuple[Unwatched, ...] = ()
    error: PhiftError | None = None
    local: bool = False


@dataclass(frozen=True)
class Expiring:
    """The plan of an expiry. items: in the order of the resources of the plan, which then has what belongs to them and
    is deleted before them. draft: None after an error. Of a file that cannot be loaded, the stack is its path."""

    request: Request
    stack: str
    items: tuple[Unwatched, ...] = ()
    draft: Draft | None = None
    error: PhiftError | None = None


def unwatched_in(bench: Workbench) -> tuple[Unwatched, ...]:
    """Return the objects of a stack that are billed while nobody watches, in the order of the kinds, with prices.

    Raises AzureError.
    """
    found = tuple(item for kind in KINDS.values() for item in unwatched_of(bench, kind))
    if bench.azure.local or not any(item.bills for item in found):
        return found
    from phift.cost.prices import PriceBook
    from phift.cost.running import charged

    book = PriceBook(bench.resolved.facts, bench.loaded.spec.prices)
    return tuple(
        replace(item, usd_per_hour=charged(item.bills, item.bills.nodes, book).usd_per_hour) if item.bills else item
        for item in found
    )


def unwatched_of(bench: Workbench, kind: Kind[Any, Any]) -> Iterator[Unwatched]:
    """Yield the objects of one kind that are billed while nobody watches, without prices. Raises AzureError."""
    yield from (_with_bills(bench, item) for item in kind.unwatched(bench.context, bench.stack))


def _with_bills(bench: Workbench, item: Unwatched) -> Unwatched:
    """Add the nodes of a run of the spec, by its live cluster: the spec may leave the tier to the plan."""
    desired, run = bench.stack.resource(item.address), KINDS[item.address.kind]
    if desired is None or not run.traits.trains:
        return item
    needed = ((one, KINDS[one.address.kind]) for one in bench.stack.resources if one.address in desired.depends_on)
    observed = {one.address: kind.wire.read(bench.context, one) for one, kind in needed if kind.bills}
    subject = Subject(bench.loaded, bench.stack, bench.resolved.facts, observed, (), bench.remote)
    work = run.work(subject, desired)
    return replace(item, bills=work.rate) if work else item


def unwatched_stacks(requests: Sequence[Request], connect: Connector) -> list[WatchedStack]:
    """Return the objects of all stacks of the requests that are billed while nobody watches.

    A stack that cannot be read does not stop the others, nor does an invalid spec.
    """
    opened = _opened(requests, lambda loaded: connect(loaded).read_only())
    return [
        WatchedStack(stack, error=bench) if isinstance(bench, PhiftError) else _watched(bench)
        for _, stack, bench in opened
    ]


def _watched(bench: Workbench) -> WatchedStack:
    try:
        return WatchedStack(bench.stack.name, unwatched_in(bench), local=bench.azure.local)
    except PhiftError as error:
        return WatchedStack(bench.stack.name, error=error)


def expire_drafts(requests: Sequence[Request], connect: Connector) -> list[Expiring]:
    """Plan, for all stacks of the requests, to cancel overdue jobs and to delete what is kept beyond its time.

    The limits are those that apply recorded, not those of the spec. A stack that cannot be planned does not stop the
    others, nor does an invalid spec: what it leaves running costs money.
    """
    return [
        Expiring(request, stack, error=bench) if isinstance(bench, PhiftError) else _draft(request, bench)
        for request, stack, bench in _opened(requests, connect)
    ]


def _draft(request: Request, bench: Workbench) -> Expiring:
    try:
        items = tuple(item for item in unwatched_in(bench) if item.due)
    except PhiftError as error:
        return Expiring(request, bench.stack.name, error=error)
    stray = tuple(item.live for item in items if _has_moved(item))
    if stray:
        return Expiring(request, bench.stack.name, items, error=RefusedError([moved(bench.stack, stray)]))
    resources = tuple(
        PlannedResource(
            address=item.address,
            action=Action.DELETE,
            identity=item.live.name,
            reason=_reason(item),
            fingerprint=item.live.fingerprint,
            decided=item.decided,
        )
        for item in items
    )
    serving = any(KINDS[item.address.kind].traits.serves for item in items)
    resources = with_strays(bench, resources, {}, thorough=True) if serving else resources
    plan = plan_from(bench, request, resources, id=known_id(bench, {}))
    return Expiring(request, bench.stack.name, items, Draft(replace(plan, purpose=Purpose.EXPIRE), bench))


def _reason(item: Unwatched) -> str:
    return f"{item.reason}; bills {item.usd_per_hour:,.2f} USD an hour" if item.usd_per_hour else item.reason


def _has_moved(item: Unwatched) -> bool:
    """Return whether the object belongs to a stack that moved: the move has to be applied first, as for a destroy."""
    return item.live.owner.ownership is Ownership.MOVED and not KINDS[item.address.kind].traits.historic


def _opened(requests: Sequence[Request], connect: Connector) -> Iterator[tuple[Request, str, Workbench | PhiftError]]:
    """Yield each stack once, with its name and its workbench or the error."""
    shared = Shared(inline=True, looking=True, data_root=requests[0].data_root if requests else None)
    opened = set()
    for request, one in (pair for given in requests for pair in load_or_errors(given)):
        stack = str(request.path) if isinstance(one, PhiftError) else one.stack
        if (key := (request.path.resolve(), stack)) in opened:
            continue
        opened.add(key)
        if isinstance(one, PhiftError):
            yield request, stack, one
            continue
        try:
            yield request, stack, workbench_of(one, connect, shared=shared)
        except PhiftError as error:
            yield request, stack, error
