"""`phift lock`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.terminal import Terminal
from phift.errors import RefusedError


def lock(
    spec: o.SpecArgument,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    upgrade: Annotated[bool, typer.Option("--upgrade", help="Update pins to the newest versions.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Run data.checks and pin the results.")] = False,
    format: o.FormatOption = o.Format.TEXT,
    no_color: o.NoColorOption = False,
) -> int:
    """Create or update phift.lock.

    Pins the versions of base model, component and data assets, the model's default values, the commits of hub data
    and the content of remote data. Apply never retrains because an unpinned version moved; it does after an --upgrade
    that changes the job's inputs. With --check it also reads the rows, and exits with 4 if data.checks rejects them.
    """
    from phift import phases
    from phift.views import json
    from phift.views.human import lock as text

    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks, tell=terminal.tell)
    request = replace(request, fetch=True)
    connect = connector(interactive=terminal.streams.terminal, tell=terminal.tell)
    report = phases.lock(request, connect, upgrade=upgrade, check=check)
    terminal.show(format, report, json.lock, text.render)
    return RefusedError.exit_code if report.refused else 0
