"""Texts about a code version."""

from __future__ import annotations

from phift.kinds.shared.texts import ARCHIVE, short_uri
from phift.kinds.words import StatusText
from phift.plan.action import Action

__all__ = ["WORDS", "status"]

WORDS = {Action.DELETE: ARCHIVE}


def status(row: StatusText) -> list[str]:
    """Return the place of the files in the blob store."""
    return [short_uri(str(row.facts.pop("uri", "")))]
