"""Help as plain text in sections, 80 columns wide, without loading rich."""

from __future__ import annotations

from typing import Any

import typer.core

from phift.startup import usage_error

__all__ = ["Command", "Group"]

_OPTIONS = "Options"

_UsageError: Any = usage_error()


class Command(typer.core.TyperCommand):
    """A command whose help lists options by panel."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; an option whose metavar is `[NAME]` may omit its value, which is then empty.

        The next word is its value only if all required arguments are present without it: in
        `logs --deployment SPEC`, SPEC is the argument.
        """
        parameters = self.get_params(ctx)
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


def _words(args: list[str], valued: set[str]) -> int:
    """Count the words that are neither options nor option values."""
    end = args.index("--") if "--" in args else len(args)
    plain = [
        word
        for word, before in zip(args[:end], ["", *args], strict=False)
        if not word.startswith("-") and before not in valued
    ]
    return len(plain) + len(args[end + 1 :])
