"""`phift destroy`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.carry_out import carry_out, watcher
from phift.cli.terminal import Terminal


def destroy(
    spec: o.SpecArgument,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    archive: Annotated[
        bool,
        typer.Option("--archive", help="Also archive data and models.", rich_help_panel="Execution options"),
    ] = False,
    take_over: o.TakeOverOption = False,
    auto_approve: o.ApproveOption = False,
    parallelism: o.ParallelismOption = 10,
    timeout: o.TimeoutOption = None,
    json: o.JsonOption = False,
    quiet: o.QuietOption = False,
    no_color: o.NoColorOption = False,
) -> int:
    """Delete the resources that incur cost; keep data and models.

    Deletes the stack's deployments, endpoint and idle compute, and cancels its running jobs. Data and registered
    models are kept, so that the next apply does not retrain.
    """
    from phift import phases

    o.require_approval(json=json, quiet=quiet, given=auto_approve, remedy="Pass --auto-approve.")
    timeouts = o.parse_timeouts(timeout)
    terminal = Terminal.of(no_color=no_color, quiet=quiet or json)
    connect = connector(interactive=terminal.streams.terminal and not json, tell=terminal.tell)
    view = watcher(terminal.streams, json=json, quiet=quiet)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks)
    draft = phases.destroy_draft(request, connect, archive=archive, take_over=take_over)
    view.planned(draft.plan)
    if not draft.plan.changes_something:
        phases.settle(draft)
        return 0
    if not auto_approve:
        terminal.approve(draft.plan)
    options = phases.ApplyOptions(parallelism=parallelism, timeouts=timeouts)
    carry = partial(phases.apply_draft, draft, listener=view, options=options)
    return carry_out(draft.plan, carry, view, terminal, options)
