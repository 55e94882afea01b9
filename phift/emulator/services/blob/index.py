"""The tables that say which containers, blobs, segments and uncommitted blocks exist."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from phift.emulator.services.blob.lease import Lease
from phift.emulator.services.blob.model import Blob, BlobKind, Container

__all__ = ["Index", "Segment", "successor"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS blob_container (
    name TEXT PRIMARY KEY, created INTEGER NOT NULL, modified INTEGER NOT NULL, metadata TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blob (
    id INTEGER PRIMARY KEY, container TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, length INTEGER NOT NULL,
    created INTEGER NOT NULL, modified INTEGER NOT NULL, headers TEXT NOT NULL, metadata TEXT NOT NULL,
    lease TEXT NOT NULL, blocks INTEGER NOT NULL, UNIQUE (container, name)
);
CREATE TABLE IF NOT EXISTS blob_segment (
    blob INTEGER NOT NULL, position INTEGER NOT NULL, block TEXT NOT NULL, file TEXT NOT NULL, length INTEGER NOT NULL,
    PRIMARY KEY (blob, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS blob_segment_file ON blob_segment (file);
CREATE TABLE IF NOT EXISTS blob_block (
    container TEXT NOT NULL, name TEXT NOT NULL, block TEXT NOT NULL, file TEXT NOT NULL, length INTEGER NOT NULL,
    staged INTEGER NOT NULL, PRIMARY KEY (container, name, block)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS blob_block_file ON blob_block (file);
"""
_FRESH = (
    "WHERE container = ? AND name = ? AND (SELECT max(staged) FROM blob_block WHERE container = ? AND name = ?) >= ?"
)
_BLOB = "id, container, name, kind, length, created, modified, headers, metadata, lease, blocks"

_NO_LEASE = Lease()

Segment = tuple[str, str, int]
"""A part of a blob's content, or an uncommitted block: block id, file, length."""


class Index:
    """Rows only; what they mean is the engine's. Used from one thread; writes belong inside `transaction`.

    stale: the ticks before which the last uncommitted block of a blob must be staged for all of them to have expired.
    """

    def __init__(self, connection: sqlite3.Connection, stale: Callable[[], int]) -> None:
        self._connection = connection
        self._stale = stale
        connection.executescript(_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside or none; joins a transaction that is already open."""
        execute = self._connection.execute
        if self._connection.in_transaction:
            begin, commit, undo = "SAVEPOINT blobs", "RELEASE blobs", ["ROLLBACK TO blobs", "RELEASE blobs"]
        else:
            begin, commit, undo = "BEGIN IMMEDIATE", "COMMIT", ["ROLLBACK"]
        execute(begin)
        try:
            yield
        except BaseException:
            for statement in undo:
                execute(statement)
            raise
        execute(commit)

    def container(self, name: str) -> Container | None:
        row = self._connection.execute(
            "SELECT created, modified, name, metadata FROM blob_container WHERE name = ?", (name,)
        ).fetchone()
        return None if row is None else _container(row)

    def containers(self, prefix: str, start: str, limit: int) -> list[Container]:
        """At most `limit` containers with the prefix, from the name `start` on."""
        rows = self._connection.execute(
            "SELECT created, modified, name, metadata FROM blob_container "
            "WHERE name >= ? AND (? = '' OR name < ?) ORDER BY name LIMIT ?",
            (max(prefix, start), prefix, successor(prefix), limit),
        )
        return [_container(row) for row in rows]

    def put_container(self, container: Container) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO blob_container (name, created, modified, metadata) VALUES (?, ?, ?, ?)",
            (container.name, container.created, container.modified, _json(container.metadata)),
        )

    def delete_container(self, name: str) -> list[str]:
        """Remove the container and all in it; return the files that had content."""
        files = self._column(
            "SELECT file FROM blob_segment JOIN blob ON blob.id = blob_segment.blob WHERE container = ? "
            "UNION SELECT file FROM blob_block WHERE container = ?",
            (name, name),
        )
        for statement in (
            "DELETE FROM blob_segment WHERE blob IN (SELECT id FROM blob WHERE container = ?)",
            "DELETE FROM blob WHERE container = ?",
            "DELETE FROM blob_block WHERE container = ?",
            "DELETE FROM blob_container WHERE name = ?",
        ):
            self._connection.execute(statement, (name,))
        return files

    def blob(self, container: str, name: str) -> Blob | None:
        row = self._connection.execute(
            f"SELECT {_BLOB} FROM blob WHERE container = ? AND name = ?", (container, name)
        ).fetchone()
        return None if row is None else _blob(row)

    def blobs(self, container: str, prefix: str, start: str) -> Iterator[Blob]:
        """The blobs with the prefix, from the name `start` on, in name order. Do not write while iterating."""
        rows = self._connection.execute(
            f"SELECT {_BLOB} FROM blob WHERE container = ? AND name >= ? AND (? = '' OR name < ?) ORDER BY name",
            (container, max(prefix, start), prefix, successor(prefix)),
        )
        return map(_blob, rows)

    def put_blob(self, blob: Blob) -> int:
        """Insert (id 0) or replace the row; return the id."""
        values = (
            blob.container,
            blob.name,
            blob.kind.value,
            blob.length,
            blob.created,
            blob.modified,
            _json(blob.headers),
            _json(blob.metadata),
            _json(asdict(blob.lease)) if blob.lease.id else "{}",
            blob.blocks,
        )
        cursor = self._connection.execute(
            f"INSERT OR REPLACE INTO blob ({_BLOB}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (blob.id or None, *values),
        )
        return int(cursor.lastrowid or 0)

    def delete_blob(self, blob: Blob) -> None:
        self._connection.execute("DELETE FROM blob_segment WHERE blob = ?", (blob.id,))
        self._connection.execute("DELETE FROM blob WHERE id = ?", (blob.id,))

    def segments(self, blob: int) -> list[Segment]:
        return self._connection.execute(
            "SELECT block, file, length FROM blob_segment WHERE blob = ? ORDER BY position", (blob,)
        ).fetchall()

    def set_segments(self, blob: int, segments: Iterable[Segment]) -> None:
        self._connection.execute("DELETE FROM blob_segment WHERE blob = ?", (blob,))
        self._connection.executemany(
            "INSERT INTO blob_segment (blob, position, block, file, length) VALUES (?, ?, ?, ?, ?)",
            [(blob, position, *segment) for position, segment in enumerate(segments)],
        )

    def add_segment(self, blob: int, segment: Segment) -> None:
        self._connection.execute(
            "INSERT INTO blob_segment (blob, position, block, file, length) "
            "SELECT ?, coalesce(max(position), -1) + 1, ?, ?, ? FROM blob_segment WHERE blob = ?",
            (blob, *segment, blob),
        )

    def last_segment(self, blob: int) -> Segment | None:
        row: Segment | None = self._connection.execute(
            "SELECT block, file, length FROM blob_segment WHERE blob = ? ORDER BY position DESC LIMIT 1", (blob,)
        ).fetchone()
        return row

    def grow_last_segment(self, blob: int, by: int) -> None:
        self._connection.execute(
            "UPDATE blob_segment SET length = length + ? WHERE blob = ? "
            "AND position = (SELECT max(position) FROM blob_segment WHERE blob = ?)",
            (by, blob, blob),
        )

    def blocks(self, container: str, name: str) -> list[Segment]:
        """Uncommitted blocks that have not expired, by id."""
        return self._connection.execute(
            f"SELECT block, file, length FROM blob_block {_FRESH} ORDER BY block", self._fresh(container, name)
        ).fetchall()

    def put_block(self, container: str, name: str, segment: Segment, staged: int) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO blob_block (container, name, block, file, length, staged) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (container, name, *segment, staged),
        )

    def block_file(self, container: str, name: str, block: str) -> str | None:
        row = self._connection.execute(
            "SELECT file FROM blob_block WHERE container = ? AND name = ? AND block = ?", (container, name, block)
        ).fetchone()
        return None if row is None else str(row[0])

    def block_length(self, container: str, name: str) -> int | None:
        """The length of the ids of the blob's uncommitted blocks, which all must share; None without any."""
        row = self._connection.execute(
            f"SELECT length(block) FROM blob_block {_FRESH} LIMIT 1", self._fresh(container, name)
        ).fetchone()
        return None if row is None else int(row[0])

    def delete_blocks(self, container: str, name: str) -> None:
        self._connection.execute("DELETE FROM blob_block WHERE container = ? AND name = ?", (container, name))

    def delete_stale_blocks(self) -> None:
        self._connection.execute(
            "DELETE FROM blob_block WHERE (container, name) IN "
            "(SELECT container, name FROM blob_block GROUP BY container, name HAVING max(staged) < ?)",
            (self._stale(),),
        )

    def _fresh(self, container: str, name: str) -> tuple[str | int, ...]:
        return container, name, container, name, self._stale()

    def unused(self, files: Iterable[str]) -> list[str]:
        """Those of `files` that no row names any more."""
        return [
            file
            for file in set(files)
            if not self._connection.execute(
                "SELECT EXISTS (SELECT 1 FROM blob_segment WHERE file = ?) "
                "OR EXISTS (SELECT 1 FROM blob_block WHERE file = ?)",
                (file, file),
            ).fetchone()[0]
        ]

    def files(self) -> dict[str, int]:
        """Every file that some row names, and how long it must at least be."""
        return dict(
            self._connection.execute(
                "SELECT file, max(length) FROM (SELECT file, length FROM blob_segment "
                "UNION ALL SELECT file, length FROM blob_block) GROUP BY file"
            )
        )

    def forget(self, file: str) -> list[str]:
        """Remove the blobs and blocks that need a file; return the names of the blobs."""
        blobs = [
            _blob(row)
            for row in self._connection.execute(
                f"SELECT {_BLOB} FROM blob WHERE id IN (SELECT blob FROM blob_segment WHERE file = ?)", (file,)
            )
        ]
        for blob in blobs:
            self.delete_blob(blob)
        self._connection.execute("DELETE FROM blob_block WHERE file = ?", (file,))
        return [f"{blob.container}/{blob.name}" for blob in blobs]

    def _column(self, query: str, values: tuple[Any, ...]) -> list[str]:
        return [row[0] for row in self._connection.execute(query, values)]


def successor(prefix: str) -> str:
    """The least text greater than everything that begins with `prefix`; "" for an empty prefix."""
    if not prefix:
        return ""
    code = ord(prefix[-1]) + 1
    if code > 0x10FFFF:
        return successor(prefix[:-1])
    return prefix[:-1] + chr(0xE000 if 0xD800 <= code < 0xE000 else code)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _container(row: tuple[Any, ...]) -> Container:
    created, modified, name, metadata = row
    return Container(created, modified, name, json.loads(metadata))


def _blob(row: tuple[Any, ...]) -> Blob:
    identity, container, name, kind, length, created, modified, headers, metadata, lease, blocks = row
    return Blob(
        created,
        modified,
        identity,
        container,
        name,
        BlobKind(kind),
        length,
        json.loads(headers),
        {} if metadata == "{}" else json.loads(metadata),
        _NO_LEASE if lease == "{}" else Lease(**json.loads(lease)),
        blocks,
    )
