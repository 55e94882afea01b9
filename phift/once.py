"""Values computed once and shared by threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

__all__ = ["Once"]

T = TypeVar("T")


class Once:
    """Values by key, each computed by the first thread that requests it.

    After an error, the next request computes the value again; concurrent requests get the same error.
    """

    def __init__(self) -> None:
        self._found: dict[Hashable, Future[Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, find: Callable[[], T]) -> T:
        """Return the value of a key. Raises the errors of find."""
        found = self._found.get(key)
        if found is None:
            with self._lock:
                found = self._found.get(key)
                mine = found is None
                if found is None:
                    found = self._found[key] = Future()
            if mine:
                self._find(key, find, found)
        value: T = found.result()
        return value

    def put(self, key: Hashable, value: Any) -> None:
        """Set a value that was computed elsewhere."""
        found: Future[Any] = Future()
        found.set_result(value)
        self._found[key] = found

    def known(self) -> list[tuple[Any, Any]]:
        """Return the keys and values so far."""
        return [(key, found.result()) for key, found in list(self._found.items()) if found.done()]

    def _find(self, key: Hashable, find: Callable[[], Any], found: Future[Any]) -> None:
        try:
            found.set_result(find())
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it, and so does the caller
            with self._lock:
                del self._found[key]
            found.set_exception(error)
