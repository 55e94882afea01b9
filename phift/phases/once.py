"""Things found out once, whichever thread asks first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

__all__ = ["Once"]

T = TypeVar("T")


class Once:
    """Values by key, each found by whichever thread asks first; what could not be found is looked for again."""

    def __init__(self) -> None:
        self._values: dict[Hashable, Any] = {}
        self._locks: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, find: Callable[[], T]) -> T:
        """The value of a key. Raises what find raises."""
        if key not in self._values:
            with self._lock:
                lock = self._locks.setdefault(key, threading.Lock())
            with lock:
                if key not in self._values:
                    self._values[key] = find()
        value: T = self._values[key]
        return value

    def put(self, key: Hashable, value: Any) -> None:
        """What was found out elsewhere."""
        self._values[key] = value

    def known(self) -> list[tuple[Any, Any]]:
        """Keys and values found so far."""
        return list(self._values.items())
