"""`phift metrics`."""

from __future__ import annotations

from typing import Annotated

import typer

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.terminal import Terminal
from phift.errors import UsageError


def metrics(
    spec: o.SpecArgument,
    before: Annotated[
        str | None, typer.Argument(metavar="[A]", help="A version (2), NAME:VERSION, or a training job.")
    ] = None,
    after: Annotated[str | None, typer.Argument(metavar="[B]", help="What to compare with; same forms as A.")] = None,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare", help="Compare two trainings: A and B, or the last two.", rich_help_panel="Comparison options"
        ),
    ] = False,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    format: o.FormatOption = o.Format.TEXT,
    no_color: o.NoColorOption = False,
) -> int:
    """Show the metrics of the training run, or compare two.

    Without A, the training run is that of the current spec. With --compare, the last and the best values of A and B are
    shown next to each other. The training of the current spec is the last one, also while it runs.
    """
    from phift import phases
    from phift.views import json
    from phift.views.human import metrics as text

    if after is not None and not compare:
        raise UsageError(
            "B requires --compare", remedy=f"Compare two trainings: phift metrics SPEC --compare {before} {after}"
        )
    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks)
    connect = connector(interactive=terminal.streams.terminal, tell=terminal.tell)
    if compare:
        from phift.views import json_compare
        from phift.views.human import compare as compared

        found = phases.metrics_comparison(request, connect, before or "", after or "")
        terminal.show(format, found, json_compare.metrics, compared.metrics)
        return 0
    measured = phases.metrics(request, connect, before or "")
    terminal.show(format, measured, json.metrics, text.render)
    return 0
