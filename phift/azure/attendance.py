"""Who waits on behalf of the requests of a session, and what that session knows to exist."""

from __future__ import annotations

import threading
from typing import Any, Protocol
from urllib.parse import urlsplit

from phift.errors import AzureError

__all__ = ["Attendant", "Seen"]


class Seen:
    """Addresses of objects that exist: the service accepted their write, or has shown them. From any thread.

    Resource Manager may answer 404 for an object for a while after it accepted its creation, and again after it has
    shown it (hashicorp/terraform-provider-azurerm#32317, #4682): such a 404 is not taken for absence.
    """

    def __init__(self) -> None:
        self._paths: set[str] = set()
        self._deleted: set[str] = set()
        self._lock = threading.Lock()

    def note(self, method: str, url: str, body: Any) -> None:
        """What a successful request says of the object at its address."""
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
        """A delete takes its time, and may be shown late: what is read meanwhile says nothing."""
        return any(_within(path, deleted) for deleted in self._deleted)

    def expects(self, url: str) -> bool:
        """Whether what lies at the address must be there: an object, or a collection or action of one."""
        path = _path(url)
        with self._lock:
            return path in self._paths or path.rpartition("/")[0] in self._paths


class Attendant(Protocol):
    """Waits between the attempts of a request."""

    @property
    def seen(self) -> Seen: ...

    @property
    def patience(self) -> float:
        """Seconds for which an object that exists may be answered with 404."""

    def wait(self, seconds: float, error: AzureError) -> None:
        """Returns after so many seconds, to try again what met `error`.

        Raises `error`, with advice, where the service asks to wait past a deadline; DetachedError when told to stop.
        """


def _path(url: str) -> str:
    return urlsplit(url).path.rstrip("/").lower()


def _within(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _going(body: Any) -> bool:
    properties = body.get("properties") if isinstance(body, dict) else None
    return isinstance(properties, dict) and properties.get("provisioningState") == "Deleting"
