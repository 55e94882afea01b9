"""`phift metrics`."""

from __future__ import annotations

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.terminal import Terminal


def metrics(
    spec: o.SpecArgument,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    format: o.FormatOption = o.Format.TEXT,
    no_color: o.NoColorOption = False,
) -> int:
    """Show the metrics of the training run."""
    from phift import phases
    from phift.views import json
    from phift.views.human import metrics as text

    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks)
    measured = phases.metrics(request, connector(interactive=terminal.streams.terminal, tell=terminal.tell))
    terminal.show(format, measured, json.metrics, text.render)
    return 0
