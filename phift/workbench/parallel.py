"""Concurrent reads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

__all__ = ["reading"]


@contextmanager
def reading(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a thread pool for reads. Ctrl-C returns immediately, without waiting for pending answers."""
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
