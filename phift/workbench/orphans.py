"""Objects with the name of the stack that the spec does not define: its own earlier ones, and those of others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from phift.address import Address
from phift.kinds.registry import KINDS
from phift.kinds.shared.wire import READ, marks_in
from phift.state.desired import Desired
from phift.state.live import Live
from phift.state.ownership import ADDRESS, STACK
from phift.workbench.inventory import BILLED
from phift.workbench.open import Workbench

__all__ = ["orphans", "strangers"]


def orphans(bench: Workbench) -> Iterator[tuple[str, Live]]:
    """Yield kind and live object of orphans. Excludes objects of other stacks, and marks that do not verify."""
    yield from ((kind, live) for kind, live in _named(bench) if live.ours)


def strangers(bench: Workbench) -> Iterator[tuple[str, Live]]:
    """Yield kind and live object of billed objects with the name of the stack that belong to another spec."""
    yield from ((kind, live) for kind, live in _named(bench) if not live.ours and not live.owner.copied)


def _named(bench: Workbench) -> Iterator[tuple[str, Live]]:
    """Yield the objects marked with the name of the stack whose own name is not in the spec."""
    for kind, collection in BILLED.items():
        wanted = {d.name.lower() for d in bench.stack.of_kind(kind)}
        for raw in _marked(bench, f"{bench.azure.workspace.arm_id}/{collection}"):
            marks = marks_in(raw.get("tags"))
            name = str(raw.get("name", ""))
            if name.lower() in wanted or ADDRESS not in marks:
                continue
            try:
                address = Address.parse(marks[ADDRESS])
            except ValueError:
                continue
            live = KINDS[kind].wire.read(bench.context, Desired(address, name, former=bench.stack.former)).live
            if live is not None:
                yield kind, replace(live, name=name)


def _marked(bench: Workbench, path: str) -> Iterator[dict[str, Any]]:
    for stack in (bench.stack.name, *bench.stack.former):
        yield from bench.context.marked(path, STACK, stack, READ)
