"""Small pieces that the service's documents share: times, system data, JSON answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

__all__ = ["PRINCIPAL", "empty", "reply", "system_data", "timestamp", "touched"]

PRINCIPAL = "phift local"
"""Who created everything here, as systemData says it."""


def timestamp(moment: datetime | None = None) -> str:
    """A time (now, unless told) as the machine learning front end writes it: seven digits at most, ending in +00:00."""
    value = (moment or datetime.now(UTC)).astimezone(UTC)
    fraction = f"{value.microsecond:06d}".rstrip("0")
    return value.strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction}" if fraction else "") + "+00:00"


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
        json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        status_code=status,
        media_type="application/json; charset=utf-8",
        headers=dict(headers or {}),
    )


def empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """An answer without a body."""
    return Response(status_code=status, headers={**(headers or {}), "Content-Length": "0"})
