"""Reading several things at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

__all__ = ["reading"]


@contextmanager
def reading(workers: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of threads that only read. Ctrl-C leaves at once: it does not wait for answers that nobody needs."""
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        yield pool
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown()
        raise
    pool.shutdown()
