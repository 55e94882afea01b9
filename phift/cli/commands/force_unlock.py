"""`phift force-unlock`."""

from __future__ import annotations

from typing import Annotated

import typer

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.terminal import Terminal


def force_unlock(
    spec: o.SpecArgument,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", rich_help_panel="How it is carried out")] = (
        False
    ),
    no_color: o.NoColorOption = False,
) -> int:
    """Break the lease of an apply that is certainly dead.

    Shows who holds it, then asks. An apply that still runs stops at its next write. A lease also ends by itself a
    minute after its holder.
    """
    from phift import phases
    from phift.views.human.lease import broken, question

    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks)
    connect = connector(interactive=terminal.streams.terminal, tell=terminal.tell)
    holder = phases.lease_holder(request, connect)
    terminal.tell(question(holder))
    if not yes:
        terminal.confirm("Do you really want to break this lease?", action="force-unlock", option="--yes (-y)")
    terminal.print(broken(phases.force_unlock(request, connect)))
    return 0
