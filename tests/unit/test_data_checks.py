"""Checks of the data: what is pinned, for how long a pin holds, and what a spec makes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phift.data.checks import CHECKS_VERSION, Found, found_in, licences, pinned_in, verdicts
from phift.data.hub.pins import HubFile, HubSplit
from phift.data.messages import encoded
from phift.data.recipe import Recipe
from phift.data.sources import SourceFile, SourceIdentity
from phift.data.stats import Measures, Meter
from phift.data.tokens import ESTIMATE, TokenCounter
from phift.diagnostics import Severity
from phift.kinds.data.spec import ChecksBlock

COUNTER = TokenCounter(ESTIMATE, lambda texts: sum(map(len, texts)))


def recipe(name: str) -> Recipe:
    return Recipe(SourceIdentity((SourceFile(Path(f"{name}.jsonl"), "jsonl", 1, name.ljust(64, "0")),)))


RECIPES = {name: recipe(name) for name in ("train", "validation", "test")}


def measured(*prompts: str) -> Measures:
    meter = Meter(COUNTER)
    for prompt in prompts:
        messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": "Yes."}]
        meter.add(encoded({"messages": messages}))
    return meter.measures()


def findings() -> dict[str, Found]:
    train = measured("a", "b", "b", "mail me@home.example")
    return found_in(
        RECIPES, {"train": train, "validation": measured("c"), "test": measured("a", "b", "longest of all")}
    )


def pins(found: dict[str, Found]) -> dict[str, dict[str, Any]]:
    return {split: one.plain() for split, one in found.items()}


def test_what_is_found() -> None:
    found = findings()
    assert list(found) == ["train", "validation", "test"]
    assert (found["train"].rows, found["train"].duplicates, found["train"].personal) == (4, 1, {"email": 1})
    assert found["train"].overlap is None
    assert (found["validation"].overlap, found["test"].overlap) == (0, 2)
    assert found["test"].longest == 18


def test_a_pin_is_read_as_written() -> None:
    found = findings()
    assert pinned_in(pins(found), RECIPES) == found


def test_other_splits_are_not_checked() -> None:
    assert not found_in({"sample": recipe("sample")}, {"sample": measured("a")})


def test_a_pin_holds_for_its_recipe_alone() -> None:
    kept = pins(findings())
    assert set(pinned_in(kept, {**RECIPES, "validation": recipe("other")})) == {"train", "test"}


def test_an_overlap_is_with_the_train_of_its_time() -> None:
    assert set(pinned_in(pins(findings()), {**RECIPES, "train": recipe("other")})) == set()
    alone = {name: one for name, one in RECIPES.items() if name != "train"}
    assert set(pinned_in(pins(findings()), alone)) == {"validation", "test"}
    unseen = found_in(alone, {"test": measured("a")})
    assert not pinned_in(pins(unseen), RECIPES)  # no train was there to compare with


@pytest.mark.parametrize(
    "change",
    [
        {"version": CHECKS_VERSION + 1},
        {"rows": "4"},
        {"rows": -1},
        {"duplicates": None},
        {"longest": True},
        {"recipe": 7},
        {"tokens": None},
        {"personal": ["email"]},
        {"personal": {"email": "1"}},
        {"overlap": 3},
        {"overlap": {"train": 1, "rows": 1}},
        {"overlap": {"train": "x", "rows": -1}},
    ],
)
def test_a_pin_of_another_version_or_a_damaged_one_is_none(change: dict[str, Any]) -> None:
    kept = pins(findings())
    kept["train"] |= change
    assert "train" not in pinned_in(kept, RECIPES)


def said(**checks: Any) -> list[tuple[str, str]]:
    block = ChecksBlock.model_validate({"overlap": "ignore", "duplicates": "ignore", **checks})
    return [(d.code, d.severity.value) for d in verdicts(block, findings())]


def test_what_a_spec_makes_of_it() -> None:
    assert said() == []
    assert said(overlap="refuse") == [("data-check-overlap", "error")]
    assert said(overlap="warn") == [("data-check-overlap", "warning")]
    assert said(duplicates="refuse") == [("data-check-duplicates", "error")]
    assert said(pii="warn") == [("data-check-pii", "warning")]
    assert said(longest=24) == []
    assert said(longest=23) == [("data-check-longest", "error")]


def test_a_finding_names_the_split_and_no_text() -> None:
    block = ChecksBlock.model_validate({"overlap": "refuse", "duplicates": "warn", "pii": "warn", "longest": 2})
    found = verdicts(block, findings())
    assert all(d.summary.startswith(("data.train: ", "data.validation: ", "data.test: ")) for d in found)
    assert "home.example" not in str(found)
    longest = next(d for d in found if d.code == "data-check-longest")
    assert "about 24 tokens" in longest.summary
    assert "characters/4" in longest.detail


def test_counted_tokens_are_said_to_be_counted() -> None:
    block = ChecksBlock.model_validate({"longest": 2})
    (found,) = verdicts(block, {"train": replace(findings()["train"], counted_by="microsoft/Phi-4", duplicates=0)})[-1:]
    assert "about" not in found.summary
    assert "microsoft/Phi-4" in found.detail


def of_hub(licence: str) -> Recipe:
    file = HubFile("data/train.parquet", 10, "a" * 64)
    split = HubSplit("org/x@main", "org/x", "b" * 40, "default", "train", "parquet", 1, {}, (file,), licence=licence)
    return Recipe(SourceIdentity((), split))


@pytest.mark.parametrize(
    ("licence", "allowed", "refused"),
    [
        ("mit", ["mit"], False),
        ("MIT", ["mit", "apache-2.0"], False),
        ("cc-by-nc-4.0", ["mit", "apache-2.0"], True),
        ("", ["mit"], True),
        ("mit, cc-by-nc-4.0", ["mit"], True),
        ("mit, apache-2.0", ["apache-2.0", "mit"], False),
        ("anything", [], False),
    ],
)
def test_licences(licence: str, allowed: list[str], refused: bool) -> None:
    found = licences(ChecksBlock.model_validate({"licence": allowed}), {"train": of_hub(licence)})
    assert [d.severity for d in found] == ([Severity.ERROR] if refused else [])


def test_a_local_file_has_no_licence_to_check() -> None:
    assert not licences(ChecksBlock.model_validate({"licence": ["mit"]}), RECIPES)
