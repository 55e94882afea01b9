"""Run an apply and report its progress: shared by `apply` and `destroy`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from phift.apply.events import Note
from phift.cli.interrupt import graceful_shutdown
from phift.cli.terminal import Terminal
from phift.errors import DetachedError, LeaseHeldError, LeaseLostError, PhiftError
from phift.plan.model import Plan
from phift.views.base import ApplyView, Sink, Streams
from phift.views.human.errors import failure

if TYPE_CHECKING:
    from phift.apply.events import ApplyFinished, ResourceFailed
    from phift.phases import ApplyOptions

__all__ = ["carry_out", "watcher"]


def watcher(streams: Streams, *, json: bool, quiet: bool) -> ApplyView:
    """Return the view of an apply: JSON lines, a single last line, a live table on a terminal, or plain lines."""
    if json:
        from phift.views.ndjson import JsonApply

        return JsonApply(streams)
    from phift.views.human.apply import PlainApply, QuietApply

    if quiet:
        return QuietApply(streams)
    if streams.live:
        from phift.views.human.live import LiveApply

        return LiveApply(streams)
    return PlainApply(streams)


def carry_out(
    plan: Plan, apply: Callable[[], ApplyFinished], view: ApplyView, terminal: Terminal, options: ApplyOptions
) -> int:
    """Run `apply`, which sends its events to the view, and return the exit code.

    Raises PhiftError if an error ended the apply as a whole."""
    try:
        with graceful_shutdown(options.stop, lambda: view.started, lambda text: view(Note(text))), view:
            result = apply()
    except KeyboardInterrupt:
        if not view.started:
            raise
        raise DetachedError(
            "interrupted; operations may still be running in Azure ML",
            remedy=f"Re-run the same command to resume, or inspect the stack: phift status {plan.spec_words}",
        ) from None
    except PhiftError as error:
        _tell_failures([f for f in view.failures if f.error is not error], terminal)
        view.ended(error)
        raise
    _tell_failures(view.failures, terminal)
    view.finish(result)
    return result.exit_code


def _tell_failures(failures: list[ResourceFailed], terminal: Terminal) -> None:
    """Print each failure; an error shared by many resources, such as a lease held elsewhere, is printed once."""
    sink = Sink(terminal.streams.err)
    told: set[str] = set()
    for failed in failures:
        alike = isinstance(failed.error, LeaseHeldError | LeaseLostError)
        said = failure("" if alike else str(failed.address), failed.error, style=terminal.streams.err_style)
        if said not in told:
            sink.write("\n" + said)
        told.add(said)
