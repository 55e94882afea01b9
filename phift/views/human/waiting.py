"""A sign of life on a terminal, while a command waits for something that reports nothing."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from phift.views.base import Streams

__all__ = ["waiting"]


def waiting(streams: Streams, what: str) -> AbstractContextManager[object]:
    """Return a context that shows on a terminal what is awaited, and nothing elsewhere. Print nothing meanwhile."""
    if not streams.live:
        return nullcontext()
    from rich.console import Console

    console = Console(file=streams.err, no_color=not streams.err_style.colour, width=streams.err_style.width)
    return console.status(what, spinner="dots", spinner_style="dim")
