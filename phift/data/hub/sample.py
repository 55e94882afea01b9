"""The columns of a split whose card does not declare them, from the start of its first file."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from phift.data.hub.client import HubClient
from phift.data.hub.layout import layout_of, type_text
from phift.data.hub.pins import HubSplit
from phift.data.hub.remote import RangesIgnored, Remote
from phift.data.hub.repository import Repository
from phift.data.hub.streaming import local_rows

__all__ = ["columns_of"]

_HEAD = 1 << 18  # bytes
_BY_LINES = {"json", "csv", "text"}
_SUFFIXES = {".json", ".jsonl", ".csv", ".tsv", ".txt"}


def columns_of(client: HubClient, repository: Repository, split: HubSplit) -> Mapping[str, str]:
    """Type by name. Empty if only the whole file would show them: compressed, one large array, another format.

    Parquet: from the footer, 2 requests. Text: from the first 256 KiB, 1 or 2 requests.
    """
    file = split.files[0]
    remote = Remote.of(client, split, file)
    try:
        if split.builder == "parquet":
            from phift.data.hub.parquet import footer_of

            return footer_of(remote).columns
        suffix = PurePosixPath(file.path).suffix
        if split.builder not in _BY_LINES or suffix not in _SUFFIXES:
            return {}
        parts: list[bytes] = []
        remote.read(0, min(file.size, _HEAD), parts.append)
    except RangesIgnored:
        return {}
    head = b"".join(parts)
    if len(head) < file.size:
        head = head[: head.rfind(b"\n") + 1]
    builder = copy.deepcopy(layout_of(client, repository, split.config).made)
    with tempfile.TemporaryDirectory(prefix="phift-hub-") as folder:
        path = Path(folder) / f"head{suffix}"
        path.write_bytes(head)
        try:
            schema = next(iter(local_rows(builder, split.split, path))).schema
        except Exception:  # noqa: BLE001 - an incomplete file may fail in any way; the columns are then unknown
            return {}
        return {field.name: type_text(field.type) for field in schema}
