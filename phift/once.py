"""Values that many threads want and one finds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

__all__ = ["Once"]

T = TypeVar("T")


class Once:
    """Values by key, each found by whichever thread asks first.

    What could not be found is looked for again by whoever asks after that; who asked meanwhile gets the same error.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}
        self._found: dict[Hashable, Future[Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, find: Callable[[], T]) -> T:
        """The value of a key. Raises what find raises."""
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
        """Keys and values found so far."""
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
