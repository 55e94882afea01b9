"""The commands, in help order. A command is imported only when it runs or when all commands are listed."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from phift.cli.help import Group

__all__ = ["InterruptedCommand", "app"]

PANELS = {
    "Start": ("init",),
    "Plan and apply": ("plan", "apply", "destroy", "preflight", "expire", "ci"),
    "Specs and data": ("validate", "render", "lock", "import", "data", "export", "check", "schema", "explain"),
    "Endpoint": ("invoke", "outputs"),
    "Inspect": ("status", "drift", "history", "logs", "metrics", "diff", "report", "prices", "show", "doctor"),
    "Recover": ("force-unlock",),
    "Emulator": ("emulator",),
    "Help": ("help", "version", "completion"),
}
"""Command names by help heading. Each command is a module of phift.cli.commands."""

PANEL_OF = {name: panel for panel, names in PANELS.items() for name in names}

KEYWORDS = {"import": "import_"}
"""Names of modules and functions by command, for commands whose names are keywords of Python."""


class InterruptedCommand(Exception):
    """Ctrl-C ended the command before it wrote to the workspace."""


class Commands(Group):
    """A group that imports each command on first use."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return all names in help order."""
        return list(PANEL_OF)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command, or None if the name is unknown."""
        if cmd_name in PANEL_OF and cmd_name not in self.commands:
            self.commands[cmd_name] = _command(cmd_name, PANEL_OF[cmd_name])
        return self.commands.get(cmd_name)

    def invoke(self, ctx: Any) -> Any:
        """Raise InterruptedCommand on Ctrl-C: typer would return a bare exit code, which hides the interrupt."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise InterruptedCommand from None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Load all commands for an unknown name, so that the error suggests similar ones."""
        if args and args[0] not in PANEL_OF:
            for name in PANEL_OF:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="phift",
    help="Fine-tune and serve a language model on Azure Machine Learning, from one YAML file.",
    cls=Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


@app.callback()
def _phift(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Fine-tune and serve a language model on Azure Machine Learning, from one YAML file.

    `phift plan` shows the changes and the reason for each; `phift apply` makes them. Target `local` runs on this
    machine and needs no Azure account.
    """


def _command(name: str, panel: str) -> Any:
    from importlib import import_module

    from phift.cli.help import Command

    python = KEYWORDS.get(name) or name.replace("-", "_")
    module = import_module(f"phift.cli.commands.{python}")
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    if group := getattr(module, "group", None):
        alone = group
    else:
        alone.command(name, cls=Command, rich_help_panel=panel)(getattr(module, python))
    made: Any = typer.main.get_command(alone)
    made.rich_help_panel = panel
    return made
