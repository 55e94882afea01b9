"""Texts about an environment version."""

from __future__ import annotations

from phift.kinds.shared.texts import ARCHIVE
from phift.kinds.words import StatusText
from phift.plan.action import Action

__all__ = ["WORDS", "status"]

WORDS = {Action.DELETE: ARCHIVE}


def status(row: StatusText) -> list[str]:
    """Return the image, or the build context."""
    return [str(row.facts.pop("image", "") or "")]
