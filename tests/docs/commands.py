"""Commands as pages show them: what a shell would run, and whether phift has such a command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import typer
from blocks import ROOT

from phift.cli.app import app
from phift.errors import UsageError
from phift.startup import usage_error

__all__ = ["Shown", "inline_problem", "problems", "shown"]

_KEYWORDS = {"!", "if", "then", "else", "fi", "do", "done", "while", "{", "}", "time"}
_TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
_UsageError: Any = usage_error()
Shown = tuple[str, str]
"""A command, and the output that the page shows below it."""


def shown(text: str, language: str) -> list[Shown]:
    """The commands of a block: lines after `$ ` in a console, all lines in a script."""
    if language == "sh":
        return [(command, "") for command in _joined(text)]
    found: list[Shown] = []
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        end = next((n for n, line in enumerate(lines) if not line.rstrip("\n").endswith("\\")), 0) + 1
        found.append(("".join(lines[:end]).rstrip("\n"), "".join(lines[end:])))
    return found


def _joined(text: str) -> list[str]:
    """The lines of a script without comments, continued ones in one."""
    whole = re.sub(r"\\\n\s*", " ", text)
    return [line for line in whole.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def problems(command: str) -> list[str]:
    """What is wrong with a line of shell."""
    return [problem for words in _simple(command) if (problem := _problem(words))]


def _simple(command: str) -> Iterator[list[str]]:
    """The simple commands of a line, also those in `$(...)`."""
    for inner in re.findall(r"\$\(([^()]*)\)", command):
        yield from _simple(inner)
    lexer = shlex.shlex(re.sub(r"\\\n", " ", command), posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words: list[str] = []
    skipped = False
    for word in [*lexer, ";"]:
        if re.fullmatch(r"[|&;]+", word):
            if words:
                yield words
            words, skipped = [], False
        elif re.fullmatch(r"[<>&]+", word):
            skipped = True
        elif skipped:
            skipped = False
        elif words or not (re.match(r"[A-Za-z_]+=", word) or word in _KEYWORDS):
            words.append(word)


def _problem(words: list[str]) -> str:
    program = words[0]
    if program == "phift":
        return _misused(words[1:])
    if program == "make":
        return "".join(f"make has no target {name}" for name in words[1:] if name not in _TARGETS)
    return ""


def inline_problem(command: str) -> str:
    """What is wrong with a command in prose: it may leave out values, and name optional words as `[WORD]`."""
    plain = re.sub(r"\[[^\]]*\]", "", re.sub(r"\bN\b", "1", command))
    found = "; ".join(problems(plain))
    return "" if found.endswith("requires an argument.") or re.search(r"'[A-Z]+' is not one of", found) else found


def _misused(words: list[str]) -> str:
    """The usage error of a phift command, which is parsed and not run."""
    command: Any = typer.main.get_command(app)
    given = [word for word in words if word != "..."]
    parent, name = None, "phift"
    try:
        while True:
            context = command.make_context(name, given, parent=parent)
            if not hasattr(command, "list_commands"):
                return ""
            rest = [*getattr(context, "_protected_args", ()), *context.args]
            if not rest or rest[0] == "COMMAND":
                return ""
            name, command, given = command.resolve_command(context, rest)
            parent = context
    except typer.Exit:
        return ""
    except UsageError as error:
        # A page may name a command without its arguments.
        return "" if error.summary.startswith("SPEC is missing") else f"phift {shlex.join(words)}: {error}"
    except _UsageError as error:
        missing = type(error).__name__ in {"MissingParameter", "NoArgsIsHelpError"}
        return "" if missing else f"phift {shlex.join(words)}: {error}"
