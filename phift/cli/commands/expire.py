"""`phift expire`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.carry_out import carry_out, watcher
from phift.cli.terminal import Terminal
from phift.errors import PhiftError
from phift.exits import worst

if TYPE_CHECKING:
    from phift.phases import ApplyOptions, Draft


def expire(
    specs: Annotated[
        list[Path],
        typer.Argument(metavar="[SPEC...]", help="Specs, or folders and globs of specs.", show_default=False),
    ],
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    auto_approve: o.ApproveOption = False,
    parallelism: o.ParallelismOption = 10,
    timeout: o.TimeoutOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what is overdue and exit.", rich_help_panel="Output options")
    ] = False,
    format: o.FormatOption = o.Format.TEXT,
    quiet: o.QuietOption = False,
    no_color: o.NoColorOption = False,
) -> int:
    """Cancel overdue jobs and delete what is kept beyond its time.

    Cancels jobs that exceed finetune.timeout_minutes or queue_timeout_minutes, and deletes old deployments that exceed
    rollout.keep_previous_hours; nothing else. The limits are those of the last apply. Meant to run on a schedule:
    phift keeps these limits only while a command runs.
    """
    from phift import phases
    from phift.cli.many import several
    from phift.views.human import expire as text

    as_json = format is o.Format.JSON
    o.require_approval(
        json=as_json, quiet=quiet, given=auto_approve or dry_run, remedy="Pass --auto-approve or --dry-run."
    )
    terminal = Terminal.of(no_color=no_color, quiet=quiet or as_json)
    connect = connector(interactive=terminal.streams.terminal and not as_json, tell=terminal.tell)
    requests = [o.request_of(path, target, var, var_file, allow_env, data_root, max_stacks) for path in specs]
    found = phases.expire_drafts([one for request in requests for one in several(request) or [request]], connect)
    options = phases.ApplyOptions(parallelism=parallelism, timeouts=o.parse_timeouts(timeout))
    for one in found:
        if one.draft is not None and not as_json:
            if len(found) > 1 and not quiet:
                terminal.print(text.heading(one, style=terminal.streams.out_style))
            watcher(terminal.streams, json=False, quiet=quiet).planned(one.draft.plan)
        if one.error is not None:
            terminal.streams.err.write(text.failed(one, style=terminal.streams.err_style) + "\n")
    due = [one.draft for one in found if one.draft is not None and one.draft.plan.changes_something]
    if due and not (auto_approve or dry_run):
        _approve(due, terminal)
    codes = (
        {}
        if dry_run
        else {draft.plan.stack: _carry_out(draft, terminal, options, quiet=quiet, as_json=as_json) for draft in due}
    )
    if as_json:
        from phift.views.several import expired

        terminal.print(expired(found, codes))
    failed = [int(one.error.exit_code) for one in found if one.error is not None]
    return worst((*failed, *codes.values()))


def _approve(due: list[Draft], terminal: Terminal) -> None:
    if len(due) == 1:
        terminal.approve(due[0].plan)
        return
    terminal.confirm(
        f"Do you really want to cancel and delete these in {len(due)} stacks?",
        action="expire",
        option="--auto-approve (-y)",
    )


def _carry_out(draft: Draft, terminal: Terminal, options: ApplyOptions, *, quiet: bool, as_json: bool) -> int:
    """Apply one plan and return its exit code; an error does not stop the others. as_json: stdout has the document."""
    from phift import phases
    from phift.views.human.errors import render

    streams = replace(terminal.streams, out=terminal.streams.err) if as_json else terminal.streams
    view = watcher(streams, json=False, quiet=quiet or as_json)
    try:
        return carry_out(
            draft.plan, partial(phases.apply_draft, draft, listener=view, options=options), view, terminal, options
        )
    except PhiftError as error:
        terminal.streams.err.write(render(error, style=terminal.streams.err_style) + "\n")
        return int(error.exit_code)
