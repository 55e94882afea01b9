"""Texts about a deployment."""

from __future__ import annotations

import re

from phift.kinds.words import StatusText, joined, plural
from phift.lazy import lazy_pattern

__all__ = ["status"]

_VERSION = lazy_pattern(r"/(?:models|components)/([^/]+)/versions/([^/]+)$", re.IGNORECASE)


def status(row: StatusText) -> list[str]:
    """`phi3-chat:3, 1 instance, 100 % of the traffic`."""
    count = row.facts.pop("instances", None)
    model = _VERSION.search(str(row.facts.pop("model", "")))
    return [
        joined(
            f"{model[1]}:{model[2]}" if model else "",
            plural(count, "instance") if count is not None else "",
            "" if row.missing else f"{row.shares.get(row.identity.lower(), 0)} % of the traffic",
        )
    ]
