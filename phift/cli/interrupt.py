"""Handle Ctrl-C, SIGTERM and a closed terminal: the first signal stops gracefully, the second exits at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["graceful_shutdown"]

NOTICE = "Interrupted. No new work will start; running operations continue in Azure ML. Press Ctrl-C again to exit now."


@contextmanager
def graceful_shutdown(
    stop: threading.Event, started: Callable[[], bool], tell: Callable[[str], None]
) -> Iterator[None]:
    """Handle signals within the context.

    The first SIGINT, SIGTERM or SIGHUP sets `stop`, so that an apply finishes its calls, records them in its journal
    and returns; before any work has started it raises KeyboardInterrupt instead. The next SIGINT or SIGTERM exits
    with 130. SIGHUP never does: a closed terminal sends it twice, once from the kernel and once from the shell.

    CI runners send SIGINT and SIGTERM seconds apart before they kill. A signal that the parent process ignores stays
    ignored: a shell ignores SIGINT for background jobs of a script, and nohup ignores SIGHUP. Has no effect outside
    the main thread.
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
        if not started():
            raise KeyboardInterrupt
        tell(NOTICE)

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heard = [n for n in signals if signal.getsignal(n) is not signal.SIG_IGN]
    former = {number: signal.signal(number, handle) for number in heard}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
