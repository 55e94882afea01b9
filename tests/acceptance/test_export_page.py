"""docs/export.md shows what the acceptance case `export` runs and prints."""

from __future__ import annotations

import re

import pytest
from harness import CASES, REPOSITORY

PAGE = (REPOSITORY / "docs" / "export.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(?:console|sh)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def _plain(text: str) -> str:
    """The text without digests, which the golden output has numbered."""
    return re.sub(r"\[hex\d+\]|\[6 hex\]|(?<=-)[0-9a-f]{6,12}\b", "[hex]", text)


def test_the_page_has_blocks() -> None:
    assert len(BLOCKS) == 2


@pytest.mark.parametrize("block", BLOCKS)
def test_the_page_shows_golden_output(block: str) -> None:
    golden = (CASES / "export" / "output.txt").read_text(encoding="utf-8")
    assert _plain(block) in _plain(golden)
