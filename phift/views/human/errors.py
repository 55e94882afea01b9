"""An error as people need it: what is wrong, where, why, what to do next. Never a traceback."""

from __future__ import annotations

import textwrap

from phift.errors import AzureError, DetachedError, DiagnosticsError, JobFailedError, PhiftError
from phift.inert import inert
from phift.views.base import PLAIN, Style
from phift.views.human.diagnostics import head
from phift.views.human.diagnostics import render as render_diagnostics

__all__ = ["failure", "render", "unexpected"]

TAB = "\t"
LOG_LINES = 20
"""So much of a failed job's log is shown; `phift logs` has all of it."""


def render(error: PhiftError, *, style: Style = PLAIN, address: str = "", explain: bool = False) -> str:
    """All that the error carries. address: where it happened, for an error that does not say so itself.

    explain: say at the end of a list of findings where more is said of them.
    """
    if isinstance(error, DiagnosticsError) and error.diagnostics:
        return render_diagnostics(error.diagnostics, style=style, explain=explain)
    code = "" if isinstance(error, AzureError) else error.code
    begin = style.yellow("detached:") if isinstance(error, DetachedError) else style.red(head("error", code))
    # Not wrapped: the summary is what people search logs for, and it often holds a path.
    lines = [f"{style.bold(begin)} {style.bold(inert(error.summary))}"]
    if error.address or address:
        lines.append(f" {style.cyan('-->')} {inert(error.address or address)}")
    if isinstance(error, JobFailedError):
        lines += _log(error, style)
    lines += _paragraph(_detail(error), style)
    if isinstance(error, AzureError):
        lines += _request(error, style)
    lines += _paragraph(error.remedy, style)
    return "\n".join(lines)


def failure(address: str, error: Exception, *, style: Style = PLAIN) -> str:
    """A resource that failed in an apply."""
    return (
        render(error, style=style, address=address) if isinstance(error, PhiftError) else unexpected(error, style=style)
    )


def unexpected(error: BaseException, *, style: Style = PLAIN) -> str:
    """An error nobody raised on purpose: a defect of phift, told in one line and a hint."""
    return "\n".join(
        [
            f"{style.bold(style.red('error:'))} {style.bold(unexpected_summary(error))}",
            f"  {style.cyan('=')} This is a defect of phift. PHIFT_DEBUG=1 shows the traceback.",
        ]
    )


def unexpected_summary(error: BaseException) -> str:
    """`KeyError: 'name'`, the first line only."""
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {inert(said[0])}" if said else type(error).__name__


def _paragraph(text: str, style: Style) -> list[str]:
    lines: list[str] = []
    for part in map(inert, text.splitlines()):
        wrapped = textwrap.wrap(part, max(style.width - 4, 30), break_long_words=False, break_on_hyphens=False)
        for line in wrapped:
            lines.append(f"  {style.cyan('=') if not lines else ' '} {line}")
    return lines


def _log(error: JobFailedError, style: Style) -> list[str]:
    tail = error.log.rstrip().splitlines()[-LOG_LINES:]
    if not tail:
        return [f"  {style.cyan('=')} step: {error.step}"] if error.step else []
    where = f"step {error.step}, the end of its log:" if error.step else "the end of its log:"
    return [f"  {style.cyan('=')} {where}", *(f"    {style.dim('|')} {inert(line, keep=TAB)}" for line in tail)]


def _detail(error: PhiftError) -> str:
    """The detail without the line that names the request, which is told by itself."""
    if not isinstance(error, AzureError) or not error.url:
        return error.detail
    request = f"{error.method} {error.url}: HTTP {error.status}"
    return "\n".join(line for line in error.detail.splitlines() if not line.startswith(request))


def _request(error: AzureError, style: Style) -> list[str]:
    if not error.url:
        return []
    answer = f"HTTP {error.status}" if error.status else "no answer"
    code = f" {error.code}" if error.code else ""
    return [f"  {style.cyan('=')} request: {error.method} {inert(error.url)}", f"    answer: {answer}{code}"]
