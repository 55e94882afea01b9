"""docs/import.md: its commands print what the golden case prints, and its spec is the one that is written there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "import.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
GOLDEN = "\n".join(
    (ROOT / "tests" / "acceptance" / "cases" / name / "output.txt").read_text(encoding="utf-8")
    for name in ("import", "import-job")
    if (ROOT / "tests" / "acceptance" / "cases" / name).is_dir()
)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_its_blocks_are_those_of_the_golden_case(number: int) -> None:
    language, block = BLOCKS[number]
    assert language == "yaml" or block.startswith("$ phift ")
    # The digest differs from run to run.
    pieces = [re.escape(piece) for piece in block.strip().split("...")]
    assert re.search(r"\S+".join(pieces), GOLDEN), block
