"""Rows of files that are not Parquet, parsed by the builder of `datasets` from verified local files.

The builder is the one for the card at the pinned commit, with its options (`sep`, `field`, types of columns), which
phift's own readers do not support. Creating it takes 5 requests, once per client; parsing takes none.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from phift.data.hub.client import HubClient
from phift.data.hub.layout import layout_of
from phift.data.hub.pins import HubSplit
from phift.data.hub.repository import look_up
from phift.data.problems import FileProblem

__all__ = ["Streaming", "local_rows"]

_BATCH = 1000


class Streaming:
    """The parser of a split."""

    def __init__(self, client: HubClient, split: HubSplit, columns: Sequence[str] | None) -> None:
        self._columns = columns
        self._split = split
        repository = look_up(client, split.id, split.revision, pinned=True)
        self._builder = copy.deepcopy(layout_of(client, repository, split.config, pinned=True).made)

    def rows(self, path: Path) -> Iterator[dict[str, Any] | FileProblem]:
        """The rows of a local file; ends with a FileProblem if it cannot be read any further."""
        number = 0
        try:
            for table in local_rows(self._builder, self._split.split, path):
                if self._columns is not None:
                    table = table.select([name for name in self._columns if name in table.column_names])
                number += table.num_rows
                yield from table.to_pylist()
        except Exception as error:  # noqa: BLE001 - each builder fails in its own way; the text may contain rows
            summary = (
                f"`datasets` cannot read it as {self._split.builder} after row {number:,} ({type(error).__name__})"
            )
            yield FileProblem("hub-format", summary, "The file is damaged, or the card declares another format.")


def local_rows(builder: Any, split: str, path: Path) -> Iterator[Any]:
    """The Arrow tables of a local file as the builder parses it. Raises whatever the builder raises."""
    from datasets.data_files import DataFilesDict, DataFilesList

    builder.config.data_files = DataFilesDict({split: DataFilesList([str(path)], [()])})
    streamed = builder.as_streaming_dataset(split=split)
    yield from streamed.with_format("arrow").iter(batch_size=_BATCH)
