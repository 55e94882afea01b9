"""Ctrl-C, SIGTERM and a terminal that is closed: the first one asks politely, the second one ends the process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["polite"]

POLITE = "Interrupted: nothing new is begun, begun work goes on there. Ctrl-C again: end at once."


@contextmanager
def polite(stop: threading.Event, begun: Callable[[], bool], tell: Callable[[str], None]) -> Iterator[None]:
    """Within it the first SIGINT, SIGTERM or SIGHUP sets `stop`, so that an apply finishes its calls, notes them in its
    journal and leaves; before anything has begun it raises KeyboardInterrupt. The next SIGINT or SIGTERM ends phift
    with 130. SIGHUP never does: a closed terminal sends it twice, as its kernel and as its shell.

    Runners of CI send the first two, seconds apart, before they kill. One that whoever started phift ignores stays
    ignored: a shell does that with SIGINT for what a script starts by `&`, so that Ctrl-C ends the script alone, and
    nohup with SIGHUP. Without effect outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            if number == signal.SIGHUP:
                return
            os._exit(130)
        stop.set()
        if not begun():
            raise KeyboardInterrupt
        tell(POLITE)

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heard = [n for n in signals if signal.getsignal(n) is not signal.SIG_IGN]
    former = {number: signal.signal(number, handle) for number in heard}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
