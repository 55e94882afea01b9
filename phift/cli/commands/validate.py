"""`phift validate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phift.cli import options as o
from phift.cli.terminal import Terminal
from phift.errors import InvalidSpecError, UsageError

if TYPE_CHECKING:
    from phift.diagnostics import Diagnostic
    from phift.spec import LoadedSpec


def validate(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC...", help="YAML files, folders or globs.")],
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    max_stacks: o.MaxStacksOption = None,
    format: o.FormatOption = o.Format.TEXT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors and warnings.")] = False,
    no_color: o.NoColorOption = False,
) -> int:
    """Check specs without network access.

    Reports all errors of a file with their positions. Every combination of a matrix is checked.
    """
    from phift.spec import MAX_STACKS, expand, load_all
    from phift.views import json
    from phift.views.human import diagnostics as view

    terminal = Terminal.of(no_color=no_color)
    variables = o.parse_variables(var)
    results: list[dict[str, object]] = []
    most, count = max_stacks or MAX_STACKS, 0
    paths = expand(specs, most)
    several: list[Diagnostic] = []
    for spec in paths:
        made: list[LoadedSpec] = []
        try:
            made = load_all(
                spec,
                target=target,
                variables=variables,
                variable_files=var_file or (),
                allow_env=allow_env or (),
                max_stacks=most,
            )
            found = tuple(dict.fromkeys(warning for one in made for warning in one.warnings))
        except InvalidSpecError as error:
            found = error.diagnostics
        stacks = [one.stack for one in made]
        if (count := count + len(stacks)) > most:
            remedy = "Pass fewer specs, or raise the limit: --max-stacks N."
            raise UsageError(f"the specs define more than {most} stacks, the limit of one run", remedy=remedy)
        results.append(
            {"path": str(spec), "valid": bool(made), "stacks": stacks, "diagnostics": json.diagnostics(found)}
        )
        if format is o.Format.TEXT:
            if found:
                alone = len(paths) == 1 and not quiet
                terminal.streams.err.write(view.render(found, style=terminal.streams.err_style, explain=alone) + "\n")
                several += () if alone or quiet else found
            for one in made if not quiet else ():
                terminal.print(f"{spec}: valid (stack {one.stack}, target {one.target.name})")
    if more := view.hint(several):
        terminal.streams.err.write(f"\n{more}\n")
    valid = all(result["valid"] for result in results)
    if format is o.Format.JSON:
        terminal.print(json.document({"format_version": "1.0", "valid": valid, "specs": results}))
    return 0 if valid else InvalidSpecError.exit_code
