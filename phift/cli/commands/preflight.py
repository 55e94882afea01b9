"""`phift preflight`."""

from __future__ import annotations

from dataclasses import replace

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.terminal import Terminal


def preflight(
    spec: o.SpecArgument,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    take_over: o.TakeOverOption = False,
    strict: o.StrictOption = False,
    budget: o.BudgetOption = None,
    format: o.PlanFormatOption = o.PlanFormat.TEXT,
    no_color: o.NoColorOption = False,
) -> int:
    """Show every check of the plan: its verdict, what was read, from where, and the remedy.

    Changes nothing, and does not write phift.lock. Exits with 4 if a check is an error, as a plan does; with --strict,
    also if it is a warning that the spec does not waive.
    """
    from phift import phases
    from phift.cli.many import several
    from phift.views import preflight as view

    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks, tell=terminal.tell)
    request = replace(request, budget=o.parse_budget(budget))
    if several(request) is not None:
        o.refuse("several stacks", {"preflight": True}, remedy=o.ONE_STACK)
    connect = connector(interactive=terminal.streams.terminal, tell=terminal.tell)
    found = phases.preflight(request, connect, take_over=take_over, strict=strict)
    match format:
        case o.PlanFormat.JSON:
            terminal.print(view.json(found))
        case o.PlanFormat.MD:
            terminal.print(view.markdown(found))
        case o.PlanFormat.TEXT:
            terminal.print(view.text(found, style=terminal.streams.out_style))
    return found.exit_code
