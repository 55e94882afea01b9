"""What the tests of hub data share beside the stand-in hub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hub import SIGNATURE, VARIABLES
from hubdata import CHAT, rows_of

from phift.data.hub import HubClient, HubRequest, HubSplit, Selection, read
from phift.data.hub.session import Patience
from phift.errors import DiagnosticsError, InvalidSpecError, PhiftError

__all__ = [
    "GOOD",
    "LENGTH",
    "OTHER",
    "QUICK",
    "TRAIN",
    "FakeClock",
    "clear",
    "expected",
    "harmless",
    "left_in",
    "rows",
    "said",
]

TRAIN = HubRequest(CHAT, split="train_sft")
GOOD, OTHER = "hf_goodTokenOfTheTests", "hf_otherTokenOfTheTests"
QUICK = Patience(base=0.01, cap=0.02)
LENGTH = 2500
"""Characters of a message, where row groups must be larger than a footer."""


@dataclass
class FakeClock:
    """Sleeps in no time."""

    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def clear(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """An environment without settings of the hub, and a HF_HOME that does not exist yet."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(home))


def expected(count: int) -> list[dict[str, Any]]:
    """The first rows of train_sft with long messages."""
    return list(rows_of("train_sft", count, length=LENGTH))


def rows(pin: HubSplit, client: HubClient, folder: Path, selection: Selection | None = None) -> list[Any]:
    return [row for _, _, row in read(pin, selection or Selection.all(), client, folder)]


def left_in(folder: Path) -> list[str]:
    """Files of downloads."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")


def said(error: PhiftError) -> str:
    """Field, summary and remedy."""
    if isinstance(error, InvalidSpecError):
        (found,) = error.diagnostics
        return f"{found.path}: {found.summary} | {found.remedy}"
    return f"{error.summary} | {error.remedy}"


def harmless(error: PhiftError) -> None:
    """It has a remedy, and contains no token, no signed URL, no text of a row."""
    assert error.exit_code in (1, 5)
    for summary, detail, remedy in _parts(error):
        assert summary
        assert "\n" not in summary
        assert remedy
        for secret in (GOOD, SIGNATURE, "Expires=", "Bearer", *(row["prompt"] for row in expected(3))):
            assert secret not in f"{summary} {detail} {remedy}"


def _parts(error: PhiftError) -> Iterator[tuple[str, str, str]]:
    for each in error.diagnostics if isinstance(error, DiagnosticsError) else [error]:
        yield each.summary, each.detail, each.remedy
