"""`phift history`."""

from __future__ import annotations

from typing import Annotated

import typer

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.terminal import Terminal


def history(
    spec: o.SpecArgument,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    limit: Annotated[
        int,
        typer.Option(
            "-n", min=1, max=1000, metavar="N", help="Number of applies to show.", rich_help_panel="Output options"
        ),
    ] = 20,
    format: o.FormatOption = o.Format.TEXT,
    no_color: o.NoColorOption = False,
) -> int:
    """Show past applies, newest first: who, when, what, and the outcome.

    Reads the ledger in the workspace's own storage. `--format json` includes every write.
    """
    from phift import phases
    from phift.views import json
    from phift.views.human import history as text

    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks)
    connect = connector(interactive=terminal.streams.terminal, tell=terminal.tell)
    records = phases.history(request, connect, limit=limit)
    terminal.show(format, records, json.history, text.render)
    return 0
