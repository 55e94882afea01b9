"""The commands, in the order of their use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from phift.cli.commands import emulator
from phift.cli.commands.apply import apply
from phift.cli.commands.destroy import destroy
from phift.cli.commands.invoke import invoke
from phift.cli.commands.lock import lock
from phift.cli.commands.logs import logs
from phift.cli.commands.metrics import metrics
from phift.cli.commands.plan import plan
from phift.cli.commands.render import render
from phift.cli.commands.show import show
from phift.cli.commands.status import status
from phift.cli.commands.validate import validate
from phift.cli.help import Command, Group

__all__ = ["app"]

app = typer.Typer(
    name="phift",
    help="Fine-tune a language model on Azure Machine Learning and serve it, from one YAML file.",
    cls=Group,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)

_PANELS: dict[str, tuple[Callable[..., int], ...]] = {
    "Change the workspace": (plan, apply, destroy),
    "Look at the spec": (validate, render, lock),
    "Use the endpoint": (invoke,),
    "Look at what there is": (status, logs, metrics, show),
}

for _panel, _commands in _PANELS.items():
    for _command in _commands:
        app.command(cls=Command, rich_help_panel=_panel)(_command)
app.add_typer(emulator.group, rich_help_panel="Without a cloud account")


@app.callback()
def _phift(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Fine-tune a language model on Azure Machine Learning and serve it, from one YAML file.

    phift plan shows what would be done and why; phift apply does it. Target local needs no account.
    """
