"""What a live service adds to its responses and a client must tolerate: unknown fields, another order."""

from __future__ import annotations

import json
import random
from typing import Any

from starlette.responses import Response

from phift.emulator.core.documents import reply

__all__ = ["noisy"]

_UNORDERED = ("computes", "onlineendpoints", "deployments", "datastores")
"""Lists whose order the service does not promise; those of versions are sorted."""


def noisy(path: str, response: Response) -> Response:
    """The answer with fields no client knows, keys in another order, and unordered lists shuffled."""
    if response.status_code != 200 or not response.body:
        return response
    document = json.loads(bytes(response.body))
    if not isinstance(document, dict):
        return response
    items = document.get("value")
    if isinstance(items, list) and path.rstrip("/").rsplit("/", 1)[-1].lower() in _UNORDERED:
        random.shuffle(items)
    for each in items if isinstance(items, list) else [document]:
        if isinstance(each, dict):
            _disturb(each)
    kept = {name: value for name, value in response.headers.items() if name not in {"content-length", "content-type"}}
    return reply(document, headers=kept)


def _disturb(document: dict[str, Any]) -> None:
    properties = document.get("properties")
    if isinstance(properties, dict):
        properties["newInALaterRelease"] = {"since": "2031-01-01", "enabled": random.random() < 0.5}
        _reorder(properties)
    document["etag"] = f"{random.getrandbits(64):016x}"
    _reorder(document)


def _reorder(document: dict[str, Any]) -> None:
    pairs = list(document.items())
    random.shuffle(pairs)
    document.clear()
    document.update(pairs)
