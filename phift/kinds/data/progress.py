"""Progress of downloading, preparing and uploading rows: bytes, rows, files, and skipped rows."""

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
"""Assumed minimum bandwidth in bytes per second."""
_GROWTH = 4
"""Assumed maximum ratio of the size of prepared rows to that of compressed source files."""


def seconds_for(recipe: Recipe) -> float:
    """Return the timeout in seconds: an hour, plus a second for each MB to download and upload."""
    identity = recipe.identity
    packed = identity.hub is not None or any(is_packed(format) for format in identity.formats)
    download = 0 if identity.files else identity.size
    return _HOUR + (download + identity.size * (_GROWTH if packed else 1)) / _RATE


class DataProgress:
    """Reports the upload of the rows of a recipe, from any thread.

    Rows are prepared while the next file is downloaded. The state is `Downloading`, with the number of prepared rows,
    until all bytes are there, then `Preparing`, then `Uploading`.
    """

    def __init__(self, recipe: Recipe, report: Callable[[Progress], None]) -> None:
        self._report = report
        self._total = _rows_of(recipe)
        self._rows = self._skipped = 0
        self._missing = False
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Report the start."""
        self._report(Progress("Preparing", total=self._total, unit="rows"))

    def waiting(self) -> None:
        """Report that another command is preparing the same rows."""
        self._report(Progress("Waiting", message="Waiting for another command that is preparing these rows"))

    def downloading(self, so_far: Download) -> None:
        """Report downloaded bytes."""
        with self._lock:
            self._missing = so_far.current < so_far.total
            files = {"file": float(so_far.file), "files": float(so_far.files)} if so_far.files > 1 else {}
            rows = {"rows": float(self._rows)} if self._rows else {}
            values = {**files, **rows, **self._left_out()}
        self._report(Progress("Downloading", current=so_far.current, total=so_far.total, unit="bytes", values=values))

    def preparing(self, rows: int, skipped: int) -> None:
        """Report the number of prepared and of skipped rows."""
        with self._lock:
            self._rows, self._skipped = rows, skipped
            if self._missing:
                return
            values = self._left_out()
        self._report(Progress("Preparing", current=rows + skipped, total=self._total, unit="rows", values=values))

    def uploading(self, sent: int, total: int) -> None:
        """Report the number of uploaded bytes."""
        self._report(Progress("Uploading", current=sent, total=total, unit="bytes"))

    def _left_out(self) -> dict[str, float]:
        return {"skipped": float(self._skipped)} if self._skipped else {}


def _rows_of(recipe: Recipe) -> int:
    """Return the number of rows to read; 0 if unknown."""
    split = recipe.identity.hub
    return (recipe.take.of(split.rows) or 0) if split is not None and split.rows else 0
