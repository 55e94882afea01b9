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
        self._known: dict[Hashable, Any] = {}
        self._found: dict[Hashable, Future[Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, find: Callable[[], T]) -> T:
        """Return the value of a key. Raises the errors of find."""
        if key in self._known:
            known: T = self._known[key]
            return known
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
        """What was found out elsewhere."""
        self._known[key] = value

    def known(self) -> list[tuple[Any, Any]]:
        """Return the keys and values so far."""
        return list(self._known.items())

    def _find(self, key: Hashable, find: Callable[[], Any], found: Future[Any]) -> None:
        try:
            value = self._known[key] = find()
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it, and so does the caller
            with self._lock:
                del self._found[key]
            found.set_exception(error)
        else:
            found.set_result(value)
