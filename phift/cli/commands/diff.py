"""`phift diff`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.terminal import Terminal

_COMPARED = "Comparison options"
VERSION = "A version (2), NAME:VERSION, or a training job."


class DiffFormat(StrEnum):
    """Output formats of a comparison."""

    TEXT = "text"
    JSON = "json"
    MD = "md"


def diff(
    spec: o.SpecArgument,
    before: Annotated[str | None, typer.Argument(metavar="[A]", help=VERSION)] = None,
    after: Annotated[str | None, typer.Argument(metavar="[B]", help="What to compare with; same forms as A.")] = None,
    answers: Annotated[
        int,
        typer.Option(
            "--answers",
            min=0,
            metavar="N",
            help="Send N rows of the data to the deployments of both versions.",
            rich_help_panel=_COMPARED,
        ),
    ] = 0,
    no_data: Annotated[
        bool,
        typer.Option(
            "--no-data", help="Compare only the versions of the data, not its rows.", rich_help_panel=_COMPARED
        ),
    ] = False,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    format: Annotated[
        DiffFormat,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="text, json or md (pull requests).",
            rich_help_panel="Output options",
        ),
    ] = DiffFormat.TEXT,
    no_color: o.NoColorOption = False,
) -> int:
    """Compare two versions of the model: parameters, data, metrics, answers.

    Without A and B, compare the last two versions. Rows of data that are not cached on this machine are read from the
    workspace. --answers requires that both versions are deployed, and creates nothing.
    """
    from phift import phases
    from phift.views import json_compare, markdown_compare
    from phift.views.human import compare as text

    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks, tell=terminal.tell)
    connect = connector(interactive=terminal.streams.terminal, tell=terminal.tell)
    found = phases.version_diff(request, connect, before or "", after or "", rows=not no_data, answers=answers)
    match format:
        case DiffFormat.JSON:
            terminal.print(json_compare.version_diff(found))
        case DiffFormat.MD:
            terminal.print(markdown_compare.version_diff(found))
        case DiffFormat.TEXT:
            terminal.print(text.version_diff(found, style=terminal.streams.out_style))
    return 0
