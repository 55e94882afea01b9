"""Errors for people: what is wrong, where, why, what to do. Never a traceback."""

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
"""Lines of a failed job's log to show; `phift logs` prints all of it."""


def render(error: PhiftError, *, style: Style = PLAIN, address: str = "", explain: bool = False) -> str:
    """Return the whole error. address: where it happened, used if the error has no address.

    explain: end a list of diagnostics with how to show their explanation.
    """
    if isinstance(error, DiagnosticsError) and error.diagnostics:
        return render_diagnostics(error.diagnostics, style=style, explain=explain)
    code = "" if isinstance(error, AzureError) else error.code
    begin = style.yellow("detached:") if isinstance(error, DetachedError) else style.red(head("error", code))
    # Not wrapped: people search logs for the summary, and it often contains a path.
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
    """Return the failure of a resource in an apply."""
    return (
        render(error, style=style, address=address) if isinstance(error, PhiftError) else unexpected(error, style=style)
    )


def unexpected(error: BaseException, *, style: Style = PLAIN) -> str:
    """Return an unexpected exception, a bug in phift: one line and a hint."""
    return "\n".join(
        [
            f"{style.bold(style.red('error:'))} {style.bold(unexpected_summary(error))}",
            f"  {style.cyan('=')} This is a bug in phift. To show the traceback, set PHIFT_DEBUG=1.",
        ]
    )


def unexpected_summary(error: BaseException) -> str:
    """Return `KeyError: 'name'`, the first line only."""
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
    where = f"step {error.step}, last lines of its log:" if error.step else "last lines of its log:"
    return [f"  {style.cyan('=')} {where}", *(f"    {style.dim('|')} {inert(line, keep=TAB)}" for line in tail)]


def _detail(error: PhiftError) -> str:
    """Return the detail without the line of the request, which is shown separately."""
    if not isinstance(error, AzureError) or not error.url:
        return error.detail
    request = f"{error.method} {error.url}: HTTP {error.status}"
    return "\n".join(line for line in error.detail.splitlines() if not line.startswith(request))


def _request(error: AzureError, style: Style) -> list[str]:
    if not error.url:
        return []
    answer = f"HTTP {error.status}" if error.status else "no response"
    code = f" {error.code}" if error.code else ""
    return [f"  {style.cyan('=')} request: {error.method} {inert(error.url)}", f"    response: {answer}{code}"]
