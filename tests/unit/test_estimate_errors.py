"""The errors of the estimates on public measurements are those that docs/memory.md states."""

from __future__ import annotations

import re
from pathlib import Path

from estimates import MEMORY, SPEED, errors, summary, tables, verdicts

ROOT = Path(__file__).parents[2]


def test_the_page_has_the_current_tables() -> None:
    page = (ROOT / "docs" / "memory.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- estimates: begin -->\n(.*)<!-- estimates: end -->", page, re.DOTALL)
    assert found is not None
    assert found[1] == tables(), "run: python tests/estimates.py, and copy its output between the marks"


def test_memory_is_within_the_stated_errors() -> None:
    whole, plain = summary(errors(MEMORY)), summary(errors(p for p in MEMORY if not p.stage))
    assert whole["points"] == 60
    assert whole["median"] <= 0.09
    assert whole["within_15"] >= 0.80
    assert whole["within_30"] >= 0.98
    assert plain["median"] <= 0.065
    assert plain["within_15"] >= 0.85


def test_no_measured_run_is_rejected_wrongly() -> None:
    found = verdicts()
    assert (found.given, found.refused) == (360, 0)
    assert found.failed <= 2
    assert found.tight <= 45


def test_speed_is_within_the_stated_range() -> None:
    found = summary(errors(SPEED))
    assert found["median"] <= 0.25
    assert found["within_30"] >= 0.60
    assert found["within_x2"] >= 0.95
