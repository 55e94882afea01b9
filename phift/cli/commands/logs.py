"""`phift logs`."""

from __future__ import annotations

from typing import Annotated

import typer

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.terminal import Terminal


def logs(
    spec: o.SpecArgument,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    deployment: Annotated[
        str | None,
        typer.Option(
            "--deployment", metavar="[NAME]", help="Print a deployment's container log. Default: the spec's deployment."
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep printing until the job ends or the deployment is deleted.")
    ] = False,
) -> int:
    """Print the logs of the training job, or of a deployment."""
    from phift import phases

    terminal = Terminal.of()
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks)
    connect = connector(interactive=terminal.streams.terminal, tell=terminal.tell)
    lines = (
        phases.logs(request, connect, follow=follow)
        if deployment is None
        else phases.deployment_logs(request, connect, deployment, follow=follow)
    )
    for line in lines:
        terminal.print_raw(line.rstrip("\n"))
    return 0
