"""Writes that meet an object in the making: on a fake clock, with answers from memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from clocks import FakeClock

from phift.address import Address
from phift.apply.busy import Busy
from phift.errors import AzureError, Cause, ConflictError, LeaseLostError, NotFoundError, StalePlanError, ThrottledError
from phift.kinds.base import NAME_TAKEN
from phift.kinds.progress import Progress, Written
from phift.ledger.words import Verb
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.state.desired import Desired
from phift.state.live import Live
from phift.state.ownership import APPLIED, Owner, Ownership, applied_digest

ADDRESS = Address("endpoint", "main")
WANTED = {"description": "new"}
CONFLICT = ConflictError("an operation is in progress", status=409, cause=Cause.BUSY)


def live(state: str = "Succeeded", *, applied: bool = False, description: str = "old") -> Live:
    marks = {APPLIED: applied_digest(WANTED)} if applied else {}
    return Live("e", "id", {"description": description}, Owner(Ownership.OURS, "s"), marks=marks, state=state)


OLD = live()


@dataclass
class Service:
    """Answers writes and looks in turn; the last of each for ever."""

    answers: list[Exception | None]
    seen: list[Live | None] = field(default_factory=lambda: [OLD])
    clock: FakeClock = field(default_factory=FakeClock)
    given: list[Live | None] = field(default_factory=list)
    told: list[Progress] = field(default_factory=list)

    def write(
        self, verb: Verb, action: Action, *, stop_after: int = 10**6, require: Callable[[], None] = lambda: None
    ) -> Mapping[str, Any]:
        before = None if action is Action.CREATE else OLD
        planned = PlannedResource(ADDRESS, action, "e", fingerprint=before.fingerprint if before else "")

        def stopped(seconds: float) -> bool:
            self.clock.sleep(seconds)
            return len(self.given) >= stop_after

        busy = Busy(
            planned,
            Desired(ADDRESS, "e", WANTED),
            look=lambda: self.seen.pop(0) if len(self.seen) > 1 else self.seen[0],
            require=require,
            report=self.told.append,
            stopped=stopped,
            local=False,
            clock=self.clock,
        )
        return busy.write(verb, before, self._call).outputs

    def _call(self, now: Live | None) -> Written:
        self.given.append(now)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            raise answer
        return Written({"name": "e", "written": True})


def test_what_is_let_in_is_written_once() -> None:
    service = Service([None])
    assert service.write(Verb.UPDATE, Action.UPDATE)["written"]
    assert len(service.given) == 1
    assert service.clock.time == 0


def test_a_conflict_is_waited_out_and_the_write_made_from_what_is_there_then() -> None:
    settled = live()
    service = Service([CONFLICT, CONFLICT, None], [live("Updating"), settled])
    assert service.write(Verb.UPDATE, Action.UPDATE)["written"]
    assert service.given[-1] is settled
    assert [p.message for p in service.told] == ["an operation is in progress"] * 2


def test_a_lost_answer_that_had_its_effect_counts() -> None:
    service = Service([CONFLICT], [live("Updating", applied=True, description="new"), live(applied=True)])
    assert service.write(Verb.UPDATE, Action.UPDATE) == {"name": "e"}
    created = Service([CONFLICT], [live("Creating", applied=True), live(applied=True)])
    assert created.write(Verb.CREATE, Action.CREATE) == {"name": "e"}


def test_somebody_elses_change_is_not_written_over() -> None:
    service = Service([CONFLICT, None], [live(description="theirs")])
    with pytest.raises(StalePlanError, match="was changed since"):
        service.write(Verb.UPDATE, Action.UPDATE)
    assert len(service.given) == 1


def test_somebody_elses_object_is_not_taken() -> None:
    with pytest.raises(ConflictError, match="in progress"):
        Service([CONFLICT], [live(description="theirs")]).write(Verb.CREATE, Action.CREATE)


def test_what_is_gone_needs_no_delete() -> None:
    service = Service([CONFLICT], [live("Deleting"), None])
    assert service.write(Verb.DELETE, Action.DELETE) == {}


@pytest.mark.parametrize(
    ("error", "least", "most"),
    [
        (CONFLICT, 600, 900),
        (ConflictError("taken", status=400, code=NAME_TAKEN), 90, 120),
        (NotFoundError("no endpoint yet", status=404), 90, 120),
        (ConflictError("a code nobody knows", status=409, code="New"), 90, 120),
        (AzureError("its endpoint is busy", status=400, cause=Cause.BUSY), 600, 900),
        (ThrottledError("another operation is in progress", status=429, cause=Cause.BUSY), 600, 900),
        (ConflictError("locked", status=409, code="ScopeLocked", cause=Cause.LOCK), 0, 0),
        (AzureError("a policy", status=403, cause=Cause.POLICY), 0, 0),
        (NotFoundError("no such group", status=404, cause=Cause.SCOPE), 0, 0),
        (ThrottledError("too long", status=429), 0, 0),
        (ConflictError("not of the service"), 0, 0),
    ],
)
def test_patience_ends(error: AzureError, least: float, most: float) -> None:
    service = Service([error], [None])
    with pytest.raises(type(error)):
        service.write(Verb.CREATE, Action.CREATE)
    assert least <= service.clock.time <= most


def test_after_a_write_that_came_between_it_is_made_again_a_few_times() -> None:
    changed = ConflictError("the etag is another", status=412, cause=Cause.CHANGED)
    service = Service([changed, changed, None], [OLD])
    assert service.write(Verb.UPDATE, Action.UPDATE)["written"]
    assert len(service.given) == 3
    always = Service([changed], [OLD])
    with pytest.raises(ConflictError, match="etag"):
        always.write(Verb.UPDATE, Action.UPDATE)
    assert len(always.given) == 6
    assert always.clock.time < 120


def test_a_write_that_came_between_and_changed_it_is_not_written_over() -> None:
    changed = ConflictError("the etag is another", status=412, cause=Cause.CHANGED)
    with pytest.raises(StalePlanError, match="was changed since"):
        Service([changed, None], [live(description="theirs")]).write(Verb.UPDATE, Action.UPDATE)


def test_a_400_while_the_object_is_worked_on_is_waited_out() -> None:
    """Whatever its words: the object itself says that it is not settled."""
    refusal = AzureError("not now", status=400)
    service = Service([refusal, refusal, None], [live("Updating"), live("Updating"), live("Scaling"), OLD])
    assert service.write(Verb.UPDATE, Action.UPDATE)["written"]
    with pytest.raises(AzureError, match="not now"):
        Service([refusal], [OLD]).write(Verb.UPDATE, Action.UPDATE)


def test_other_errors_are_not_waited_out() -> None:
    service = Service([AzureError("no", status=400)])
    with pytest.raises(AzureError, match="no"):
        service.write(Verb.CREATE, Action.CREATE)
    assert len(service.given) == 1


def test_asked_to_stop_it_gives_up() -> None:
    service = Service([CONFLICT], [None])
    with pytest.raises(ConflictError):
        service.write(Verb.CREATE, Action.CREATE, stop_after=2)
    assert len(service.given) == 2


def test_without_the_lease_nothing_is_tried_again() -> None:
    def lost() -> None:
        raise LeaseLostError("lost")

    service = Service([CONFLICT, None], [None])
    with pytest.raises(LeaseLostError):
        service.write(Verb.CREATE, Action.CREATE, require=lost)
    assert len(service.given) == 1
