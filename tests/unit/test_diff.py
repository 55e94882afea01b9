"""Comparing fields: only declared ones, equality as YAML means it, and what each rule does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phift.kinds.base import Kind
from phift.kinds.registry import KINDS
from phift.plan.action import ChangeAction
from phift.plan.diff import diff
from phift.state.overrides import leaves
from phift.state.rules import Behaviour, Rule, Source, rules_of


def rule(field: str, behaviour: Behaviour) -> Rule:
    return Rule("k", field, behaviour, f"because of {field}", Source.DOCS)


@pytest.mark.parametrize(
    ("wanted", "live", "same"),
    [
        (1, 1.0, True),
        (True, 1, False),
        ("a", "A", False),
        ([1, 2], [2, 1], False),
        ({}, None, True),
        ({}, {}, True),
        (120, 120.0, True),
    ],
)
def test_equality(wanted: Any, live: Any, same: bool) -> None:
    changes, unchanged = diff({"x": wanted}, {"x": live}, ())
    assert (not changes, unchanged) == (same, int(same))


def test_fields_that_are_compared_elsewhere_are_skipped() -> None:
    changes, unchanged = diff({"a": 1, "b": 2, "c": 3}, {"a": 0, "b": 0, "c": 3}, (), elsewhere=("b",))
    assert ([change.path for change in changes], unchanged) == (["a"], 1)


def test_what_the_spec_does_not_name_is_not_compared() -> None:
    assert diff({"a": 1, "b": None}, {"a": 1, "b": 5, "c": 6}, ()) == ((), 1)


@pytest.mark.parametrize(
    ("behaviour", "wanted", "live", "suppressed"),
    [
        (Behaviour.CASE_INSENSITIVE, "Ab", "aB", True),
        (Behaviour.CASE_INSENSITIVE, "Ab", "ac", False),
        (Behaviour.CASE_INSENSITIVE, 1, 2, False),
        (Behaviour.UNORDERED, [1, 2], [2, 1], True),
        (Behaviour.UNORDERED, [1, 2], [2, 3], False),
        (Behaviour.INITIAL, 1, 5, True),
        (Behaviour.SERVER_OWNED, 1, 5, True),
        (Behaviour.NEUTRAL, 1, 5, False),
        (Behaviour.SECRET, "a", "b", False),
    ],
)
def test_behaviour(behaviour: Behaviour, wanted: Any, live: Any, suppressed: bool) -> None:
    ((change,), unchanged) = diff({"x": wanted}, {"x": live}, (rule("x", behaviour),))
    assert unchanged == 0
    assert (change.action is ChangeAction.SUPPRESSED) is suppressed
    assert change.rule == (behaviour.value if suppressed else "")
    assert change.reason == ("because of x" if suppressed else "")
    assert change.sensitive is (behaviour is Behaviour.SECRET)


def test_immutable_leads_to_what_the_kind_says() -> None:
    ((change,), _) = diff({"x": 1}, {"x": 2}, (rule("x", Behaviour.IMMUTABLE),), forced=ChangeAction.NEW_DEPLOYMENT)
    assert (change.action, change.reason) == (ChangeAction.NEW_DEPLOYMENT, "because of x")


def test_a_case_rule_goes_before_an_immutable_one() -> None:
    rules = (rule("x", Behaviour.CASE_INSENSITIVE), rule("x", Behaviour.IMMUTABLE))
    assert diff({"x": "A"}, {"x": "a"}, rules)[0][0].action is ChangeAction.SUPPRESSED
    assert diff({"x": "A"}, {"x": "b"}, rules)[0][0].action is ChangeAction.REPLACE


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=3),
    lambda inner: st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3),
    max_leaves=8,
)
_mappings = st.dictionaries(st.text("xyz", min_size=1, max_size=2), _values, max_size=4)


@given(_mappings)
def test_nothing_differs_from_itself(value: dict[str, Any]) -> None:
    assert diff(value, value, ())[0] == ()


@given(_mappings, _mappings)
def test_every_difference_is_a_declared_field(wanted: dict[str, Any], live: dict[str, Any]) -> None:
    changes, unchanged = diff(wanted, live, ())
    declared = dict(leaves(wanted))
    assert all(c.path in declared and declared[c.path] == c.wanted for c in changes)
    assert len(changes) + unchanged <= len(declared)


# The table itself

ALL = [r for kind in KINDS for r in rules_of(kind)]
DECLARED = {
    "identity": {"type": "SystemAssigned", "user_assigned_identities": ["x"]},
    "tags": {"x": "y"},
    "properties": {"x": "y"},
    "data_collector": {"collections": {"x": {"enabled": True}}},
}
"""Fields of which a kind's vocabulary says only the group, or that a minimal document does not have."""


def vocabulary(kind: Kind[Any, Any]) -> set[str]:
    """The dotted paths a kind can observe, from an empty document."""
    observed = kind.wire.observe({"properties": {"properties": {}}, "id": "x", "name": "x", "tags": {}})
    known = dict(leaves(observed))
    for group, inner in DECLARED.items():
        known |= {path: None for path, _ in leaves({group: inner})}
    return set(known)


@pytest.mark.parametrize("entry", ALL, ids=lambda r: f"{r.kind}.{r.field}.{r.behaviour}")
def test_each_rule_has_a_reason_and_a_source_and_covers_something(entry: Rule) -> None:
    assert entry.reason.strip()
    assert entry.source in set(Source)
    if entry.behaviour is Behaviour.NEUTRAL:
        from phift import catalog

        component = catalog.component("chat_completion_pipeline")
        assert component is not None
        assert entry.field.removeprefix("parameters.") in component.interface.inputs
    else:
        known = vocabulary(KINDS[entry.kind])
        assert any(entry.covers(path) for path in known), (entry.field, sorted(known))


def test_no_rule_stands_twice() -> None:
    keys = [(r.kind, r.field, r.behaviour) for r in ALL]
    assert len(keys) == len(set(keys))
    assert rules_of("nonsense") == ()
