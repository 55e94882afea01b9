"""The prices of the VM sizes of a spec, and where they come from. Read-only."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from phift.cost.retail import book_of
from phift.kinds.charge import DEDICATED, LOW_PRIORITY
from phift.kinds.registry import KINDS
from phift.kinds.subject import Subject
from phift.plan.cost import Price
from phift.workbench.open import Workbench, open_read_only
from phift.workbench.request import Connector, Request

__all__ = ["PriceRow", "Prices", "prices"]

_AT_ONCE = 4


@dataclass(frozen=True)
class PriceRow:
    """The price of a node. used: whether the spec uses the size in this tier."""

    size: str
    tier: str
    region: str
    price: Price
    used: bool


@dataclass(frozen=True)
class Prices:
    """The prices for a stack. local: whether the target is the emulator, where nothing is billed."""

    stack: str
    region: str
    rows: tuple[PriceRow, ...]
    local: bool = False


def prices(request: Request, connect: Connector, *, every: bool = False, retail: bool = False) -> Prices:
    """Return the prices of the sizes that the spec uses, in both tiers.

    every: also of the sizes that the base model and the spec allow. retail: ask the Retail Prices API for all of them,
    and prefer its answers to the estimates of the workspace. Raises the errors of `status`.
    """
    bench = open_read_only(request, connect)
    facts = bench.resolved.facts
    if bench.azure.local:
        return Prices(bench.stack.name, facts.location, (), local=True)
    used = {(size.lower(), tier, region or facts.location): size for size, tier, region in _used(bench)}
    places = {(size.lower(), region): size for (_, _, region), size in used.items()}
    if every:
        places |= {
            (name.lower(), facts.location): name
            for name in _allowed(bench)
            if (name.lower(), facts.location) not in places
        }
    book = book_of(bench.loaded, facts, bench.azure)
    wanted = [(size, region) for (_, region), size in places.items()]
    missing = wanted if retail else book.lacking((size, DEDICATED, region) for size, region in wanted)
    if book.asks and missing:
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            list(pool.map(lambda one: book.ask(*one), missing))
    rows = tuple(
        PriceRow(size, tier, region, book.price(size, tier, region, retail=retail), (lower, tier, region) in used)
        for (lower, region), size in places.items()
        for tier in (DEDICATED, LOW_PRIORITY)
    )
    return Prices(bench.stack.name, facts.location, rows)


def _used(bench: Workbench) -> Iterator[tuple[str, str, str]]:
    """Yield size, tier and region of all nodes of the stack."""
    subject = Subject(bench.loaded, bench.stack, bench.resolved.facts, {}, (), bench.remote)
    for desired in bench.stack.resources:
        kind = KINDS[desired.address.kind]
        if (rate := kind.wanted_rate(subject, desired, None)) is not None:
            yield rate.size, rate.tier, rate.region
        if (work := kind.work(subject, desired)) is not None:
            for nodes in filter(None, (work.rate, work.other)):
                yield nodes.size, nodes.tier, nodes.region


def _allowed(bench: Workbench) -> Iterator[str]:
    spec, model = bench.loaded.spec, bench.resolved.facts.base_model
    yield from getattr(spec.compute.finetune, "allow", ())
    yield from spec.deployment.allow if spec.deployment else ()
    if model is not None:
        yield from model.finetune.sizes
        yield from model.inference.sizes
