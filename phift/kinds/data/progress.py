"""What is told while rows are downloaded, prepared and uploaded: bytes, rows, files, and rows that are left out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from phift.data.recipe import Recipe
from phift.data.sources import is_packed
from phift.kinds.progress import Progress

if TYPE_CHECKING:
    from phift.data.hub import Download

__all__ = ["DataProgress", "seconds_for"]

_HOUR = 3600.0
_RATE = 1e6
"""Bytes a second that a network is expected to manage at least."""
_GROWTH = 4
"""How many times larger prepared rows are than the compressed files of their source, at most."""


def seconds_for(recipe: Recipe) -> float:
    """How long it may take: an hour, and a second for each MB that is downloaded and uploaded."""
    identity = recipe.identity
    packed = identity.hub is not None or any(is_packed(format) for format in identity.formats)
    download = 0 if identity.files else identity.size
    return _HOUR + (download + identity.size * (_GROWTH if packed else 1)) / _RATE


class DataProgress:
    """Reports one upload of a recipe's rows, from any thread.

    Rows are prepared while the next file is downloaded: as long as bytes are missing `Downloading` is told, with the
    rows that are ready, then `Preparing`, then `Uploading`.
    """

    def __init__(self, recipe: Recipe, report: Callable[[Progress], None]) -> None:
        self._report = report
        self._total = _rows_of(recipe)
        self._rows = self._skipped = 0
        self._missing = False
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Nothing is ready yet."""
        self._report(Progress("Preparing", total=self._total, unit="rows"))

    def waiting(self) -> None:
        """Another command prepares the same rows."""
        self._report(Progress("Waiting", message="Waiting for another command that is preparing these rows"))

    def downloading(self, so_far: Download) -> None:
        """Bytes have come."""
        with self._lock:
            self._missing = so_far.current < so_far.total
            files = {"file": float(so_far.file), "files": float(so_far.files)} if so_far.files > 1 else {}
            rows = {"rows": float(self._rows)} if self._rows else {}
            values = {**files, **rows, **self._left_out()}
        self._report(Progress("Downloading", current=so_far.current, total=so_far.total, unit="bytes", values=values))

    def preparing(self, rows: int, skipped: int) -> None:
        """So many rows are ready, and so many were left out."""
        with self._lock:
            self._rows, self._skipped = rows, skipped
            if self._missing:
                return
            values = self._left_out()
        self._report(Progress("Preparing", current=rows + skipped, total=self._total, unit="rows", values=values))

    def uploading(self, sent: int, total: int) -> None:
        """So many bytes are in the blob store."""
        self._report(Progress("Uploading", current=sent, total=total, unit="bytes"))

    def _left_out(self) -> dict[str, float]:
        return {"skipped": float(self._skipped)} if self._skipped else {}


def _rows_of(recipe: Recipe) -> int:
    """Rows that will be read; 0 where that is not known before."""
    split = recipe.identity.hub
    return (recipe.take.of(split.rows) or 0) if split is not None and split.rows else 0
