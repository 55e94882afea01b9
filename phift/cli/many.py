"""Commands over several stacks: a folder, a glob, or a spec with a matrix."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from phift.cli.interrupt import graceful_shutdown
from phift.cli.terminal import Terminal
from phift.errors import DetachedError, InvalidSpecError
from phift.files import SPEC_BYTES, read_regular
from phift.lazy import lazy_pattern

if TYPE_CHECKING:
    from phift.apply.events import Event
    from phift.phases import ApplyOptions, Connector, ManyApplied, ManyPlans, PlanSettings, Request
    from phift.plan.model import Plan
    from phift.views.human.apply import HumanApply

__all__ = ["apply_several", "is_set", "plan_several", "several"]

_MATRIX = lazy_pattern(r"^[\"']?(matrix|extends)[\"']?\s*:", re.MULTILINE)


def is_set(path: Path) -> bool:
    """Return whether the path is a folder or a glob rather than one file."""
    return os.path.isdir(path) or (not os.path.lexists(path) and glob.has_magic(str(path)))


def several(request: Request) -> list[Request] | None:
    """Return the request of each file if they may define several stacks, or None for a single stack."""
    from phift.spec import expand

    path = request.path
    if is_set(path):
        return [replace(request, path=found) for found in expand([path], request.max_stacks)]
    return [request] if _has_matrix(request) else None


def plan_several(
    requests: list[Request],
    connect: Connector,
    terminal: Terminal,
    settings: PlanSettings,
) -> ManyPlans:
    """Plan the stacks; print planning errors to stderr."""
    from phift import phases
    from phift.views.human import many as view

    planned = phases.plan_many(requests, connect, settings)
    failed = [(s.stack or str(s.request.path), s.error) for s in planned.failed]
    if failed:
        terminal.streams.err.write(view.errors(failed, style=terminal.streams.err_style) + "\n")
    return planned


def apply_several(planned: ManyPlans, terminal: Terminal, options: ApplyOptions, *, auto_approve: bool) -> int:
    """Apply the stacks and return the most severe exit code. Raises ApprovalError."""
    from phift import phases
    from phift.phases.results import Planned
    from phift.views.human import many as view
    from phift.views.human.errors import failure

    if not planned.changes_something:
        return planned.exit_code
    if not auto_approve:
        terminal.confirm(
            f"Do you want to apply these plans to {len(planned.plans)} stacks?",
            action="apply",
            option="--auto-approve (-y)",
        )
    views = {plan.stack: _view(terminal, plan, planned) for plan in planned.plans if plan.changes_something}

    def tell(stack: str, event: Event) -> None:
        views[stack](event)

    def started() -> bool:
        return any(one.started for one in views.values())

    try:
        with graceful_shutdown(options.stop, started, terminal.tell):
            result = phases.apply_many(planned, listener=tell, options=options)
    except KeyboardInterrupt:
        if not started():
            raise
        raise DetachedError(
            "interrupted; operations may still be running in Azure ML", remedy="Re-run the same command to resume."
        ) from None
    for stack, one in views.items():
        for failed in one.failures:
            address = f"{stack}: {failed.address}"
            terminal.tell("\n" + failure(address, failed.error, style=terminal.streams.err_style))
    _finish(result, views)
    ended = [(s.planned.stack, s.error) for s in result.stacks if s.error and isinstance(s.planned, Planned)]
    if ended:
        terminal.streams.err.write("\n" + view.errors(ended, style=terminal.streams.err_style) + "\n")
    terminal.print("\n" + view.applied(result, style=terminal.streams.out_style))
    return result.exit_code


def _finish(result: ManyApplied, views: Mapping[str, HumanApply]) -> None:
    for one in result.stacks:
        if one.result is not None and not one.exit_code:
            views[one.planned.stack].finish(one.result)


def _view(terminal: Terminal, plan: Plan, planned: ManyPlans) -> HumanApply:
    from phift.views.human.apply import PlainApply, QuietApply
    from phift.views.human.many import Prefixed

    width = max(len(p.stack) for p in planned.plans)
    streams = terminal.streams
    own = replace(
        streams,
        out=Prefixed(streams.out, plan.stack, width),  # type: ignore[arg-type]
        err=Prefixed(streams.err, plan.stack, width),  # type: ignore[arg-type]
        live=False,
    )
    return QuietApply(own) if terminal.quiet else PlainApply(own)


def _has_matrix(request: Request) -> bool:
    """Return whether the file defines more than one stack with these variables."""
    from phift.workbench.inventory import load_each

    path: Path = request.path
    try:
        if not _MATRIX.search(read_regular(path, SPEC_BYTES).decode()):
            return False
        found = load_each(request)
    except (OSError, UnicodeDecodeError, InvalidSpecError):
        return False  # planning it as a single spec reports the error
    return len(found) > 1 or (bool(found[0][1].siblings) and not set(request.variables) & set(found[0][1].cell.values))
