"""`phift validate`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phift.cli import options as o
from phift.cli.terminal import Terminal
from phift.errors import InvalidSpecError
from phift.exits import ExitCode

if TYPE_CHECKING:
    from phift.diagnostics import Diagnostic
    from phift.phases.validate_specs import Validated


def validate(
    specs: Annotated[list[Path], typer.Argument(metavar="[SPEC...]", help="YAML files, folders or globs.")],
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    no_data: Annotated[
        bool, typer.Option("--no-data", help="Do not read local data.", rich_help_panel="Spec options")
    ] = False,
    format: o.ValidateFormatOption = o.ValidateFormat.TEXT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors and warnings.")] = False,
    no_color: o.NoColorOption = False,
) -> int:
    """Check specs without network access.

    Reports all errors of a file with their positions: of the file, of its parameters and VM sizes, and of all rows of
    local data. Parameters are checked against the inputs that phift.lock pins, otherwise against a dated catalogue.
    Every combination of a matrix is checked, and that no two specs define the same stack.
    """
    from phift.phases.validate_specs import validate as validated
    from phift.spec import MAX_STACKS, expand

    terminal = Terminal.of(no_color=no_color)
    variables = o.parse_variables(var)
    o.require_folder(data_root)
    most = max_stacks or MAX_STACKS
    paths = expand(specs, most)
    results = validated(
        paths,
        target=target,
        variables=variables,
        variable_files=var_file or (),
        allow_env=allow_env or (),
        max_stacks=most,
        data=not no_data,
        data_root=data_root,
    )
    found = list(_shown(results, terminal, quiet=quiet, alone=len(paths) == 1, text=format is o.ValidateFormat.TEXT))
    code = ExitCode.OK if all(one.valid for one in found) else InvalidSpecError.exit_code
    if format is not o.ValidateFormat.TEXT and (document := _document(found, format, code)):
        terminal.print(document)
    return code


def _shown(
    results: Iterable[Validated], terminal: Terminal, *, quiet: bool, alone: bool, text: bool
) -> Iterator[Validated]:
    """Yield the results, each as text on the terminal when it is there."""
    from phift.views.human import diagnostics as view

    several: list[Diagnostic] = []
    for one in results:
        yield one
        if not text:
            continue
        if one.diagnostics:
            style = terminal.streams.err_style
            shown = view.render(one.diagnostics, style=style, explain=alone and not quiet)
            terminal.streams.err.write(shown + "\n")
            several += () if alone or quiet else one.diagnostics
        for stack in one.loaded if one.valid and not quiet else ():
            terminal.print(f"{one.path}: valid (stack {stack.stack}, target {stack.target.name})")
    if more := view.hint(several):
        terminal.streams.err.write(f"\n{more}\n")


def _document(found: Sequence[Validated], format: o.ValidateFormat, code: ExitCode) -> str:
    if format is o.ValidateFormat.JSON:
        from phift.views import json

        specs = [
            {
                "path": str(one.path),
                "valid": one.valid,
                "stacks": one.stacks,
                "diagnostics": json.diagnostics(one.diagnostics),
            }
            for one in found
        ]
        return json.document({"format_version": "1.0", "valid": all(one.valid for one in found), "specs": specs})
    from phift.views.findings import of_diagnostics

    findings = of_diagnostics(diagnostic for one in found for diagnostic in one.diagnostics)
    if format is o.ValidateFormat.GITHUB:
        from phift.views.github import annotated

        return annotated(findings)
    from phift.views.sarif import log

    return log(findings, code)
