"""Texts about a model version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.kinds.shared.texts import ARCHIVE, short_uri
from phift.kinds.words import ResultBlock, StatusText
from phift.plan.action import Action

__all__ = ["WORDS", "result", "status"]

WORDS = {Action.DELETE: ARCHIVE}


def status(row: StatusText) -> list[str]:
    """Return the job that trained it, or its files."""
    job, uri = row.facts.pop("job", ""), str(row.facts.pop("uri", ""))
    return [f"trained by {job}" if job else short_uri(uri)]


def result(outputs: Mapping[str, Any], local: bool) -> ResultBlock:
    """Return name and version."""
    return ResultBlock("Model", f"{outputs.get('name', '')}:{outputs.get('version', '')}")
