"""Documents by kind and key, in one SQLite file.

Used from the event-loop thread only. A write has reached the operating system when the call returns, so it outlives
the process being killed (WAL, synchronous=NORMAL: a power cut may cost the last writes, never consistency).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["CorruptStore", "Store", "corruption"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, key)
);
"""
_SEPARATOR = "\x1f"  # sorts before every character a name can hold, so a prefix is one contiguous range
_AFTER_SEPARATOR = "\x20"


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_CORRUPTION = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_ERROR))


class CorruptStore(Exception):
    """The store cannot be read, now or ever; the text says why."""


def corruption(error: BaseException) -> str | None:
    """Why the store is damaged, where that is what an error says; None for any other error."""
    if isinstance(error, CorruptStore):
        return str(error)
    code = getattr(error, "sqlite_errorcode", None) if isinstance(error, sqlite3.DatabaseError) else None
    return str(error) if code is not None and code & 0xFF in _CORRUPTION else None


class Store:
    """Documents by kind and key. Keys compare case-insensitively, as Azure's resource ids do.

    A file that is not a database, is cut off or has holes in it raises an error of which `damage` gives the reason.
    home: the store of what all workspaces of a home share; the store itself, if it is that of the home.
    """

    def __init__(self, path: Path, home: Store | None = None) -> None:
        self.home = home or self
        self.connection = sqlite3.connect(path, isolation_level=None)
        try:
            self.connection.execute("PRAGMA journal_mode=WAL")
            self.connection.execute("PRAGMA synchronous=NORMAL")
            self.connection.execute("PRAGMA foreign_keys=ON")
            found = self.connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise CorruptStore(str(found))
            self.connection.executescript(_SCHEMA)
        except BaseException:
            self.connection.close()
            raise
        self._depth = 0
        self._peeked: dict[tuple[str, str], dict[str, Any]] = {}

    def peek(self, kind: str, *key: str) -> dict[str, Any] | None:
        """The document, or None. It is shared until the next write, and must not be changed."""
        place = (kind, _key(key))
        found = self._peeked.get(place)
        if found is None and (found := self.get(kind, *key)) is not None:
            self._peeked[place] = found
        return found

    def get(self, kind: str, *key: str) -> dict[str, Any] | None:
        """The document, a fresh copy, or None."""
        row = self.connection.execute(
            "SELECT body FROM document WHERE kind = ? AND key = ?", (kind, _key(key))
        ).fetchone()
        return None if row is None else _document(row[0])

    def put(self, kind: str, *key: str, body: dict[str, Any]) -> None:
        """Create or replace the document; a replaced one keeps its place in creation order."""
        self._peeked.clear()
        self.connection.execute(
            "INSERT INTO document (kind, key, body) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
            (kind, _key(key), _compact(body)),
        )

    def delete(self, kind: str, *key: str) -> bool:
        """Remove the document; True when there was one."""
        self._peeked.clear()
        cursor = self.connection.execute("DELETE FROM document WHERE kind = ? AND key = ?", (kind, _key(key)))
        return cursor.rowcount > 0

    def list(self, kind: str, *prefix: str) -> list[dict[str, Any]]:
        """The documents of a kind whose key begins with the whole parts of `prefix`, in creation order."""
        return list(self.scan(kind, *prefix))

    def scan(self, kind: str, *prefix: str, newest_first: bool = False) -> Iterator[dict[str, Any]]:
        """As `list`, one by one: who stops early pays for what was read. Nothing may be written meanwhile."""
        order = "DESC" if newest_first else "ASC"
        where, values = "kind = ?", [kind]
        if prefix:
            start = _key(prefix)
            where += " AND key > ? AND key < ?"
            values += [start + _SEPARATOR, start + _AFTER_SEPARATOR]
        query = f"SELECT body FROM document WHERE {where} ORDER BY sequence {order}"
        for (body,) in self.connection.execute(query, values):
            yield _document(body)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside happen or none; may be nested (only the outermost commits). Never await inside."""
        if self._depth == 0:
            self.connection.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._peeked.clear()
            self._depth -= 1
            if self._depth == 0:
                self.connection.execute("ROLLBACK")
            raise
        self._depth -= 1
        if self._depth == 0:
            self.connection.execute("COMMIT")

    def close(self) -> None:
        self.connection.close()


def _document(body: str) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(body)
    except ValueError as error:
        raise CorruptStore(f"a document is not JSON: {error}") from error
    return document


def _key(parts: tuple[str, ...]) -> str:
    return _SEPARATOR.join(parts).casefold()
