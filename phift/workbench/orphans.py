"""What carries the stack's name and is not what the spec wants: its own from before, and that of others."""

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
    """Kind and live object of each. Those of other stacks, or whose marks do not verify, are never among them."""
    yield from ((kind, live) for kind, live in _named(bench) if live.ours)


def strangers(bench: Workbench) -> Iterator[tuple[str, Live]]:
    """What carries the stack's name, bills, and belongs to another spec: kind and live object of each."""
    yield from ((kind, live) for kind, live in _named(bench) if not live.ours and not live.owner.copied)


def _named(bench: Workbench) -> Iterator[tuple[str, Live]]:
    """What carries the stack's name under a name that the spec does not give."""
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
