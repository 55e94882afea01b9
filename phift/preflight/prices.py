"""Check the VM sizes that the spec sets prices for: a misspelled one would have no effect."""

from __future__ import annotations

from collections.abc import Iterator

from phift.catalog.vm_sizes import nearest_size, vm_sizes
from phift.diagnostics import Diagnostic, Severity
from phift.kinds.check import check
from phift.kinds.subject import Subject

__all__ = ["prices"]


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
        offered = (size.name for size in subject.facts.sizes.values())
        close = nearest_size(name, (*(size.name for size in vm_sizes().values()), *offered))
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
