"""Report drift in one issue, which is updated while there is drift and closed when there is none."""

from __future__ import annotations

from phift.cli.ci.run import Run
from phift.exits import ExitCode, worst

__all__ = ["report_drift"]


def report_drift(run: Run) -> int:
    """Return 0 if the issue reports the drift, 3 if there is drift and the service has no issues, and the exit code of
    a stack that could not be compared."""
    from phift import phases
    from phift.views.human.drift import render
    from phift.views.human.errors import render as error_text
    from phift.views.markdown_merge import drift_issue, drift_title, no_drift

    style = run.terminal.streams.out_style
    found = phases.drift_many(run.requests, run.connect)
    for one in found:
        if one.drift is not None:
            run.terminal.print(f"{one.stack}:\n\n{render(one.drift, style=style)}")
        if one.error is not None:
            run.terminal.streams.err.write(error_text(one.error, style=run.terminal.streams.err_style) + "\n")
    failed = worst(one.error.exit_code for one in found if one.error is not None)
    drifted = any(one.found for one in found)
    marker = run.marker("drift")
    if drifted:
        body = drift_issue(marker, found, run.forge.run_url)
        run.summarize(body)
        if not run.forge.has_issues:
            return failed or ExitCode.DRIFT
        issue = run.forge.write_issue(marker, drift_title(found), body)
        run.terminal.print(f"Drift is reported in {issue.url}")
    elif not failed and run.forge.has_issues:
        # A stack that could not be compared may have drifted: the issue stays open.
        closed = run.forge.close_issue(marker, no_drift(marker, run.forge.run_url))
        run.terminal.print(f"No drift. Closed {closed.url}" if closed else "No drift.")
    return failed
