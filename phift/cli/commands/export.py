"""`phift export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phift.cli import options as o
from phift.cli.terminal import Terminal


def export(
    spec: o.SpecArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the files.")],
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    format: o.FormatOption = o.Format.TEXT,
    no_color: o.NoColorOption = False,
) -> int:
    """Write the stack as `az ml` YAML files, with a script that creates it without phift.

    Reads what `phift plan` reads, and prepares the rows that the script uploads. The files contain no secrets: the
    script takes them from its environment. Files of an earlier export are replaced unless they were edited; other
    files are never overwritten.
    """
    from phift import phases
    from phift.azure.sessions import connector
    from phift.cli.exportfolder import write_export
    from phift.views import export as views

    terminal = Terminal.of(no_color=no_color)
    connect = connector(interactive=terminal.streams.terminal, tell=terminal.tell)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks, tell=terminal.tell)
    found = phases.export(request, connect)
    names = write_export(out, found.stack, found.target, views.texts(found), views.copies(found), views.SCRIPT)
    terminal.show(format, views.Exported(found, out, names), views.exported_json, views.exported)
    return 0
