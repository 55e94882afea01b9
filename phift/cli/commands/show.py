"""`phift show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phift.cli import options as o
from phift.cli.terminal import Terminal
from phift.views.base import PlanOptions


def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A plan saved with `phift plan --out`.")],
    format: o.PlanFormatOption = o.PlanFormat.TEXT,
    summary: o.SummaryOption = False,
    show_unchanged: o.ShowUnchangedOption = False,
    show_suppressed: o.ShowSuppressedOption = False,
    no_color: o.NoColorOption = False,
) -> int:
    """Show a saved plan, even if it is stale."""
    from phift.cli import planfile
    from phift.cli.views import plan_view

    if summary:
        o.refuse("--summary", {"--show-unchanged": show_unchanged, "--show-suppressed": show_suppressed})
    terminal = Terminal.of(no_color=no_color)
    plan = planfile.read_plan(file)
    view = plan_view(format)
    terminal.print(
        view(
            plan,
            PlanOptions(terminal.streams.out_style, summary, show_unchanged, show_suppressed),
        )
    )
    return 0
