"""Help as plain text in sections, 80 columns wide, without loading rich."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import typer.core

from phift.startup import usage_error

__all__ = ["Command", "Group", "without"]

_OPTIONS = "Options"

_UsageError: Any = usage_error()


_SPECS = ("[SPEC]", "[SPEC|PLAN]", "[SPEC...]")
"""Metavars of arguments whose default is the spec of the current folder."""


class Command(typer.core.TyperCommand):
    """A command whose help lists options by panel."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; an option whose metavar is `[NAME]` may omit its value, which is then empty.

        The next word is its value only if all required arguments are present without it: in
        `logs --deployment SPEC`, SPEC is the argument.
        """
        parameters = self.get_params(ctx)
        args = _with_spec(args, parameters)
        options = [p for p in parameters if p.param_type_name == "option"]
        optional = {flag for p in options if str(p.metavar or "").startswith("[") for flag in p.opts}
        if not optional & set(args):
            return self._parsed(ctx, list(args))
        valued = {flag for p in options if not getattr(p, "is_flag", False) for flag in p.opts} - optional
        needed = sum(1 for p in parameters if p.param_type_name == "argument" and p.required)
        spare = _words(args, valued) - needed
        filled: list[str] = []
        for word, following in zip(args, [*args[1:], "-"], strict=True):
            filled.append(word)
            if word not in optional:
                continue
            if following.startswith("-") or spare <= 0:
                filled.append("")
            else:
                spare -= 1
        return self._parsed(ctx, filled)

    def _parsed(self, ctx: Any, args: list[str]) -> list[str]:
        """Attach the command to the error of an option without a value, which click raises without one."""
        try:
            return list(super().parse_args(ctx, args))
        except _UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return `[OPTIONS] SPEC`: each metavar unchanged, without typer's braces."""
        arguments = [_name(p) for p in self.get_params(ctx) if p.param_type_name == "argument"]
        return [*([self.options_metavar] if self.options_metavar else []), *arguments]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, one section per panel, then the options without a panel."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if parameter.param_type_name == "argument":
                sections.setdefault("Arguments", []).append((_name(parameter), getattr(parameter, "help", "") or ""))
            elif record := parameter.get_help_record(ctx):
                panel = getattr(parameter, "rich_help_panel", None) or _OPTIONS
                sections.setdefault(panel, []).append(record)
        for title in sorted(sections, key=lambda title: title == _OPTIONS):
            with formatter.section(title):
                formatter.write_dl(sections[title])


def without(*names: str) -> type[Command]:
    """Return a class of commands that leave out parameters of their function, which then have their defaults."""

    class Fewer(Command):
        def __init__(self, *given: Any, params: Sequence[Any] = (), **more: Any) -> None:
            super().__init__(*given, params=[one for one in params if one.name not in names], **more)

    return Fewer


class Group(typer.core.TyperGroup):
    """A group whose help lists commands by panel, each with its summary."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section per panel, in the order of the commands."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                panel = getattr(command, "rich_help_panel", None) or "Commands"
                said = command.short_help or (command.help or "").strip().partition("\n")[0]
                sections.setdefault(panel, []).append((name, said))
        # One width for all sections, so that they line up.
        wide = max((len(name) for rows in sections.values() for name, _ in rows), default=0)
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(wide), said) for name, said in rows])


def _name(parameter: Any) -> str:
    return str(parameter.metavar or parameter.human_readable_name)


def _with_spec(args: list[str], parameters: list[Any]) -> list[str]:
    """Return the arguments with the spec of the current folder if they name none.

    `invoke TEXT` and `outputs ADDRESS` omit it too: their first word is a spec only if it looks like one. Raises
    UsageError if the folder does not determine a spec.
    """
    arguments = [p for p in parameters if p.param_type_name == "argument"]
    if not arguments or arguments[0].metavar not in _SPECS or {"-h", "--help"} & set(args):
        return args
    options = [p for p in parameters if p.param_type_name == "option" and not getattr(p, "is_flag", False)]
    optional = {flag for p in options if str(p.metavar or "").startswith("[") for flag in p.opts}
    valued = {flag for p in options for flag in p.opts} - optional
    end = args.index("--") if "--" in args else len(args)
    places = [
        n
        for n, (word, before) in enumerate(zip(args, ["", *args], strict=False))
        if (n < end and (word == "-" or not word.startswith("-")) and before not in valued) or n > end
    ]
    free = [n for n in places if n == 0 or args[n - 1] not in optional]
    alone = len(arguments) == 1 and free
    if alone or len(places) >= len(arguments) > 1 or any(_is_spec(args[n]) for n in places):
        return args
    from phift.spec.default import default_spec

    first = free[0] if free else end
    return [*args[:first], str(default_spec()), *args[first:]]


def _is_spec(word: str) -> bool:
    """Return whether a word means a file, a folder or a glob rather than a text or an address."""
    if word.endswith((".yaml", ".yml", ".json")):
        return True
    try:
        return os.path.lexists(word)
    except ValueError:
        return False


def _words(args: list[str], valued: set[str]) -> int:
    """Count the words that are neither options nor option values."""
    end = args.index("--") if "--" in args else len(args)
    plain = [
        word
        for word, before in zip(args[:end], ["", *args], strict=False)
        if not word.startswith("-") and before not in valued
    ]
    return len(plain) + len(args[end + 1 :])
