"""Jobs of a stack that exceed a time limit recorded in their tags, whatever the spec says now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from phift.address import Address
from phift.kinds.job.limits import TAGS, Limits
from phift.kinds.shared.wire import READ
from phift.kinds.unwatched import Unwatched
from phift.state.desired import Desired, Stack
from phift.state.states import RunState

if TYPE_CHECKING:
    from phift.kinds.context import Context

__all__ = ["unwatched"]

JOB = Address("job", "finetune")


def unwatched(context: Context, stack: Stack) -> Iterator[Unwatched]:
    """Yield the overdue jobs of the stack, its earlier ones too; all are due."""
    from phift.kinds.job.deadlines import overdue
    from phift.kinds.job.wire import JobWire

    wire, looked_up = JobWire(), Desired[Any](JOB, "", former=stack.former)
    for name, raw in sorted(_limited(context)):
        live = wire.live(context, looked_up, name, raw)
        if not live.ours:
            continue
        late = overdue(context.azure, raw, Limits.recorded(raw["properties"].get("tags")))
        if late is None:
            continue
        current = next((d for d in stack.of_kind(JOB.kind) if _is_attempt(name, d.name)), None)
        yield Unwatched(
            current.address if current else Address(JOB.kind, name),
            live,
            "overdue job",
            str(late),
            due=True,
            seconds=late.seconds,
        )


def _limited(context: Context) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the jobs with a recorded limit that have not ended, by name; the service filters by one tag at a time."""
    found: dict[str, dict[str, Any]] = {}
    for tag in TAGS.values():
        for raw in context.list(f"{context.azure.workspace.arm_id}/jobs", READ, tag=tag):
            if not RunState.ended(str(raw["properties"].get("status"))):
                found[str(raw["name"])] = raw
    yield from found.items()


def _is_attempt(name: str, first: str) -> bool:
    attempt = name.removeprefix(first)
    return name.startswith(first) and (not attempt or (attempt[:2] == "-r" and attempt[2:].isdecimal()))
