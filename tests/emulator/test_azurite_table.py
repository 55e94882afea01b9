"""The table of differences from Azurite in docs/emulator.md: as generated, and of tests that exist.

UPDATE_GOLDEN=1 pytest tests/emulator/test_azurite_table.py    writes the table
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.emulator import test_blob_refused as refused
from tests.emulator import test_blob_wire as wire
from tests.emulator.blobtargets import EXPECTED

PAGE = Path(__file__).resolve().parents[2] / "docs" / "emulator.md"
BEGIN, END = "<!-- azurite: generated, see tests/emulator/azurite.yaml -->", "<!-- end of azurite -->"


def table() -> str:
    lines = ["| Azurite | embedded | because |", "|---|---|---|"]
    lines += [f"| {row['azurite']} | {row['embedded']} | {row['because']} |" for row in EXPECTED["differences"]]
    return "\n".join(lines)


def test_the_page_has_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    inside, end, tail = rest.partition(END)
    assert begin
    assert end
    wanted = f"\n\n{table()}\n\n"
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(f"{head}{BEGIN}{wanted}{END}{tail}", encoding="utf-8")
        return
    assert inside == wanted
    assert f"Azurite {EXPECTED['version']}" in text


def test_every_difference_has_its_tests() -> None:
    names = [name for row in EXPECTED["differences"] for name in row["tests"]]
    assert len(names) == len(set(names))
    assert set(names) <= set(refused.REFUSED) | set(vars(refused)) | set(vars(wire))
