"""`phift outputs`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.terminal import Terminal
from phift.errors import UsageError


def outputs(
    spec: o.SpecArgument,
    key: Annotated[
        str | None,
        typer.Argument(metavar="[ADDRESS[.KEY]]", help="Print only this output, e.g. endpoint.main.scoring_uri."),
    ] = None,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
) -> int:
    """Print names, versions and URIs of the stack's resources, for scripts.

    Prints JSON keyed by resource address. ADDRESS.KEY prints the bare value.
    """
    from phift import phases
    from phift.views import json

    terminal = Terminal.of()
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks)
    found = phases.outputs(request, connector(interactive=terminal.streams.terminal, tell=terminal.tell))
    wanted = pick(found, key) if key else found
    terminal.print_raw(wanted if isinstance(wanted, str) else json.document(wanted))
    return 0


def pick(found: dict[str, dict[str, Any]], key: str) -> Any:
    """Return the value of `ADDRESS` or `ADDRESS.KEY`. Raises UsageError that lists the available outputs."""
    if key in found:
        return found[key]
    address = max((a for a in found if key.startswith(f"{a}.")), key=len, default="")
    name = key.removeprefix(f"{address}.")
    if address and name in found[address]:
        return found[address][name]
    known = [f"{address}.{name}" for name in found[address]] if address else list(found)
    raise UsageError(
        f"unknown output {key}",
        remedy=f"Available outputs: {', '.join(known)}." if known else "The stack has no resources in the workspace.",
    )
