"""`phift ci`: workflows for pull requests, and the commands that they run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phift.cli import options as o
from phift.cli.help import Command, Group, without
from phift.cli.terminal import Terminal
from phift.errors import UsageError

if TYPE_CHECKING:
    from phift.cli.ci.run import Run
    from phift.workflows import Settings

group = typer.Typer(
    name="ci",
    cls=Group,
    help="Write workflows that plan in pull requests and apply on merge; the commands that they run.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)

_GITHUB = """Write workflows for GitHub Actions to .github/workflows.

They plan pull requests with a comment, apply on merge what the comment showed, and report drift in an issue. See
docs/pull-requests.md for the roles and environments that they need.
"""
_AZURE_PIPELINES = """Write azure-pipelines.yml, for repositories in Azure Repos.

It plans pull requests with a comment, and applies on merge what the comment showed, after the approval of the
environment. See docs/pull-requests.md.
"""

_WRITE = "Workflow options"
_RUN = "Run options"

Specs = Annotated[
    list[Path], typer.Argument(metavar="SPEC...", help="Specs, or folders and globs of specs.", show_default=False)
]
Name = Annotated[str | None, typer.Option("--target", "-t", metavar="NAME", help="A target of the specs.")]
Folder = Annotated[
    Path,
    typer.Option("--out", metavar="DIR", help="The root of the repository.", rich_help_panel="Output options"),
]
Stdout = Annotated[
    bool, typer.Option("--stdout", help="Print the files instead of writing them.", rich_help_panel="Output options")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that differ.", rich_help_panel="Output options")]
Branch = Annotated[str, typer.Option("--branch", metavar="NAME", help="The branch to apply.", rich_help_panel=_WRITE)]
Environment = Annotated[
    str,
    typer.Option(
        "--environment",
        metavar="NAME",
        help="The environment of the apply, whose reviewers approve it.",
        rich_help_panel=_WRITE,
    ),
]
Unattended = Annotated[
    str | None,
    typer.Option(
        "--scheduled-environment",
        metavar="NAME",
        help="The environment of scheduled jobs, without reviewers. Default: ENVIRONMENT-scheduled.",
        rich_help_panel=_WRITE,
    ),
]
NoWait = Annotated[
    bool,
    typer.Option(
        "--no-wait",
        help="Do not wait for a training; a scheduled job resumes the apply when it has ended.",
        rich_help_panel=_WRITE,
    ),
]
DriftCron = Annotated[
    str,
    typer.Option("--drift", metavar="CRON", help='When to look for drift (UTC); "" for never.', rich_help_panel=_WRITE),
]
ExpireCron = Annotated[
    str,
    typer.Option(
        "--expire",
        metavar="CRON",
        help='When to cancel overdue jobs, and to resume with --no-wait (UTC); "" for never.',
        rich_help_panel=_WRITE,
    ),
]
DataRoot = Annotated[
    str,
    typer.Option("--data-root", metavar="DIR", help="Reject data outside this folder.", rich_help_panel=_WRITE),
]
Install = Annotated[
    str | None,
    typer.Option(
        "--install",
        metavar="REQUIREMENT",
        help="What pip installs. Default: this release of phift.",
        rich_help_panel=_WRITE,
    ),
]
Python = Annotated[str, typer.Option("--python", metavar="VERSION", help="Python.", rich_help_panel=_WRITE)]
Connection = Annotated[
    str,
    typer.Option("--service-connection", metavar="NAME", help="The connection to Azure.", rich_help_panel=_WRITE),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="NAME",
        help="Identifies the comment of these specs. Default: from the specs and the target.",
        rich_help_panel=_RUN,
    ),
]
Author = Annotated[
    str,
    typer.Option(
        "--author",
        metavar="LOGIN",
        help="The login that the token belongs to. Default: github-actions[bot].",
        rich_help_panel=_RUN,
    ),
]


@group.command("azure-pipelines", cls=without("scheduled_environment"), help=_AZURE_PIPELINES)
@group.command("github", cls=without("service_connection"), help=_GITHUB)
def write(
    context: typer.Context,
    specs: Specs,
    target: Name = None,
    branch: Branch = "main",
    environment: Environment = "production",
    scheduled_environment: Unattended = None,
    no_wait: NoWait = False,
    drift: DriftCron = "17 5 * * *",
    expire: ExpireCron = "7,37 * * * *",
    data_root: DataRoot = ".",
    install: Install = None,
    python: Python = "3.12",
    service_connection: Connection = "phift",
    out: Folder = Path(),
    stdout: Stdout = False,
    force: Force = False,
) -> int:
    """Write the workflows of a service, which has the name of the command."""
    from phift.workflows import Settings

    settings = Settings(
        specs=tuple(map(str, specs)),
        target=target or "",
        branch=branch,
        environment=environment,
        scheduled_environment=scheduled_environment or "",
        no_wait=no_wait,
        drift=drift,
        expire=expire,
        data_root=data_root,
        install=install or "",
        python=python,
        service_connection=service_connection,
    )
    return _write(str(context.info_name), settings, out, stdout=stdout, force=force)


@group.command(cls=Command)
def plan(
    specs: Specs,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    base: Annotated[
        str,
        typer.Option("--base", metavar="REF", help="Show what changed since this Git ref.", rich_help_panel=_RUN),
    ] = "",
    base_name: Annotated[
        str, typer.Option("--base-name", metavar="NAME", help="What to call that ref.", rich_help_panel=_RUN)
    ] = "",
    environment: Annotated[
        str,
        typer.Option("--environment", metavar="NAME", help="Name the environment of the apply.", rich_help_panel=_RUN),
    ] = "",
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="State that the apply does not wait.", rich_help_panel=_RUN)
    ] = False,
    strict: o.StrictOption = False,
    key: Key = None,
    author: Author = "",
) -> int:
    """Plan a pull request: in a workflow, comment on it, annotate its lines and summarize the run.

    The comment is updated in place by later runs. Without a pull request, the plan is only shown.
    """
    from phift.cli.ci.review import Review, review

    run = _run(specs, target, var, var_file, allow_env, data_root, max_stacks, key, author)
    return review(run, Review(base, base_name, environment, no_wait, strict))


@group.command(cls=Command)
def apply(
    specs: Specs,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    no_wait: Annotated[
        bool,
        typer.Option("--no-wait", help="Submit long-running operations and exit (code 0).", rich_help_panel=_RUN),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Apply the rest of what was approved, after a detached apply.", rich_help_panel=_RUN
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compare with the approved plan, and exit.", rich_help_panel=_RUN)
    ] = False,
    parallelism: o.ParallelismOption = 10,
    timeout: o.TimeoutOption = None,
    key: Key = None,
    author: Author = "",
) -> int:
    """Apply on merge: in a workflow, if the plan makes the changes that the merged pull request showed.

    Otherwise it changes nothing, posts the difference to the pull request, and exits with 5. A plan without changes
    needs no pull request.
    """
    from phift import phases
    from phift.cli.ci.merge import Merge, merge

    options = phases.ApplyOptions(parallelism=parallelism, wait=not no_wait, timeouts=o.parse_timeouts(timeout))
    run = _run(specs, target, var, var_file, allow_env, data_root, max_stacks, key, author)
    return merge(run, Merge(dry_run, resume), options)


@group.command(cls=Command)
def drift(
    specs: Specs,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    key: Key = None,
    author: Author = "",
) -> int:
    """Report drift: in a workflow, in one issue, which is updated, and closed when there is none.

    Where the service has no issues (Azure Pipelines), exits with 3 if there is drift.
    """
    from phift.cli.ci.drift import report_drift

    return report_drift(_run(specs, target, var, var_file, allow_env, data_root, max_stacks, key, author))


def _run(
    specs: list[Path],
    target: str | None,
    var: list[str] | None,
    var_file: list[Path] | None,
    allow_env: list[str] | None,
    data_root: Path | None,
    max_stacks: int | None,
    key: str | None,
    author: str,
) -> Run:
    from phift.azure.sessions import connector
    from phift.cli.ci.run import Run, key_of
    from phift.cli.many import several

    terminal = Terminal.of()
    asked = [
        o.request_of(path, target, var, var_file, allow_env, data_root, max_stacks, tell=terminal.tell)
        for path in specs
    ]
    requests = [one for request in asked for one in several(request) or [request]]
    connect = connector(interactive=False, tell=terminal.tell)
    return Run.of(requests, connect, terminal, key=key or key_of(specs, target), author=author)


def _write(kind: str, settings: Settings, root: Path, *, stdout: bool, force: bool) -> int:
    """Write the files, or none if one of them exists with another content."""
    from phift.cli.ci.files import write_files
    from phift.workflows import workflow_files

    terminal = Terminal.of()
    files = workflow_files(kind, settings)
    if stdout:
        if force:
            raise UsageError("--force cannot be used with --stdout")
        for name, text in files.items():
            terminal.print(f"# {name}\n{text}" if len(files) > 1 else text.rstrip("\n"))
        return 0
    for line in write_files(root, files, force=force):
        terminal.print(line)
    terminal.tell("Next: create the identities and environments that they name: docs/pull-requests.md of phift.")
    return 0
