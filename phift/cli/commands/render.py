"""`phift render`."""

from __future__ import annotations

from phift.cli import options as o
from phift.cli.terminal import Terminal


def render(
    spec: o.SpecArgument,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    max_stacks: o.MaxStacksOption = None,
    format: o.FormatOption = o.Format.TEXT,
) -> int:
    """Print the rendered spec and the origin of each value.

    Resolves templates and the target, and adds the model and component defaults pinned in phift.lock. The output is
    YAML, with origins as comments.
    """
    from phift import spec as specs
    from phift.defaults import defaults_of

    loaded = specs.load(
        spec,
        target=target,
        variables=o.parse_variables(var),
        variable_files=var_file or (),
        allow_env=allow_env or (),
        max_stacks=max_stacks or specs.MAX_STACKS,
    )
    defaults = defaults_of(loaded)
    if format is o.Format.JSON:
        from phift.views import json

        Terminal.of().print(json.rendered(loaded, defaults.values, defaults.notes))
    else:
        notes = "".join(f"# {note}\n" for note in defaults.notes)
        Terminal.of().print(notes + specs.render_yaml(loaded, defaults.values).rstrip("\n"))
    return 0
