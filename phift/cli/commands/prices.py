"""`phift prices`."""

from __future__ import annotations

from typing import Annotated

import typer

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.terminal import Terminal


def prices(
    spec: o.SpecArgument,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    all: Annotated[bool, typer.Option("--all", help="Also the sizes that the base model and the spec allow.")] = False,
    retail: Annotated[
        bool, typer.Option("--retail", help="Ask the Retail Prices API for all sizes, and prefer its prices.")
    ] = False,
    format: o.FormatOption = o.Format.TEXT,
    no_color: o.NoColorOption = False,
) -> int:
    """Show the prices of the VM sizes of the spec, and where they come from.

    In this order: `prices` of the spec, the estimate of the workspace, the Retail Prices API, dated list prices in
    phift's catalogue. A price without a source is unknown.
    """
    from phift import phases
    from phift.views import json
    from phift.views.human import prices as text

    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks)
    connect = connector(interactive=terminal.streams.terminal, tell=terminal.tell)
    terminal.show(format, phases.prices(request, connect, every=all, retail=retail), json.prices, text.render)
    return 0
