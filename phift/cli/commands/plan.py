"""`phift plan`."""

from __future__ import annotations

from dataclasses import replace as changed
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from phift.azure.sessions import connector
from phift.cli import options as o
from phift.cli.approved import ApprovedOption, parse_approved, require_approved
from phift.cli.terminal import Terminal
from phift.errors import UsageError
from phift.exits import ExitCode
from phift.views.base import PlanOptions


def plan(
    spec: o.SpecArgument,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Save the plan for `phift apply FILE`.", rich_help_panel="Output options"
        ),
    ] = None,
    format: o.PlanFormatOption = o.PlanFormat.TEXT,
    select: o.SelectOption = None,
    replace: o.ReplaceOption = None,
    retry_failed: o.RetryFailedOption = False,
    take_over: o.TakeOverOption = False,
    strict: o.StrictOption = False,
    budget: o.BudgetOption = None,
    destroy: Annotated[
        bool,
        typer.Option("--destroy", help="Plan a destroy.", rich_help_panel="Plan options"),
    ] = False,
    summary: o.SummaryOption = False,
    show_unchanged: o.ShowUnchangedOption = False,
    show_suppressed: o.ShowSuppressedOption = False,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="REF",
            help="With --format md: add what changed in the rendered spec and in local data since this Git ref.",
            rich_help_panel="Output options",
        ),
    ] = None,
    source_url: Annotated[
        str | None,
        typer.Option(
            "--source-url",
            metavar="URL",
            help="With --format md: link files below this address, as in https://github.com/ORG/REPO/blob/COMMIT. "
            "Default: from GITHUB_SERVER_URL, GITHUB_REPOSITORY and GITHUB_SHA.",
            rich_help_panel="Output options",
        ),
    ] = None,
    approved: ApprovedOption = None,
    detailed_exitcode: Annotated[
        bool,
        typer.Option(
            "--detailed-exitcode", help="Exit with 2 if there are changes, 0 if not.", rich_help_panel="Output options"
        ),
    ] = False,
    quiet: o.QuietOption = False,
    no_color: o.NoColorOption = False,
) -> int:
    """Show what apply would change, and why.

    A folder or a glob plans every spec in it; a spec with a matrix plans every stack it defines.

    Changes nothing in the workspace. Writes phift.lock next to the spec if a version is not pinned yet.
    """
    from phift import phases
    from phift.cli import planfile
    from phift.cli.comments import comment_of, since
    from phift.cli.many import plan_several, several
    from phift.cli.views import many_view, plan_view
    from phift.views.human.many import total
    from phift.views.human.plan import count_line

    if summary:
        o.refuse("--summary", {"--show-unchanged": show_unchanged, "--show-suppressed": show_suppressed})
    if base and format is not o.PlanFormat.MD:
        raise UsageError(
            "--base requires --format md", remedy="To compare as text, use `git diff REF` and `phift render`."
        )
    if source_url and format is not o.PlanFormat.MD:
        raise UsageError("--source-url requires --format md")
    expected = parse_approved(approved)
    if destroy:
        o.refuse(
            "--destroy",
            {
                "--select": select,
                "--replace": replace,
                "--retry-failed": retry_failed,
                "--strict": strict,
                "--budget": budget,
            },
        )
    if out:
        planfile.require_writable(out)
    if quiet:
        others = {"--summary": summary, "--show-unchanged": show_unchanged, "--show-suppressed": show_suppressed}
        o.refuse("--quiet", {**others, "--format": format is not o.PlanFormat.TEXT})
    terminal = Terminal.of(no_color=no_color, quiet=quiet)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks, tell=terminal.tell)
    request = changed(request, budget=o.parse_budget(budget))
    connect = connector(interactive=terminal.streams.terminal, tell=terminal.tell)
    settings = phases.PlanSettings(retry_failed=retry_failed, take_over=take_over, strict=strict)
    if (requests := several(request)) is not None:
        one = {"--out": out, "--select": select, "--replace": replace, "--base": base, "--destroy": destroy}
        o.refuse("several stacks", one, remedy=o.ONE_STACK)
        together = plan_several(requests, connect, terminal, settings)
        require_approved(expected, together.plans, failed=len(together.failed))
        with_links = partial(comment_of, request.path, source_url)
        options = PlanOptions(terminal.streams.out_style, summary, show_unchanged, show_suppressed)
        text = total(together, options.style) if quiet else many_view(format, with_links)(together, options)
        terminal.print(text)
        return together.exit_code or (ExitCode.CHANGES if detailed_exitcode and together.changes_something else 0)
    settings = changed(
        settings, select=o.parse_addresses(select, "--select"), replace=o.parse_addresses(replace, "--replace")
    )
    planned = (
        phases.destroy_plan(request, connect, take_over=take_over)
        if destroy
        else phases.plan(request, connect, settings)
    )
    require_approved(expected, [planned])
    if out:
        planfile.write(out, planned, request)
    options = PlanOptions(terminal.streams.out_style, summary, show_unchanged, show_suppressed)
    if quiet:
        terminal.print(count_line(planned, options.style))
    else:
        changed_since = partial(since, {planned.stack: request}, base, connect)
        about = partial(comment_of, request.path, source_url, since=changed_since)
        terminal.print(plan_view(format, comment=about, request=request)(planned, options))
    if out:
        command = f"phift apply {planfile.words_of(out, request)}"
        terminal.tell(f"\nSaved the plan. To apply exactly this plan, run: {command}")
    return ExitCode.CHANGES if detailed_exitcode and planned.changes_something else 0
