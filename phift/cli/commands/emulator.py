"""`phift emulator`: control the Azure ML emulator. Target `local` starts it automatically."""

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
from phift.cli.commands import weights
from phift.cli.help import Command, Group
from phift.cli.terminal import Terminal
from phift.errors import ApprovalError, UsageError

group = typer.Typer(
    name="emulator",
    cls=Group,
    help="Start, stop, inspect and reset the built-in Azure ML emulator.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)

group.add_typer(weights.group)


class Pace(StrEnum):
    """How long simulated operations take."""

    FAST = "fast"
    FAITHFUL = "faithful"


class Shell(StrEnum):
    """The shell syntax that `env` prints."""

    SH = "sh"
    FISH = "fish"


@group.command(cls=Command)
def start(
    port: Annotated[int | None, typer.Option("--port", metavar="N", help="Loopback port; remembered.")] = None,
    pace: Annotated[
        Pace | None, typer.Option("--pace", metavar="fast|faithful", help="How long operations take; remembered.")
    ] = None,
    speed: Annotated[
        float | None, typer.Option("--speed", min=1, metavar="N", help="Faithful pace, N times faster.")
    ] = None,
    noise: Annotated[
        bool | None,
        typer.Option(
            "--noise/--no-noise", help="Vary unknown fields, key order and letter case in responses; remembered."
        ),
    ] = None,
    idle: Annotated[
        str | None, typer.Option("--idle", metavar="TIME", help="Stop after this time without work: 30m, 8h.")
    ] = None,
) -> int:
    """Start the emulator in the background, unless it is already running."""
    from phift.emulator.host import lifecycle

    terminal = Terminal.of()
    if port is not None and (running := lifecycle.find()) and running.port != port:
        raise UsageError(
            f"the emulator is already running at {running.shown_url}", remedy="Stop it: phift emulator stop"
        )
    connection = ensure_emulator(terminal.tell, port=port, idle_seconds=o.parse_time(idle, "--idle") if idle else None)
    asked = {"pace": pace and pace.value, "speed": speed, "noise": noise}
    if settings := {name: value for name, value in asked.items() if value is not None}:
        lifecycle.request(connection, "PUT", "/settings", settings)
    terminal.print(f"Emulator running at {connection.shown_url} (process {connection.pid})")
    return 0


@group.command(cls=Command)
def stop() -> int:
    """Stop the emulator. Running jobs and deployments end; all other state is kept."""
    from phift.emulator.host import lifecycle

    Terminal.of().print("Emulator stopped." if lifecycle.stop() else "The emulator is not running.")
    return 0


@group.command(cls=Command)
def status(format: o.FormatOption = o.Format.TEXT) -> int:
    """Show whether the emulator is running, where, and what it contains."""
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
    requests: Annotated[bool, typer.Option("--requests", help="Print handled requests, as JSON lines.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, metavar="N", help="Number of lines.")] = 100,
) -> int:
    """Print the last lines of the emulator's log."""
    from phift.emulator.host import lifecycle

    daemon, answered = lifecycle.log_files()
    path = answered if requests else daemon
    if not path.is_file():
        raise UsageError(f"no log at {path} yet", remedy="Start the emulator: phift emulator start")
    with path.open(encoding="utf-8", errors="replace") as file:
        tail = deque(file, maxlen=lines)
    terminal = Terminal.of()
    for line in tail:
        terminal.print(line.rstrip("\n"))
    return 0


@group.command(cls=Command)
def reset(yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; delete everything.")] = False) -> int:
    """Delete all emulator state: jobs, models, data, computes. Names and certificates are kept."""
    from phift.emulator.host import lifecycle
    from phift.emulator.host.home import Home

    if not yes:
        raise ApprovalError(
            f"reset deletes every job, model, data asset and compute in {Home.locate()}",
            remedy="Confirm it: phift emulator reset --yes",
        )
    lifecycle.reset()
    Terminal.of().print(f"Reset {Home.locate()}")
    return 0


@group.command(cls=Command)
def env(
    shell: Annotated[
        Shell | None, typer.Option("--shell", metavar="sh|fish", help="Shell syntax to print. Default: that of $SHELL.")
    ] = None,
) -> int:
    """Print the environment variables that point Azure programs at the emulator.

    Usage: eval "$(phift emulator env)". The output contains the emulator's credential. Anyone who has it can run code
    as you: keep it secret.
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
    program: Annotated[list[str], typer.Argument(metavar="-- PROGRAM [ARGS]...", help="The program to run.")],
) -> int:
    """Run a program against the emulator instead of Azure ML.

    Example: phift emulator run -- python notebook.py
    """
    from phift.emulator.host import lifecycle

    connection = ensure_emulator(Terminal.of().tell)
    try:
        os.execvpe(program[0], program, {**os.environ, **lifecycle.environment(connection)})
    except OSError as error:
        raise UsageError(f"cannot run {program[0]}: {error.strerror}") from error
