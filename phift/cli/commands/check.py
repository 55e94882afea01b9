"""`phift check`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from phift.cli import options as o
from phift.cli.terminal import Terminal
from phift.errors import PhiftError
from phift.exits import ExitCode

if TYPE_CHECKING:
    from phift.phases import Checked

_REHEARSED, _TRAINED = "15m", "2h"


def check(
    spec: o.SpecArgument,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    train: Annotated[
        bool, typer.Option("--train", help="Really train and serve on this machine; tests keep their expectations.")
    ] = False,
    timeout: Annotated[
        str | None,
        typer.Option("--timeout", metavar="TIME", help=f"For everything. Default: {_REHEARSED}; --train: {_TRAINED}."),
    ] = None,
    format: o.FormatOption = o.Format.TEXT,
    no_color: o.NoColorOption = False,
) -> int:
    """Check on a private emulator that the spec applies, resumes, reverts and re-creates.

    Works on a copy of the spec, with an emulator of its own in a temporary folder; nothing of the stack, the lock file
    or a workspace is touched. Jobs and deployments are rehearsed. The target decides the overrides, not where it runs:
    by default it is `local` if the spec has it, otherwise the default target. Exit code 1 if a check fails.
    """
    from phift.azure.sessions import require_emulator
    from phift.cli.sandbox import placeholders, sandbox, without_expectations, workspace_objects
    from phift.phases import Outcome, load
    from phift.phases import check as invariants
    from phift.spec.inheritance import read_whole
    from phift.spec.targets import LOCAL
    from phift.spec.tree import plain
    from phift.views import check as views

    terminal = Terminal.of(no_color=no_color)
    seconds = o.parse_time(timeout or (_TRAINED if train else _REHEARSED), "--timeout")
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks, tell=terminal.tell)
    with placeholders():
        root, _ = read_whole(request.path)
        tree = plain(root) if root is not None else {}
        if target is None and LOCAL in (tree.get("targets") or {}):
            request = replace(request, target=LOCAL)
        loaded = load(request)
        require_emulator()
        found: list[Checked] = []
        with (
            placeholders(tree),
            sandbox(
                request, loaded, tree if train else without_expectations(tree), rehearsed=not train, seconds=seconds
            ) as bed,
        ):
            head = views.Head(loaded.stack, loaded.target.name, rehearsed=not train)
            if format is o.Format.TEXT:
                terminal.print(views.head(head, style=terminal.streams.out_style))
            try:
                remaining = invariants(bed)
                while (one := _next(remaining, len(found), terminal)) is not None:
                    found.append(one)
                    if format is o.Format.TEXT:
                        terminal.print(views.line(one, style=terminal.streams.out_style))
            except TimeoutError:
                raise PhiftError(
                    "the check did not end in time",
                    detail="Its emulator and its files are deleted.",
                    remedy="Allow more time: --timeout 1h.",
                ) from None
    if format is o.Format.JSON:
        terminal.print(views.as_json(head, found))
    else:
        if found[0].outcome is Outcome.FAILED and (names := workspace_objects(tree)):
            terminal.print("\n" + views.elsewhere(names, style=terminal.streams.out_style))
        terminal.print(views.count(found, style=terminal.streams.out_style))
    return ExitCode.ERROR if any(one.outcome is Outcome.FAILED for one in found) else ExitCode.OK


def _next(remaining: Iterator[Checked], done: int, terminal: Terminal) -> Checked | None:
    """Return the next result, and show meanwhile which check runs."""
    from phift.phases.check_stack import NAMES
    from phift.views.human.waiting import waiting

    if done == len(NAMES):
        return None
    with waiting(terminal.streams, NAMES[done]):
        return next(remaining, None)
