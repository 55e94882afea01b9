"""`phift drift`."""

from __future__ import annotations

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.terminal import Terminal
from phift.exits import ExitCode


def drift(
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
    """Show changes made outside phift since the last apply.

    Exits with 3 if there is drift, or if a running job exceeds its time limit. Spec changes that are not applied yet
    are listed separately and do not count as drift. Writes nothing, neither to the workspace nor next to the spec.
    """
    from phift import phases
    from phift.views import json
    from phift.views.human import drift as text

    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks)
    found = phases.drift(request, connector(interactive=terminal.streams.terminal, tell=terminal.tell))
    terminal.show(format, found, json.drift, text.render)
    return ExitCode.DRIFT if found.outside or found.overdue else 0
