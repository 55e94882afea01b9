"""docs/reference/cli.md: every command with its arguments and options, from the commands themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import typer

from phift.cli.app import PANELS, app

__all__ = ["commands", "page"]

_HEAD = """\
# CLI reference

<!-- Generated: python -m docs.generate -->

`phift COMMAND --help` prints the same in a terminal. [Commands](../commands.md) says when to use which;
[exit codes](exit-codes.md) what a command ends with.
"""


def page() -> str:
    """Return the content of docs/reference/cli.md."""
    listed = list(commands())
    parts = [_HEAD]
    for panel, names in PANELS.items():
        links = " · ".join(f"[{name}](#{_anchor(f'phift {name}')})" for name in names)
        parts.append(f"**{panel}**: {links}\n")
    for path, command, context in listed:
        parts += _command(path, command, context)
    return "\n".join(parts)


def commands() -> Iterator[tuple[str, Any, Any]]:
    """Yield every command and group: its path, as in `phift data stats`, the command, and its context."""
    root: Any = typer.main.get_command(app)
    context = root.context_class(root, info_name="phift")
    for names in PANELS.values():
        for name in names:
            yield from _below(name, root.get_command(context, name), context)


def _below(name: str, command: Any, parent: Any) -> Iterator[tuple[str, Any, Any]]:
    context = command.context_class(command, info_name=name, parent=parent)
    yield context.command_path, command, context
    if hasattr(command, "list_commands"):
        for inner in command.list_commands(context):
            yield from _below(inner, command.get_command(context, inner), context)


def _command(path: str, command: Any, context: Any) -> list[str]:
    level = "##" if path.count(" ") == 1 else "###"
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    parts = [f"{level} {path}\n", f"{_text(command.help)}\n", f"Usage: `{usage}`\n"]
    rows: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(context):
        if parameter.param_type_name == "argument":
            rows.setdefault("Arguments", []).append(
                (str(parameter.metavar or parameter.human_readable_name), getattr(parameter, "help", "") or "")
            )
        elif record := parameter.get_help_record(context):
            panel = getattr(parameter, "rich_help_panel", None) or "Options"
            rows.setdefault(panel, []).append(record)
    for panel in sorted(rows, key=lambda title: (title != "Arguments", title == "Options")):
        parts.append(f"| {panel.lower().removesuffix(' options') if panel != 'Options' else 'other'} | |\n|---|---|")
        parts += [f"| `{_cell(name)}` | {_cell(_text(text))} |" for name, text in rows[panel]]
        parts.append("")
    return parts


def _text(text: str | None) -> str:
    """Paragraphs of a help text, each in one line."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(text or "").replace("\b", ""))
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;") if "`" not in text else text.replace("|", "\\|")


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")
