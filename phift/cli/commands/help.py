"""`phift help`."""

from __future__ import annotations

from typing import Annotated

import typer


def help(
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COMMAND]...", help="A command, as in `data preview`. Default: phift."),
    ] = None,
) -> int:
    """Show the help of a command."""
    from phift.cli.app import app

    code = app(args=[*(command or ()), "--help"], prog_name="phift", standalone_mode=False)
    return int(code or 0)
