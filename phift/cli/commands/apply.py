"""`phift apply`."""

from __future__ import annotations

from dataclasses import replace as changed
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.approved import ApprovedOption, parse_approved, require_approved
from phift.cli.carry_out import carry_out, watcher
from phift.cli.terminal import Terminal
from phift.views.base import PlanOptions


def apply(
    file: Annotated[
        Path, typer.Argument(metavar="[SPEC|PLAN]", help="A spec, or a plan saved with `phift plan --out`.")
    ],
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    auto_approve: o.ApproveOption = False,
    no_wait: o.NoWaitOption = False,
    parallelism: o.ParallelismOption = 10,
    timeout: o.TimeoutOption = None,
    select: o.SelectOption = None,
    replace: o.ReplaceOption = None,
    retry_failed: o.RetryFailedOption = False,
    take_over: o.TakeOverOption = False,
    strict: o.StrictOption = False,
    budget: o.BudgetOption = None,
    approved: ApprovedOption = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the plan and exit, like `phift plan`.", rich_help_panel="Output options"),
    ] = False,
    json: o.JsonOption = False,
    quiet: o.QuietOption = False,
    no_color: o.NoColorOption = False,
) -> int:
    """Create or update the workspace resources that the spec defines.

    Plans, asks for approval, and applies. Apply is idempotent: re-run it to resume interrupted or detached work. A
    saved plan is applied exactly as shown, without asking, and is rejected (exit code 5) if anything it depends on
    has changed. A folder, a glob or a spec with a matrix applies several stacks concurrently.
    """
    from phift import phases
    from phift.cli import planfile
    from phift.cli.many import apply_several, is_set, plan_several, several
    from phift.cli.views import many_view

    saved = not is_set(file) and planfile.is_plan(file)
    if saved:
        held = {"--target": target, "--var": not planfile.conceals(file) and var, "--var-file": var_file}
        o.refuse("a saved plan, which contains its own", held)
        planned = {"--select": select, "--replace": replace, "--retry-failed": retry_failed}
        planned |= {"--take-over": take_over, "--strict": strict}
        o.refuse("a saved plan, which is applied exactly as saved", planned)
    consented = saved or auto_approve or dry_run
    o.require_approval(json=json, quiet=quiet, given=consented, remedy="Pass --auto-approve, or apply a saved plan.")
    options = phases.ApplyOptions(
        parallelism=parallelism, wait=not no_wait, timeouts=o.parse_timeouts(timeout), strict=strict
    )
    limits = o.parse_budget(budget)
    expected = parse_approved(approved)
    terminal = Terminal.of(no_color=no_color, quiet=quiet or json)
    connect = connector(interactive=terminal.streams.terminal and not json, tell=terminal.tell)
    view = watcher(terminal.streams, json=json, quiet=quiet)
    if saved:
        plan, found = planfile.read(file, o.parse_variables(var))
        # Only the command line may grant what can be read, never a file.
        granted = o.request_of(file, None, None, None, allow_env, data_root, max_stacks)
        request = changed(
            found,
            allow_env=granted.allow_env,
            data_root=granted.data_root,
            max_stacks=granted.max_stacks,
            budget=limits,
        )
        require_approved(expected, [plan])
        plan = changed(plan, spec_options=(*plan.spec_options, *request.grants))
    else:
        request = o.request_of(file, target, var, var_file, allow_env, data_root, max_stacks, tell=terminal.tell)
        request = changed(request, fetch=not dry_run, budget=limits)
        settings = phases.PlanSettings(retry_failed=retry_failed, take_over=take_over, strict=strict)
        if (requests := several(request)) is not None:
            one = {"--json": json, "--select": select, "--replace": replace}
            o.refuse("several stacks", one, remedy=o.ONE_STACK)
            together = plan_several(requests, connect, terminal, settings)
            terminal.print(
                many_view(o.PlanFormat.TEXT)(together, PlanOptions(terminal.streams.out_style, summary=quiet))
            )
            require_approved(expected, together.plans, failed=len(together.failed))
            if dry_run:
                return together.exit_code
            return apply_several(together, terminal, options, auto_approve=auto_approve)
        settings = changed(
            settings, select=o.parse_addresses(select, "--select"), replace=o.parse_addresses(replace, "--replace")
        )
        draft = phases.draft(request, connect, settings)
    if saved and dry_run:
        view.planned(plan)
        return 0
    if saved:
        again = partial(phases.apply, plan, request, connect, listener=view, options=options, saved=True)
        return carry_out(plan, again, view, terminal, options)
    view.planned(draft.plan)
    require_approved(expected, [draft.plan])
    if dry_run:
        return 0
    if not draft.plan.changes_something:
        phases.settle(draft)
        return 0
    if not auto_approve:
        terminal.approve(draft.plan)
    carry = partial(phases.apply_draft, draft, listener=view, options=options)
    return carry_out(draft.plan, carry, view, terminal, options)
