"""The commands, in the order of their use. Each is imported when it is the one that runs, or for a list of all."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from phift.cli.help import Group

__all__ = ["InterruptedCommand", "app"]

PANELS = {
    "Change the workspace": ("plan", "apply", "destroy"),
    "Look at the spec": ("validate", "render", "lock", "data", "explain"),
    "Use the endpoint": ("invoke", "outputs"),
    "Look at what there is": ("status", "drift", "history", "logs", "metrics", "show"),
    "Mend": ("force-unlock",),
    "Without a cloud account": ("emulator",),
}
"""The names of the commands by the heading they stand under; each is a module of phift.cli.commands."""

PANEL_OF = {name: panel for panel, names in PANELS.items() for name in names}


class InterruptedCommand(Exception):
    """A command that Ctrl-C ended before it wrote to the workspace."""


class Commands(Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the help."""
        return list(PANEL_OF)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, or None when there is none of that name."""
        if cmd_name in PANEL_OF and cmd_name not in self.commands:
            self.commands[cmd_name] = _command(cmd_name, PANEL_OF[cmd_name])
        return self.commands.get(cmd_name)

    def invoke(self, ctx: Any) -> Any:
        """As ever; typer would make a bare exit code of an interrupt, with which nobody could say what it left."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise InterruptedCommand from None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As ever; a name that is none is answered with those that are near."""
        if args and args[0] not in PANEL_OF:
            for name in PANEL_OF:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="phift",
    help="Fine-tune a language model on Azure Machine Learning and serve it, from one YAML file.",
    cls=Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


@app.callback()
def _phift(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Fine-tune a language model on Azure Machine Learning and serve it, from one YAML file.

    phift plan shows what would be done and why; phift apply does it. Target local needs no account.
    """


def _command(name: str, panel: str) -> Any:
    from importlib import import_module

    from phift.cli.help import Command

    python = name.replace("-", "_")
    module = import_module(f"phift.cli.commands.{python}")
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    if group := getattr(module, "group", None):
        alone = group
    else:
        alone.command(name, cls=Command, rich_help_panel=panel)(getattr(module, python))
    made: Any = typer.main.get_command(alone)
    made.rich_help_panel = panel
    return made
