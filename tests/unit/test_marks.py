"""The marks of an object: what is written, what is left out where tags are full, and whose object they name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from phift.address import Address
from phift.state import ownership as marks
from phift.state.desired import Desired
from phift.state.ownership import Claim, Owner, Ownership, marks_of, owner_of
from phift.state.source import Source

HERE = "github.com/x/y#specs/a.yaml"
MINE = Claim("a" * 16, Source.parse(HERE))
ID = "/subscriptions/s/Endpoints/e"
BARE: Desired[Any] = Desired(Address("endpoint", "main"), "e")
ALWAYS = {marks.STACK, marks.ADDRESS, marks.APPLIED, marks.OWNER, marks.SOURCE, marks.ID}


def written(desired: Desired[Any] = BARE, claim: Claim = MINE, object_id: str = ID) -> dict[str, str]:
    return marks_of(desired, stack="s", claim=claim, object_id=object_id)


def owner(found: dict[str, str], **seen_from: Any) -> Owner:
    given = {"stack": "s", "claim": MINE, "object_id": ID, "address": BARE.address, **seen_from}
    return owner_of(found, **given)


@pytest.mark.parametrize(
    ("more", "mark", "value"),
    [
        ({"digest": "d1"}, marks.DIGEST, "d1"),
        ({"protect": True}, marks.PROTECT, "true"),
        ({"companion": "scaler"}, marks.COMPANION, "scaler"),
        ({"inputs": {"b": 1, "a": 2}}, marks.INPUTS, '{"a":2,"b":1}'),
        ({"properties": {"tags": {"team": "x", "cost": "y"}}}, marks.TAGS, "cost,team"),
    ],
)
def test_a_mark_is_written_for_what_the_resource_has(more: dict[str, Any], mark: str, value: str) -> None:
    assert set(written()) == ALWAYS
    found = written(replace(BARE, **more))
    assert set(found) == {*ALWAYS, mark}
    assert found[mark] == value


def test_a_stack_without_an_id_writes_none() -> None:
    assert set(written(claim=Claim("", MINE.source))) == ALWAYS - {marks.ID}


def test_optional_marks_make_room_for_tags() -> None:
    room = marks.ARM_TAGS - len(ALWAYS)
    fits = replace(BARE, properties={"tags": {f"t{n}": "" for n in range(room - 1)}})
    assert marks.TAGS in written(fits)
    full = replace(BARE, properties={"tags": {f"t{n}": "" for n in range(room)}})
    assert set(written(full)) == ALWAYS


def test_the_owner_is_read_from_the_marks() -> None:
    found = owner(written())
    assert (found.ownership, found.copied) == (Ownership.OURS, False)
    assert str(found) == f"stack s of {HERE}"
    assert owner(written(), object_id=ID.upper()).ownership is Ownership.OURS, "ARM ids are case-insensitive"
    assert owner(written(), stack="t", former=("s",)).ownership is Ownership.OURS, "renamed"
    assert owner(written(), stack="t").ownership is Ownership.FOREIGN


@pytest.mark.parametrize("other", [{"object_id": f"{ID}2"}, {"address": Address("endpoint", "other")}])
def test_marks_copied_to_another_object_do_not_transfer_it(other: dict[str, Any]) -> None:
    found = owner(written(), **other)
    assert (found.ownership, found.copied, found.ours) == (Ownership.FOREIGN, True, False)


def test_an_object_is_unmarked_only_without_stack_and_owner() -> None:
    assert owner({"team": "x"}) == Owner(Ownership.UNMARKED)
    assert str(owner({})) == "nobody"
    for lost in (marks.STACK, marks.OWNER):
        found = written()
        del found[lost]
        assert owner(found).ownership is Ownership.FOREIGN
