"""Wait between attempts of a session's requests, and track the objects that the session knows to exist."""

from __future__ import annotations

import threading
from typing import Any, Protocol
from urllib.parse import urlsplit

from phift.errors import AzureError

__all__ = ["Attendant", "Seen"]


class Seen:
    """URLs of objects known to exist: the service accepted their write or has returned them. Thread-safe.

    Resource Manager may return 404 for a while after it accepted a creation, and even after it has returned the object
    (hashicorp/terraform-provider-azurerm#32317, #4682): such a 404 does not mean that the object is absent.
    """

    def __init__(self) -> None:
        self._paths: set[str] = set()
        self._deleted: set[str] = set()
        self._lock = threading.Lock()

    def note(self, method: str, url: str, body: Any) -> None:
        """Record what a successful request implies about the object at its URL."""
        path = _path(url)
        with self._lock:
            if method == "DELETE" or (method == "GET" and _going(body)):
                self._deleted.add(path)
                self._paths = {p for p in self._paths if not _within(p, path)}
            elif method in {"PUT", "PATCH"}:
                self._deleted = {d for d in self._deleted if not _within(path, d)}
                self._paths.add(path)
            elif method == "GET" and isinstance(body, dict) and "id" in body and not self._is_going(path):
                self._paths.add(path)

    def _is_going(self, path: str) -> bool:
        """Forget an object that is being deleted: deletion takes time and may become visible late."""
        return any(_within(path, deleted) for deleted in self._deleted)

    def expects(self, url: str) -> bool:
        """Return whether the URL must exist: a known object, or a collection or action of one."""
        path = _path(url)
        with self._lock:
            return path in self._paths or path.rpartition("/")[0] in self._paths


class Attendant(Protocol):
    """Waits between the attempts of a request."""

    @property
    def seen(self) -> Seen: ...

    @property
    def patience(self) -> float:
        """Return for how many seconds an existing object may return 404."""

    def wait(self, seconds: float, error: AzureError) -> None:
        """Wait this many seconds before the request that failed with `error` is retried.

        Raises `error`, with advice, if the service asks to wait past a deadline; DetachedError if asked to stop.
        """


def _path(url: str) -> str:
    return urlsplit(url).path.rstrip("/").lower()


def _within(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _going(body: Any) -> bool:
    properties = body.get("properties") if isinstance(body, dict) else None
    return isinstance(properties, dict) and properties.get("provisioningState") == "Deleting"
