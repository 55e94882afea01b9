"""`phift status`."""

from __future__ import annotations

from typing import Annotated

import typer

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.terminal import Terminal
from phift.errors import RefusedError


def status(
    spec: o.SpecArgument,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    format: o.FormatOption = o.Format.TEXT,
    all: Annotated[
        bool,
        typer.Option(
            "--all",
            help="List what is billed while nobody watches, and stacks with no matching spec; SPEC may be a folder.",
        ),
    ] = False,
    no_color: o.NoColorOption = False,
) -> int:
    """Show the current state of the stack."""
    from phift import phases
    from phift.views import json
    from phift.views.human import status as text

    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks)
    connect = connector(interactive=terminal.streams.terminal, tell=terminal.tell)
    if all:
        from functools import partial

        from phift.cli.many import several
        from phift.views import several as documents
        from phift.views.human import many

        requests = several(request) or [request]
        listed, watched = phases.forgotten(requests, connect), phases.unwatched_stacks(requests, connect)
        terminal.show(
            format, listed, partial(documents.forgotten, watched=watched), partial(many.forgotten, watched=watched)
        )
        return RefusedError.exit_code if any(one.mistaken for one in listed) else 0
    found = phases.status(request, connect)
    terminal.show(format, found, json.status, text.render)
    return 0
