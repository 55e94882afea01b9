"""`phift doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.terminal import Terminal


def doctor(
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
            help="Write a recording to send to others: no ids, names or secrets.",
            rich_help_panel="Output options",
        ),
    ] = None,
    format: o.FormatOption = o.Format.TEXT,
    no_color: o.NoColorOption = False,
) -> int:
    """Check what phift assumes of Azure in the workspace of a spec.

    Sends GET requests only: api-versions, VM sizes, prices, quota, roles, metrics, metadata of the registry. Exits with
    3 if a fact differs.
    """
    from phift import phases
    from phift.cli import outfile
    from phift.exits import ExitCode
    from phift.views import doctor as view

    if out is not None:
        outfile.require_writable(out, kind=outfile.JSON)
    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks)
    connect = connector(interactive=terminal.streams.terminal, tell=terminal.tell)
    found = phases.doctor(request, connect)
    recording = view.json(found)
    if out is not None:
        outfile.write_text(out, recording + "\n", outfile.JSON)
    if format is o.Format.JSON:
        terminal.print(recording)
    else:
        terminal.print(view.text(found, style=terminal.streams.out_style))
    if out is not None:
        terminal.tell(
            f"\nWrote the recording to {out}. It contains no ids, names or secrets; read it before you send it."
        )
    return ExitCode.DRIFT if found.differs else ExitCode.OK
