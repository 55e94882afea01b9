"""`phift render`."""

from __future__ import annotations

from phift.cli import options as o
from phift.cli.terminal import Terminal


def render(
    spec: o.SpecArgument,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    format: o.FormatOption = o.Format.TEXT,
) -> int:
    """Print the final spec, and where each value came from.

    Templates and target are applied. The text is YAML again; the origins are its comments.
    """
    from phift import spec as specs

    loaded = specs.load(spec, target=target, variables=o.parse_variables(var), variable_files=var_file or ())
    if format is o.Format.JSON:
        from phift.views import json

        Terminal.of().print(json.rendered(loaded))
    else:
        Terminal.of().print(specs.render_yaml(loaded).rstrip("\n"))
    return 0
