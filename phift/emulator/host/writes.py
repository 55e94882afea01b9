"""Joined writes: the HTTP server sends head and body apart, each at the cost of a TLS record, a system call and a
wake-up of the client."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["JoinedWrites"]

_JOINED_BYTES = 64 * 1024
"""Longer data is written by itself: copying it costs more than a call."""


class JoinedWrites:
    """A transport that holds what is written until the next write, or the end of this turn of the event loop.

    Everything else is the inner transport's.
    """

    def __init__(self, inner: asyncio.Transport) -> None:
        self._inner = inner
        self._held = b""
        self._loop = asyncio.get_running_loop()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def write(self, data: bytes) -> None:
        """Write with what is held, or hold the data."""
        held = self._held
        if held:
            self._held = b""
            if len(data) <= _JOINED_BYTES:
                self._inner.write(held + data)
                return
            self._inner.write(held)
        elif len(data) <= _JOINED_BYTES:
            self._held = data
            self._loop.call_soon(self._flush)
            return
        self._inner.write(data)

    def get_write_buffer_size(self) -> int:
        """Bytes that are not sent yet, held ones too."""
        return len(self._held) + self._inner.get_write_buffer_size()

    def write_eof(self) -> None:
        self._flush()
        self._inner.write_eof()

    def close(self) -> None:
        self._flush()
        self._inner.close()

    def abort(self) -> None:
        """Close at once: what is held is lost."""
        self._held = b""
        self._inner.abort()

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            if not self._inner.is_closing():
                self._inner.write(held)
