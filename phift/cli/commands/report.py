"""`phift report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.terminal import Terminal


def report(
    spec: o.SpecArgument,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="File to write. Default: STACK-report.html in the current folder.",
            rich_help_panel="Output options",
        ),
    ] = None,
    show_rows: Annotated[
        bool,
        typer.Option("--show-rows", help="Include the first rows of the data.", rich_help_panel="Output options"),
    ] = False,
) -> int:
    """Write a report of the stack as one HTML file.

    Shows pending changes, the curves of this and earlier trainings, tests, past applies and the current state. The
    file loads nothing from the network. It contains texts of rows only with --show-rows. Changes nothing in the
    workspace.
    """
    from phift import phases
    from phift.cli import outfile
    from phift.views.html.report import report as html

    if out:
        outfile.require_writable(out, kind=outfile.PAGE)
    terminal = Terminal.of()
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks, tell=terminal.tell)
    connect = connector(interactive=terminal.streams.terminal, tell=terminal.tell)
    found = phases.report(request, connect, show_rows=show_rows)
    place = out or Path(f"{found.stack}-report.html")
    document = html(found) + "\n"
    outfile.write_text(place, document, outfile.PAGE)
    terminal.print(f"Wrote {place} ({len(document.encode()) / 1024:,.0f} KiB).")
    return 0
