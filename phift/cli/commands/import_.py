"""`phift import`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from phift.cli import options as o
from phift.cli.terminal import Terminal
from phift.errors import UsageError
from phift.workspace import WorkspaceId

_WORKSPACE = "Workspace options"
_NO_WORKSPACE = "no workspace configured"
_CHOOSE = (
    "Pass --subscription, --resource-group and --workspace, set AZURE_SUBSCRIPTION_ID, AZURE_RESOURCE_GROUP and "
    "AZURE_WORKSPACE_NAME, download config.json from the workspace's page in the portal, "
    "or pass --target local for the emulator."
)


def import_(
    endpoint: Annotated[
        str | None, typer.Argument(metavar="ENDPOINT", help="Name of the endpoint to import.", show_default=False)
    ] = None,
    job: Annotated[
        str | None,
        typer.Option("--job", metavar="NAME", help="Write a draft from this fine-tuning job instead."),
    ] = None,
    deployment: Annotated[
        str | None,
        typer.Option("--deployment", metavar="NAME", help="Its deployment. Default: the one with most traffic."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME", help="Name of the stack. Default: that of the endpoint or the base model."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="File to write. Default: NAME.yaml.")
    ] = None,
    subscription: Annotated[
        str | None,
        typer.Option("--subscription", metavar="ID", help="Azure subscription.", rich_help_panel=_WORKSPACE),
    ] = None,
    resource_group: Annotated[
        str | None,
        typer.Option("--resource-group", metavar="NAME", help="Azure resource group.", rich_help_panel=_WORKSPACE),
    ] = None,
    workspace: Annotated[
        str | None,
        typer.Option("--workspace", metavar="NAME", help="Name of the workspace.", rich_help_panel=_WORKSPACE),
    ] = None,
    target: Annotated[
        str,
        typer.Option(
            "--target",
            "-t",
            metavar="NAME",
            help="Name of the target in the spec; local: the emulator.",
            rich_help_panel=_WORKSPACE,
        ),
    ] = "azure",
    no_color: o.NoColorOption = False,
) -> int:
    """Write a spec of an endpoint that exists, or of a training job.

    The spec of an endpoint serves the model of its deployment, with the settings of both. Its first apply takes
    ownership and changes nothing else; the deployment keeps its name until a change requires a new one. The spec of a
    job is a draft with its data, base model and parameters: applying it trains. The workspace is that of the options,
    of the AZURE_* variables, or of config.json. Existing files are not overwritten.
    """
    if (endpoint is None) == (job is None):
        raise UsageError("pass either ENDPOINT or --job NAME", remedy="Example: phift import my-endpoint")
    if job is not None:
        o.refuse("--job", {"--deployment": deployment})
    from phift import phases
    from phift.azure.sessions import open_workspace
    from phift.views.human import imported as view

    terminal = Terminal.of(no_color=no_color)
    local = target == phases.LOCAL
    given = {"--subscription": subscription, "--resource-group": resource_group, "--workspace": workspace}
    place = _workspace(given, local=local)
    try:
        azure = open_workspace(place, local=local, interactive=terminal.streams.terminal, tell=terminal.tell)
    except UsageError as error:
        if error.summary != _NO_WORKSPACE:
            raise
        raise UsageError(_NO_WORKSPACE, remedy=_CHOOSE) from None
    if endpoint is not None:
        found = phases.import_endpoint(azure, endpoint, deployment=deployment, name=name, target=target)
    else:
        found = phases.import_job(azure, str(job), name=name, target=target)
    path = out or Path(f"{found.stack}.yaml")
    phases.write_imported(path, found)
    terminal.print(view.render(path, found, style=terminal.streams.out_style))
    if found.notes:
        terminal.tell(view.notes(found, style=terminal.streams.err_style))
    return 0


def _workspace(given: Mapping[str, str | None], *, local: bool) -> WorkspaceId | None:
    """Return the workspace of the options, None without them. Raises UsageError if they are incomplete."""
    if local:
        o.refuse("--target local", given)
    if not any(given.values()):
        return None
    if missing := [option for option, value in given.items() if not value]:
        raise UsageError(f"{' and '.join(missing)} missing", remedy=f"Pass all of {', '.join(given)}, or none.")
    return WorkspaceId(*(str(value) for value in given.values()))
