"""What a page shows is compared with what comes out."""

from __future__ import annotations

import pytest
from output import differs


@pytest.mark.parametrize(
    ("shown", "actual"),
    [
        ("a\nb\n", "a\nb"),
        ("a\n...\nd", "a\nb\nc\nd"),
        ("a\n...\nb", "a\nb"),
        ("...", ""),
        ("job a-12ab34cd... done", "job a-99ff00aa after 3s done"),
        ("took 3s at 2026-01-01T10:00:00Z", "took 1m12s at 2027-05-05T11:00:00Z"),
        ("a  b", "a      b"),
    ],
)
def test_equal(shown: str, actual: str) -> None:
    assert differs(shown, actual) == ""


@pytest.mark.parametrize(
    ("shown", "actual"),
    [("a", "a\nb"), ("a\n...", "b\na"), ("a...c", "a b\nc"), ("1 added", "2 added"), ("a.c", "abc")],
)
def test_different(shown: str, actual: str) -> None:
    assert "+++ actual" in differs(shown, actual)


def test_a_part() -> None:
    assert differs("b\n...\nd", "a\nb\nc\nd\ne", part=True) == ""
    assert differs("b c", "a\nbb c\nd", part=True) != ""
