"""Read rows of Parquet from local and hub files. pyarrow is imported in functions only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["damages", "rows_of_group"]

_BATCH = 512


def damages() -> tuple[type[Exception], ...]:
    """Return the exceptions of pyarrow for invalid bytes, and for values that Python cannot represent: dates beyond
    the year 9999, unnamed time zones. A damaged page is an OSError without errno; disk errors have an errno."""
    import pyarrow as pa

    return pa.ArrowException, OSError, ValueError, OverflowError, KeyError


def rows_of_group(
    file: Any, group: int, columns: Sequence[str], taken: bytearray | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (number in the group, from 0; row) of a row group. taken: which rows; None: all. Raises `damages`."""
    at = 0
    # No threads: Arrow's allocator keeps a heap per thread, so memory would grow with the file.
    for batch in file.iter_batches(batch_size=_BATCH, row_groups=[group], columns=columns, use_threads=False):
        size = batch.num_rows
        if taken is None:
            yield from enumerate(batch.to_pylist(), at)
        else:
            chosen = [n for n in range(size) if taken[at + n]]
            part = batch if len(chosen) == size else batch.take(chosen)
            yield from zip((at + n for n in chosen), part.to_pylist(), strict=True)
        at += size
