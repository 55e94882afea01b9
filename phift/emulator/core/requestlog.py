"""The request log: method, host, path, status, milliseconds. Queries, headers and bodies never enter it."""

from __future__ import annotations

from collections import deque
from json.encoder import encode_basestring_ascii as _quoted
from pathlib import Path
from typing import Any

from phift.emulator.core.documents import timestamp

__all__ = ["RequestLog"]

_KEPT = 5000
_MAX_FILE_BYTES = 20 * 1024 * 1024


class RequestLog:
    """The last requests in memory, all of them as JSON lines in a file that is rotated once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._recent: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._stream = path.open("a", encoding="utf-8", buffering=1)
        self._count = 0

    def write(self, method: str, host: str, path: str, status: int, milliseconds: float) -> None:
        """status 0: no answer was sent."""
        if self._stream.closed:  # the last request of a reset ends after the log it was meant for
            return
        entry = {
            "time": timestamp(),
            "method": method,
            "host": host,
            "path": path,
            "status": status,
            "ms": round(milliseconds, 2),
        }
        self._recent.append(entry)
        self._stream.write(  # as json.dumps, at a third of its time
            f'{{"time": "{entry["time"]}", "method": {_quoted(method)}, "host": {_quoted(host)}, '
            f'"path": {_quoted(path)}, "status": {status}, "ms": {entry["ms"]}}}\n'
        )
        self._count += 1
        if self._count % 1000 == 0 and self._stream.tell() > _MAX_FILE_BYTES:
            self._stream.close()
            self._path.replace(self._path.with_suffix(".1.log"))
            self._stream = self._path.open("a", encoding="utf-8", buffering=1)

    def tail(self, count: int) -> list[dict[str, Any]]:
        """The last `count` requests, oldest first."""
        return list(self._recent)[-count:] if count else []

    def close(self) -> None:
        self._stream.close()
