"""The cost of a plan in two steps: `begin` before the other checks, which read from the service too, `finish` after.

A plan that changes nothing that is billed has no cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

from phift.address import Address
from phift.azure.session import Azure
from phift.cost.lines import continuous_lines, job_lines, left_out, removed_lines
from phift.cost.prices import PriceBook
from phift.cost.retail import book_of
from phift.kinds.registry import KINDS
from phift.kinds.subject import Subject
from phift.plan.cost import Cost, CostLine
from phift.plan.model import PlannedResource
from phift.state.live import Live

__all__ = ["Estimate", "begin"]

_PATIENCE = 6.0
"""Seconds to wait for all prices after the other reads have finished."""
_AT_ONCE = 4


class Estimate:
    """An estimate whose missing prices are being read. Its lines have no prices yet."""

    def __init__(self, book: PriceBook, lines: Sequence[CostLine], region: str, notes: Sequence[str] = ()) -> None:
        self.lines = tuple(lines)
        self._book = book
        self._region = region
        self._notes = tuple(notes)
        self._pool: ThreadPoolExecutor | None = None
        self._asked: list[Future[None]] = []
        missing = book.lacking((line.size, line.tier, line.region) for line in lines) if book.asks else []
        if missing:
            self._pool = ThreadPoolExecutor(max_workers=_AT_ONCE)
            self._asked = [self._pool.submit(book.ask, size, region) for size, region in missing]

    def finish(self) -> Cost:
        """Return the cost. Waits a few seconds at most; prices that have not arrived come from the catalogue."""
        if self._pool is not None:
            wait(self._asked, timeout=_PATIENCE)
            self._pool.shutdown(wait=False, cancel_futures=True)
        lines = tuple(
            replace(line, price=self._book.price(line.size, line.tier, line.region or self._region))
            for line in self.lines
        )
        return Cost(self._region, lines, self._notes)


def begin(
    subject: Subject,
    planned: Sequence[PlannedResource],
    azure: Azure,
    *,
    removed: Mapping[Address, Live],
) -> Estimate | None:
    """Start the estimate of a plan with changes on a target that is billed; None if nothing billed changes.

    planned: all resources, those of `removed` included: live objects that are no longer in the spec. May measure local
    rows for a second, if a training will run.
    """
    lines = [
        *job_lines(subject, planned),
        *continuous_lines(subject, planned),
        *removed_lines(planned, removed),
    ]
    notes = list(left_out(subject, planned))
    # A new maximum of an autoscaler changes what may be billed, though not what is billed now.
    scales = any(
        one.action.changes_something and KINDS[one.address.kind].traits.accompanies
        for one in planned
        if subject.stack.resource(one.address) is not None
    )
    changes = scales or any(not line.continuous or line.nodes != line.now for line in lines)
    if not notes and not changes:
        return None
    return Estimate(book_of(subject.loaded, subject.facts, azure), lines, subject.facts.location, notes)
