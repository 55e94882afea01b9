"""`phift invoke`."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.terminal import Terminal
from phift.errors import UsageError

_ASK = "Input options"


def invoke(
    spec: o.SpecArgument,
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="A user message.")] = None,
    sample: Annotated[
        int | None,
        typer.Option("--sample", min=1, metavar="N", help="Send N rows of the data.", rich_help_panel=_ASK),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", metavar="FILE", help="Send this JSON body unchanged; - reads stdin.", rich_help_panel=_ASK
        ),
    ] = None,
    chat: Annotated[
        bool,
        typer.Option("--chat", help="Hold a conversation, or answer the lines of stdin.", rich_help_panel=_ASK),
    ] = False,
    system: Annotated[
        str, typer.Option("--system", metavar="TEXT", help="The system prompt of --chat.", rich_help_panel=_ASK)
    ] = "",
    deployment: Annotated[
        str, typer.Option("--deployment", metavar="NAME", help="Send to this deployment, bypassing the traffic split.")
    ] = "",
    key: Annotated[bool, typer.Option("--key", help="Print the endpoint's key or token and exit.")] = False,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document.", rich_help_panel="Output options")
    ] = False,
    no_color: o.NoColorOption = False,
) -> int:
    """Send requests to the endpoint.

    TEXT is sent as one user message, and only the answer is printed to stdout. Sampled rows are shown with the ground
    truth next to each answer. Generation parameters are those of the spec's first test. In a chat, /help lists the
    commands.
    """
    from phift import phases
    from phift.views import json as documents
    from phift.views.human import invoke as view
    from phift.views.human.values import note

    ways = {"TEXT": text is not None, "--sample": sample, "--file": file, "--chat": chat, "--key": key}
    given = [name for name, content in ways.items() if content]
    if len(given) != 1:
        said = f"{' and '.join(given)} cannot be used together" if given else "nothing to send"
        raise UsageError(said, remedy="Pass exactly one of: TEXT, --sample N, --file FILE, --chat, --key.")
    if system and not chat:
        raise UsageError("--system requires --chat")
    if chat:
        o.refuse("--chat", {"--json": json}, remedy="In a chat, /save FILE.jsonl writes the conversation as JSON.")
    if key:
        o.refuse("--key", {"--deployment": deployment, "--json": json})
    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks)
    connect = connector(interactive=terminal.streams.terminal, tell=terminal.tell)
    if key:
        terminal.print(phases.endpoint_key(request, connect))
        return 0
    if chat:
        from phift.cli.chat import converse

        return converse(phases.open_chat(request, connect, system=system, deployment=deployment), terminal)
    body = _body(file) if file else None
    answers = phases.invoke(request, connect, text=text or "", sample=sample or 0, body=body, deployment=deployment)
    if json:
        terminal.print(documents.answers([a.to_dict() for a in answers]))
    elif sample:
        terminal.print(view.table([a.to_dict() for a in answers], style=terminal.streams.out_style))
    else:
        for answer in answers:
            terminal.print_raw(view.answer(answer.answer))
            terminal.tell(view.took(answer.seconds, style=terminal.streams.err_style))
            if answer.note:
                terminal.tell(note(answer.note, terminal.streams.err_style))
    return 0


def _body(file: Path) -> Any:
    """Read a request from a file. Raises UsageError if it is not readable or not JSON."""
    try:
        content = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    try:
        return jsons.loads(content)
    except (ValueError, RecursionError) as error:
        remedy = '{"input_data": {"input_string": [{"role": "user", "content": "..."}], "parameters": {}}}'
        raise UsageError(f"{file} is not JSON: {error}", remedy=f"Example: {remedy}") from error
