"""Checks have a name and say what they read; a plain generator is a check too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from phift.diagnostics import Diagnostic
from phift.kinds.check import check, named
from phift.kinds.subject import Subject
from phift.preflight.page import updated
from phift.preflight.run import all_checks

NOTHING = cast(Subject, None)


def test_every_check_has_its_own_name_and_says_what_it_reads() -> None:
    checks = list(all_checks())
    assert len({c.name for c in checks}) == len(checks)
    for each in checks:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", each.name), each
        assert each.reads, f"{each.name}: name it with phift.kinds.check.check"
        assert each.source, each.name


def test_a_plain_generator_is_a_check() -> None:
    def some_limit(subject: Subject) -> Iterator[Diagnostic]:
        yield Diagnostic("too many", code="too-many")

    found = named(some_limit)
    assert (found.name, found.read_by(NOTHING), found.applies(NOTHING)) == ("some-limit", "", True)
    assert [d.code for d in found(NOTHING)] == ["too-many"]


def test_a_named_check_keeps_its_name() -> None:
    @check("limit", reads=lambda subject: "3 of 5", source="the region", unknown=("limit-unknown",))
    def some_limit(subject: Subject) -> Iterator[Diagnostic]:
        yield from ()

    assert named(some_limit) is some_limit
    assert (some_limit.name, some_limit.read_by(NOTHING)) == ("limit", "3 of 5")
    assert some_limit.unknown == frozenset({"limit-unknown"})


def test_the_page_lists_all_checks() -> None:
    page = (Path(__file__).parents[2] / "docs" / "preflight.md").read_text(encoding="utf-8")
    assert page == updated(page), "run: python -m phift.preflight docs/preflight.md"
