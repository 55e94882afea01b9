"""`phift validate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phift.cli import options as o
from phift.cli.terminal import Terminal
from phift.errors import InvalidSpecError


def validate(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC...", help="The YAML files to check.")],
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    format: o.FormatOption = o.Format.TEXT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing of what is valid.")] = False,
    no_color: o.NoColorOption = False,
) -> int:
    """Check specs, without a network.

    Every error of a file is told at once, with its place.
    """
    from phift.spec import load
    from phift.views import json
    from phift.views.human import diagnostics as view

    terminal = Terminal.of(no_color=no_color)
    variables = o.parse_variables(var)
    results: list[dict[str, object]] = []
    for spec in specs:
        said = ""
        try:
            loaded = load(spec, target=target, variables=variables, variable_files=var_file or ())
            found, valid = loaded.warnings, True
            said = f"{spec}: valid (stack {loaded.stack}, target {loaded.target.name})"
        except InvalidSpecError as error:
            found, valid = error.diagnostics, False
        results.append({"path": str(spec), "valid": valid, "diagnostics": json.diagnostics(found)})
        if format is o.Format.TEXT:
            if found:
                terminal.streams.err.write(view.render(found, style=terminal.streams.err_style) + "\n")
            if said and not quiet:
                terminal.print(said)
    valid = all(result["valid"] for result in results)
    if format is o.Format.JSON:
        terminal.print(json.document({"format_version": "1.0", "valid": valid, "specs": results}))
    return 0 if valid else InvalidSpecError.exit_code
