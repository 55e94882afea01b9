"""Several stacks: the plan of each stack with changes, one line for all others, and the total count."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from phift.inert import inert
from phift.views.base import NO_OPTIONS, PLAIN, PlanOptions, Style
from phift.views.human.errors import render as render_error
from phift.views.human.expire import unwatched
from phift.views.human.plan import render as render_plan
from phift.views.human.values import table

if TYPE_CHECKING:
    from phift.phases import FoundStack, ManyApplied, ManyPlans, WatchedStack

__all__ = ["Prefixed", "applied", "errors", "forgotten", "plans", "total"]


def plans(
    planned: ManyPlans,
    options: PlanOptions = NO_OPTIONS,
) -> str:
    """Return the plans with changes, the number of stacks without, and the total count."""
    parts = []
    quiet = 0
    for plan in planned.plans:
        if not plan.changes_something and not options.show_unchanged:
            quiet += 1
            continue
        text = render_plan(plan, options)
        parts.append(f"{options.style.bold(f'# stack {inert(plan.stack)}')} ({inert(plan.spec_path)})\n\n{text}")
    if quiet:
        parts.append(f"{_stacks(quiet)}: no changes.")
    parts.append(total(planned, options.style))
    if planned.cost is not None:
        from phift.views.human.cost import totals

        parts[-1] += f"\n{totals(planned.cost)}"
    return "\n\n".join(parts)


def total(planned: ManyPlans, style: Style = PLAIN) -> str:
    """Return the count of all stacks together, on one line."""
    failed = len(planned.failed)
    told = _stacks(len(planned.plans)) + (f", {failed} could not be planned" if failed else "")
    return style.bold(f"All stacks: {planned.counts}") + f" ({told})"


def errors(failed: Sequence[tuple[str, Exception]], *, style: Style = PLAIN) -> str:
    """Return the errors of stacks that could not be planned or applied, by stack or file."""
    return "\n\n".join(
        f"{style.bold(f'# {inert(name)}')}\n{render_error(error, style=style)}"  # type: ignore[arg-type]
        for name, error in failed
    )


def applied(result: ManyApplied, *, style: Style = PLAIN) -> str:
    """Return the last line."""
    bad = [s.planned.stack or str(s.planned.request.path) for s in result.stacks if s.exit_code]
    head = style.bold(style.red("Apply incomplete!") if bad else style.green("Apply complete!"))
    counts = f"{result.added} added, {result.changed} changed, {result.destroyed} destroyed"
    tail = f" Failed: {', '.join(bad)}." if bad else ""
    return f"{head} {_stacks(len(result.stacks))}: {counts}.{tail}"


def forgotten(found: Sequence[FoundStack], watched: Sequence[WatchedStack] = (), *, style: Style = PLAIN) -> str:
    """Return a line for each billed object of a stack with no matching spec, and for what is billed unattended."""
    return "\n\n".join(filter(None, [_forgotten(found, style), unwatched(watched, style=style)]))


def _forgotten(found: Sequence[FoundStack], style: Style) -> str:
    if not found:
        return "Every stack in the workspace has a matching spec."
    rows = [("STACK", "KIND", "NAME", "SPEC")]
    rows += [(f.stack, kind, live.name, str(f.claim.source)) for f in found for kind, live in f.objects]
    drawn = table(rows)
    lines = [f"{_stacks(len(found))} with no matching spec:", "", style.dim(drawn[0]), *drawn[1:]]
    if mistaken := [f.stack for f in found if f.mistaken]:
        lines += ["", f"Stack name matches one of these specs, but the owner is another spec: {', '.join(mistaken)}."]
        lines += ["To take ownership of its objects, run `phift apply SPEC --take-over`."]
    return "\n".join(lines)


class Prefixed(io.TextIOBase):
    """A stream that prefixes each line with its stack, and keeps lines of concurrent writers whole."""

    _lock = threading.Lock()

    def __init__(self, stream: TextIO, stack: str, width: int) -> None:
        self._stream = stream
        self._prefix = f"{stack.ljust(width)} | "
        self._rest = ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        with self._lock:
            for line in lines:
                self._stream.write((self._prefix + line).rstrip() + "\n")
        return len(text)

    def flush(self) -> None:
        with self._lock:
            self._stream.flush()


def _stacks(count: int) -> str:
    return f"{count} stack{'' if count == 1 else 's'}"
