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
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", rich_help_panel="Execution options")] = (
        False
    ),
    no_color: o.NoColorOption = False,
) -> int:
    """Release the lease left by a crashed apply.

    Shows the holder, then asks for confirmation. An apply that is still running stops before its next write. A lease
    also expires on its own, one minute after its holder stops renewing it.
    """
    from phift import phases
    from phift.views.human.lease import broken, question

    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks)
    connect = connector(interactive=terminal.streams.terminal, tell=terminal.tell)
    holder = phases.lease_holder(request, connect)
    terminal.tell(question(holder))
    if not yes:
        terminal.confirm("Do you really want to release this lease?", action="force-unlock", option="--yes (-y)")
    terminal.print(broken(phases.force_unlock(request, connect)))
    return 0
