"""Small pieces that the service's documents share: times, system data, JSON answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

__all__ = ["PRINCIPAL", "compact_json", "empty", "reply", "system_data", "timestamp", "touched"]

compact_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""A value as JSON without blanks."""
PRINCIPAL = "phift local"
"""Who created everything here, as systemData says it."""


def timestamp(moment: datetime | None = None) -> str:
    """A time (default: now) as the machine learning front end writes it: seven digits at most, ending in +00:00."""
    value = datetime.now(UTC) if moment is None else moment.astimezone(UTC)
    text = value.isoformat()
    return text if value.microsecond % 10 or not value.microsecond else f"{text[:-6].rstrip('0')}+00:00"


def system_data(created_at: str | None = None) -> dict[str, str]:
    """systemData of a new object; created_at keeps the first time when an object is written again."""
    now = timestamp()
    return {
        "createdAt": created_at or now,
        "createdBy": PRINCIPAL,
        "createdByType": "User",
        "lastModifiedAt": now,
        "lastModifiedBy": PRINCIPAL,
        "lastModifiedByType": "User",
    }


def touched(data: Mapping[str, str]) -> dict[str, str]:
    """The systemData `data` after a write."""
    return {**data, "lastModifiedAt": timestamp()}


def reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(
        compact_json(body),
        status_code=status,
        media_type="application/json; charset=utf-8",
        headers=dict(headers or {}),
    )


def empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """An answer without a body."""
    return Response(status_code=status, headers={**(headers or {}), "Content-Length": "0"})
