"""Texts about a data version."""

from __future__ import annotations

from phift.kinds.shared.texts import ARCHIVE, short_uri
from phift.kinds.words import StatusText, joined, plural
from phift.plan.action import Action

__all__ = ["WORDS", "status"]

WORDS = {Action.DELETE: ARCHIVE}


def status(row: StatusText) -> list[str]:
    """`600 rows, phift/data/0123456789ab.../train.jsonl`."""
    rows, uri = row.facts.pop("rows", None), str(row.facts.pop("uri", ""))
    row.facts.pop("content", None)
    return [joined(plural(rows, "row") if rows is not None else "", short_uri(uri))]
