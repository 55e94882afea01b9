"""The plan as a file: what is written is what is read, for any plan."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phift.address import Address
from phift.diagnostics import Diagnostic, Mark, Severity
from phift.errors import UsageError
from phift.plan.action import Action, ChangeAction, ChangedBy, Purpose
from phift.plan.model import Decided, FieldChange, Plan, PlannedResource

_text = st.text(max_size=8)
_plain = st.none() | st.booleans() | st.integers(-99, 99) | st.floats(-9, 9) | _text | st.lists(_text, max_size=2)
_mapping = st.dictionaries(_text, _plain, max_size=3)
_addresses = st.builds(Address, st.sampled_from(["compute", "job"]), st.sampled_from(["a", "b", "c.d"]))
_changes = st.builds(
    FieldChange, _text, _plain, _plain, st.sampled_from(ChangeAction), _text, st.sampled_from(ChangedBy)
)
_resources = st.builds(
    PlannedResource,
    _addresses,
    st.sampled_from(Action),
    _text,
    _text,
    st.lists(_changes, max_size=2).map(tuple),
    st.integers(0, 9),
    _mapping,
    _mapping,
    st.lists(_addresses, max_size=2).map(tuple),
    _text,
    st.lists(_text, max_size=2).map(tuple),
    st.builds(Decided, st.integers(0, 3), st.none() | st.just({"d-1": 100}), st.booleans(), _text),
)
_diagnostics = st.builds(
    Diagnostic, _text, st.sampled_from(Severity), _text, _text, st.none() | st.builds(Mark, _text, st.integers(0, 9))
)
_plans = st.builds(
    Plan,
    *[_text] * 7,
    st.sampled_from(Purpose),
    st.lists(_resources, max_size=3).map(tuple),
    st.lists(_diagnostics, max_size=2).map(tuple),
    st.lists(_text, max_size=2).map(tuple),
    _mapping,
    st.lists(_text, max_size=2).map(tuple),
    _text,
)


@settings(max_examples=60)
@given(_plans)
def test_what_is_written_is_what_is_read(plan: Plan) -> None:
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def planned(action: Action, *changes: FieldChange) -> PlannedResource:
    return PlannedResource(Address("compute", action.value), action, "x", changes=changes)


def plan_of(*resources: PlannedResource, **more: Any) -> Plan:
    return Plan("s", "local", "w", "s.yaml", "#s.yaml", "d", "2026-01-01T00:00:00Z", resources=resources, **more)


def test_a_secret_stays_out_of_the_file() -> None:
    change = FieldChange("key", "hunter2", "hunter1", ChangeAction.UPDATE, sensitive=True)
    text = json.dumps(plan_of(planned(Action.UPDATE, change)).to_dict())
    assert "hunter" not in text
    assert "(sensitive)" in text


@pytest.mark.parametrize(
    ("action", "line"),
    [
        (Action.NO_OP, "Plan: 0 to add, 0 to change, 0 to destroy."),
        (Action.REUSE, "Plan: 0 to add, 0 to change, 0 to destroy."),
        (Action.CREATE, "Plan: 1 to add, 0 to change, 0 to destroy."),
        (Action.RUN, "Plan: 1 to add, 0 to change, 0 to destroy."),
        (Action.UPDATE, "Plan: 0 to add, 1 to change, 0 to destroy."),
        (Action.SHIFT, "Plan: 0 to add, 1 to change, 0 to destroy."),
        (Action.ADOPT, "Plan: 0 to add, 1 to change, 0 to destroy."),
        (Action.REPLACE, "Plan: 1 to add, 0 to change, 1 to destroy."),
        (Action.DELETE, "Plan: 0 to add, 0 to change, 1 to destroy."),
    ],
)
def test_the_count_line(action: Action, line: str) -> None:
    plan = plan_of(planned(action))
    assert str(plan.counts) == line
    assert plan.changes_something is (action not in {Action.NO_OP, Action.REUSE})


def test_every_action_has_a_symbol() -> None:
    assert {a.symbol for a in Action} == {" ", "~", "+", "-/+", "-"}


def test_a_resource_by_its_address() -> None:
    plan = plan_of(planned(Action.CREATE))
    assert plan.resource(Address("compute", "create")) is plan.resources[0]
    with pytest.raises(KeyError, match=r"compute\.none"):
        plan.resource(Address("compute", "none"))


@pytest.mark.parametrize("version", ["", "2.0", "0.9"])
def test_another_format_is_refused(version: str) -> None:
    with pytest.raises(UsageError, match="format version"):
        Plan.from_dict({**plan_of().to_dict(), "format_version": version})


def test_a_newer_minor_format_is_read() -> None:
    assert Plan.from_dict({**plan_of().to_dict(), "format_version": "1.7", "more": 1}) == plan_of()
