"""The README fits one screen and leads to every page."""

from __future__ import annotations

import re

from blocks import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_is_one_screen() -> None:
    assert len(README.splitlines()) <= 60


def test_the_two_commands_come_first() -> None:
    first = README.partition("```sh\n")[2].partition("```")[0]
    assert [line.split("#")[0].strip() for line in first.splitlines()] == ["make demo", "make test"]


def test_it_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\((docs/[\w/-]+\.(?:md|svg))\)", README))
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    inner = {"docs/index.md", "docs/refusals.md"}
    assert pages - linked - inner == set()
    assert [path for path in sorted(linked) if not (ROOT / path).is_file()] == []
