"""`phift explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from phift.cli import options as o
from phift.cli.terminal import Terminal
from phift.diagnostics import nearest
from phift.errors import UsageError


def explain(
    code: Annotated[
        str, typer.Argument(metavar="[CODE]", help="The code, as in `error[CODE]: ...`. Default: list all codes.")
    ] = "",
    format: o.FormatOption = o.Format.TEXT,
    no_color: o.NoColorOption = False,
) -> int:
    """Explain a diagnostic code: what it means, why phift checks it, how to fix it."""
    from phift.explain import explanations
    from phift.views import json

    terminal = Terminal.of(no_color=no_color)
    known = explanations()
    if code and code not in known:
        near = nearest(code, known, cutoff=0.7)
        remedy = f"Did you mean {near}?" if near else "List all codes: phift explain"
        raise UsageError(f"unknown diagnostic code {code!r}", remedy=remedy)
    if format is o.Format.JSON:
        terminal.print(json.explained([known[code]] if code else known.values()))
        return 0
    from phift.views.human import explain as text

    style = terminal.streams.out_style
    terminal.print(text.render(known[code], style=style) if code else text.listing(known.values(), style=style))
    return 0
