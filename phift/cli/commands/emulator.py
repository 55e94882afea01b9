"""`phift emulator`: the embedded Azure ML by hand. Target `local` starts it by itself."""

from __future__ import annotations

import os
import shlex
from collections import deque
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from phift.azure.sessions import ensure_emulator
from phift.cli import options as o
from phift.cli.help import Command, Group
from phift.cli.terminal import Terminal
from phift.errors import ApprovalError, UsageError

group = typer.Typer(
    name="emulator",
    cls=Group,
    help="The Azure ML embedded in phift: start, stop, look into, reset.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


class Pace(StrEnum):
    """How long operations take."""

    FAST = "fast"
    FAITHFUL = "faithful"


class Shell(StrEnum):
    """Whose words `env` speaks."""

    SH = "sh"
    FISH = "fish"


@group.command(cls=Command)
def start(
    port: Annotated[int | None, typer.Option("--port", metavar="N", help="Loopback port; kept for later.")] = None,
    pace: Annotated[
        Pace | None, typer.Option("--pace", metavar="fast|faithful", help="How long operations take; kept for later.")
    ] = None,
    speed: Annotated[
        float | None, typer.Option("--speed", min=1, metavar="N", help="The faithful pace, N times faster.")
    ] = None,
    noise: Annotated[
        bool | None,
        typer.Option("--noise/--no-noise", help="Unknown fields, other orders, other cases; kept for later."),
    ] = None,
    idle: Annotated[
        str | None, typer.Option("--idle", metavar="TIME", help="Stop after so long without work: 30m, 8h.")
    ] = None,
) -> int:
    """Start it in the background, or find the one that runs."""
    from phift.emulator.host import lifecycle

    terminal = Terminal.of()
    if port is not None and (running := lifecycle.find()) and running.port != port:
        raise UsageError(f"it runs already, at {running.shown_url}", remedy="phift emulator stop")
    connection = ensure_emulator(terminal.tell, port=port, idle_seconds=o.parse_time(idle, "--idle") if idle else None)
    asked = {"pace": pace and pace.value, "speed": speed, "noise": noise}
    if settings := {name: value for name, value in asked.items() if value is not None}:
        lifecycle.request(connection, "PUT", "/settings", settings)
    terminal.print(f"Embedded Azure ML runs at {connection.shown_url} (process {connection.pid})")
    return 0


@group.command(cls=Command)
def stop() -> int:
    """Stop it. Running jobs and deployments end; everything else is kept."""
    from phift.emulator.host import lifecycle

    Terminal.of().print("Stopped." if lifecycle.stop() else "It was not running.")
    return 0


@group.command(cls=Command)
def status(format: o.FormatOption = o.Format.TEXT) -> int:
    """Show whether it runs, where, and what it holds."""
    from phift.emulator.host import lifecycle
    from phift.emulator.host.home import Home
    from phift.views import json
    from phift.views.human import emulator as text

    found = lifecycle.status()
    if format is o.Format.JSON:
        body: dict[str, Any] = {"format_version": "1.0", "running": found is not None, "home": str(Home.locate())}
        Terminal.of().print(json.document(body | (found or {})))
    else:
        Terminal.of().print(text.status(found, Home.locate()))
    return 0


@group.command(cls=Command)
def logs(
    requests: Annotated[bool, typer.Option("--requests", help="The requests it answered, as JSON lines.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, metavar="N", help="So many from the end.")] = 100,
) -> int:
    """Print the end of its log."""
    from phift.emulator.host import lifecycle

    daemon, answered = lifecycle.log_files()
    path = answered if requests else daemon
    if not path.is_file():
        raise UsageError(f"there is no log at {path} yet", remedy="phift emulator start")
    with path.open(encoding="utf-8", errors="replace") as file:
        tail = deque(file, maxlen=lines)
    terminal = Terminal.of()
    for line in tail:
        terminal.print(line.rstrip("\n"))
    return 0


@group.command(cls=Command)
def reset(yes: Annotated[bool, typer.Option("--yes", "-y", help="Yes, remove it all.")] = False) -> int:
    """Empty it: jobs, models, data, computes. Names and certificates stay."""
    from phift.emulator.host import lifecycle
    from phift.emulator.host.home import Home

    if not yes:
        raise ApprovalError(
            f"this removes every job, model, data asset and compute in {Home.locate()}",
            remedy="Say so: phift emulator reset --yes",
        )
    lifecycle.reset()
    Terminal.of().print(f"Emptied {Home.locate()}")
    return 0


@group.command(cls=Command)
def env(
    shell: Annotated[
        Shell | None, typer.Option("--shell", metavar="sh|fish", help="Whose words; else those of $SHELL.")
    ] = None,
) -> int:
    """Print the variables that point any Azure program at it.

    Use it as: eval "$(phift emulator env)". The output contains the credential of this emulator. Whoever has it can run
    code as you: keep it secret.
    """
    from phift.emulator.host import lifecycle

    terminal = Terminal.of()
    fish = shell is Shell.FISH or (shell is None and Path(os.environ.get("SHELL", "")).name == "fish")
    for name, value in lifecycle.environment(ensure_emulator(terminal.tell)).items():
        quoted = shlex.quote(value)
        terminal.print(f"set -gx {name} {quoted};" if fish else f"export {name}={quoted}")
    return 0


@group.command(cls=Command, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def run(
    program: Annotated[list[str], typer.Argument(metavar="-- PROGRAM [ARGS]...", help="What to run.")],
) -> int:
    """Run a program that uses Azure ML against it.

    Such as: phift emulator run -- python notebook.py
    """
    from phift.emulator.host import lifecycle

    connection = ensure_emulator(Terminal.of().tell)
    try:
        os.execvpe(program[0], program, {**os.environ, **lifecycle.environment(connection)})
    except OSError as error:
        raise UsageError(f"cannot run {program[0]}: {error.strerror}") from error
