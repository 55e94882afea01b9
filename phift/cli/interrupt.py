"""Ctrl-C: the first one asks politely, the second one ends the process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from phift.views.base import Sink

__all__ = ["polite"]

POLITE = """
Interrupted: nothing new is begun; what the service was told to do goes on there.
Ctrl-C again ends phift at once."""


@contextmanager
def polite(tell: Callable[[str], None] | None = None) -> Iterator[None]:
    """Within it the first SIGINT or SIGTERM says so and raises KeyboardInterrupt, the next one ends phift with 130.

    Runners of CI send these two, seconds apart, before they kill. Without effect outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    say = tell or (lambda text: Sink(sys.stderr).write(text))
    seen = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        if seen:
            os._exit(130)
        seen = True
        say(POLITE)
        raise KeyboardInterrupt

    former = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
