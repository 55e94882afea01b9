"""Locks between processes: lock files, which the holder may delete."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from phift.posix import fcntl

__all__ = ["held", "lock"]

_TRIES = 100


def lock(path: Path, *, wait: bool = True) -> int | None:
    """Return a descriptor that holds the lock until it is closed; None if another process holds it and `wait` is off.

    Raises OSError.
    """
    for _ in range(_TRIES):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if _is_at(descriptor, path):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the last holder deleted the file: others would lock a different one
    raise OSError(f"{path} is deleted repeatedly")


@contextmanager
def held(path: Path, *, wait: bool = True, waiting: Callable[[], object] | None = None) -> Iterator[bool]:
    """Hold the lock within the block; yield False if another process holds it and `wait` is off. waiting: called
    before waiting."""
    descriptor = lock(path, wait=wait and waiting is None)
    if descriptor is None and wait and waiting is not None:
        waiting()
        descriptor = lock(path)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(descriptor)
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)
