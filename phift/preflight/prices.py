"""Check the VM sizes that the spec sets prices for: a misspelled one would have no effect."""

from __future__ import annotations

from collections.abc import Iterator

from phift.catalog.vm_sizes import vm_sizes
from phift.diagnostics import Diagnostic, Severity, nearest
from phift.kinds.check import check
from phift.kinds.subject import Subject

__all__ = ["prices"]

_PREFIX = "standard_"


@check(
    "prices",
    reads="VM sizes of the prices",
    source="VM sizes of the region, phift's catalogue",
    applies=lambda subject: bool(subject.loaded.spec.prices),
)
def prices(subject: Subject) -> Iterator[Diagnostic]:
    """Yield size-unlisted."""
    for name in subject.loaded.spec.prices or ():
        if subject.facts.size(name) is not None:
            continue
        # The prefix of all sizes makes different names look alike.
        offered = (size.name for size in subject.facts.sizes.values())
        known = {size.lower().removeprefix(_PREFIX): size for size in (*vm_sizes(), *offered)}
        close = known.get(nearest(name.lower().removeprefix(_PREFIX), known, cutoff=0.8))
        yield subject.at(
            f"prices.{name}",
            Diagnostic(
                f"prices: {name} is not a known VM size",
                severity=Severity.WARNING,
                detail="Neither the region of the workspace nor phift's catalogue has it; the price has no effect.",
                remedy=f"Did you mean {close}?" if close else "Fix the name, or remove the price.",
                code="size-unlisted",
            ),
        )
