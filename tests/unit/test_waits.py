"""Waiting on a fake clock: deadlines, detaching, outages; and the lease around writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from clocks import FakeClock

from phift.address import Address
from phift.apply.events import Event, LeaseEvent, ResourceProgress
from phift.apply.waits import wait_for
from phift.apply.writing import Writing
from phift.errors import (
    AuthenticationError,
    AzureError,
    DeadlineError,
    DetachedError,
    JobFailedError,
    LeaseHeldError,
    LeaseLostError,
    ServerError,
    ThrottledError,
    UnreachableError,
)
from phift.kinds.progress import Progress

JOB = Address("job", "finetune")


@dataclass
class Stop(threading.Event):
    """An event whose waiting moves the clock; set after a number of waits, if ever."""

    clock: FakeClock = field(default_factory=FakeClock)
    after: int = 10**6
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        self.clock.sleep(timeout or 0.0)
        if len(self.pauses) >= self.after:
            self.set()
        return self.is_set()


def looks(*seen: Progress | Exception, forever: Progress | Exception | None = None) -> Callable[[], Progress]:
    def one() -> Iterator[Progress | Exception]:
        yield from seen
        while forever is not None:
            yield forever

    each = one()

    def look() -> Progress:
        found = next(each)
        if isinstance(found, Exception):
            raise found
        return found

    return look


def wait(
    look: Callable[[], Progress], *, deadline: float = 1000.0, local: bool = True, after: int = 10**6
) -> tuple[Progress, Stop, list[Event]]:
    clock, events = FakeClock(), list[Event]()
    stop = Stop(clock=clock, after=after)
    done = wait_for(
        look,
        address=JOB,
        what="job x",
        deadline=deadline,
        local=local,
        clock=clock,
        stop=stop,
        listener=events.append,
    )
    return done, stop, events


RUNNING, DONE = Progress("Running", message="step", current=1, total=3), Progress("Completed", done=True)


def test_every_look_is_told_and_the_last_returned() -> None:
    done, stop, events = wait(looks(RUNNING, RUNNING, DONE))
    assert done is DONE
    assert len(stop.pauses) == 2
    assert [(e.state, e.message, e.total) for e in events if isinstance(e, ResourceProgress)] == [
        ("Running", "step", 3),
        ("Running", "step", 3),
        ("Completed", "", 0),
    ]


@pytest.mark.parametrize(("local", "longest"), [(True, 1.0), (False, 20.0)])
def test_pauses_grow_to_a_bound(local: bool, longest: float) -> None:
    _, stop, _ = wait(looks(*[RUNNING] * 30, DONE), local=local)
    assert stop.pauses == sorted(stop.pauses)
    assert (stop.pauses[0], stop.pauses[-1]) == (0.2, longest)


def test_a_deadline_is_no_failure() -> None:
    with pytest.raises(DeadlineError, match=r"job x is still in state Running after 30 s") as error:
        wait(looks(forever=RUNNING), deadline=30)
    assert error.value.exit_code == 8
    assert "--timeout job=" in error.value.remedy


def test_the_last_pause_ends_at_the_deadline() -> None:
    clock = FakeClock()
    with pytest.raises(DeadlineError):
        wait_for(
            looks(forever=RUNNING),
            address=JOB,
            what="x",
            deadline=2.5,
            local=False,
            clock=clock,
            stop=Stop(clock=clock),
            listener=lambda event: None,
        )
    assert clock.time == pytest.approx(2.5)


def test_a_deadline_of_zero_still_looks_once() -> None:
    assert wait(looks(DONE), deadline=0)[0] is DONE


def test_asked_to_stop_it_detaches() -> None:
    with pytest.raises(DetachedError, match=r"detached from job x \(still Running\)"):
        wait(looks(forever=RUNNING), after=3)


def test_lost_credentials_detach() -> None:
    def look() -> Progress:
        raise AuthenticationError("the token has expired", remedy="Sign in again (az login).")

    with pytest.raises(DetachedError, match=r"still running\): the token has expired") as told:
        wait(look)
    assert "az login" in told.value.remedy
    assert "re-run `phift apply` to resume" in told.value.remedy


def test_a_failure_is_raised_as_it_is() -> None:
    failure = JobFailedError("failed", step="s")
    with pytest.raises(JobFailedError) as error:
        wait(looks(RUNNING, Progress("Failed", error=failure)))
    assert error.value is failure


@pytest.mark.parametrize("error", [UnreachableError("x"), ServerError("x", status=503), ThrottledError("x")])
def test_a_short_outage_is_waited_out(error: AzureError) -> None:
    done, _, events = wait(looks(RUNNING, error, error, RUNNING, DONE))
    assert done is DONE
    told = "throttled" if isinstance(error, ThrottledError) else "no answer"
    assert told in [e.state for e in events if isinstance(e, ResourceProgress)]


def test_a_throttling_past_the_deadline_ends_the_wait_at_once() -> None:
    throttled = ThrottledError("slow down", status=429, retry_after=3600)
    with pytest.raises(DeadlineError, match="asks to wait 1h00m, but the deadline is in 16m40s") as told:
        wait(looks(RUNNING, forever=throttled), deadline=1000.2)
    assert told.value.exit_code == 8
    assert "--timeout job=" in told.value.remedy


@pytest.mark.parametrize(("local", "least", "most"), [(True, 5, 10), (False, 300, 340)])
def test_a_long_outage_is_an_error(local: bool, least: float, most: float) -> None:
    clock = FakeClock()
    stop = Stop(clock=clock)
    with pytest.raises(UnreachableError):
        wait_for(
            looks(RUNNING, forever=UnreachableError("gone")),
            address=JOB,
            what="x",
            deadline=10**6,
            local=local,
            clock=clock,
            stop=stop,
            listener=lambda event: None,
        )
    assert least < clock.time < most


def test_other_errors_are_not_waited_out() -> None:
    with pytest.raises(AzureError, match="forbidden"):
        wait(looks(RUNNING, AzureError("forbidden", status=403)))


# Writing


class FakeLease:
    def __init__(self, log: list[str], problem: Exception | None = None) -> None:
        self.log, self.problem = log, problem
        log.append("acquire")

    def require(self) -> None:
        self.log.append("require")
        if self.problem:
            raise self.problem

    def release(self) -> None:
        self.log.append("release")


def writing(problem: Exception | None = None) -> tuple[Writing, list[str], list[str]]:
    log: list[str] = []
    states: list[str] = []

    def listener(event: Event) -> None:
        assert isinstance(event, LeaseEvent)
        states.append(event.state)

    return Writing(lambda: FakeLease(log, problem), listener), log, states


def test_one_lease_for_all_writes_until_the_end() -> None:
    made, log, states = writing()
    with made.section():
        made.require()
    with made.section(), made.section():
        made.require()
    assert log == ["acquire", "require", "require"]
    made.close()
    made.close()
    assert log[-1] == "release"
    assert log.count("release") == 1
    assert states == ["acquired", "released"]


def test_nothing_is_acquired_where_nothing_is_written() -> None:
    made, log, _ = writing()
    made.close()
    assert log == []


def test_the_lease_is_given_back_while_only_jobs_are_watched() -> None:
    made, log, _ = writing()
    with made.section():
        made.require()
        with made.watching():
            assert log == ["acquire", "require", "release"]
        made.require()
    made.close()
    assert log == ["acquire", "require", "release", "acquire", "require", "release"]


def test_another_writer_keeps_the_lease_while_one_watches() -> None:
    made, log, _ = writing()
    with made.section():
        with made.section(), made.watching():
            assert "release" not in log
        assert "release" not in log
    made.close()


def test_it_is_given_back_when_the_last_writer_leaves_a_watcher_alone() -> None:
    made, log, _ = writing()
    entered, leave = threading.Event(), threading.Event()

    def watch() -> None:
        with made.section(), made.watching():
            entered.set()
            leave.wait(5)

    watcher = threading.Thread(target=watch)
    with made.section():
        watcher.start()
        assert entered.wait(5)
        assert log == ["acquire"]
    assert log == ["acquire", "release"]
    leave.set()
    watcher.join(5)
    made.close()


def test_a_lease_that_is_held_or_lost_stops_the_write() -> None:
    def held() -> FakeLease:
        raise LeaseHeldError("held by x")

    made = Writing(held, lambda event: None)
    with pytest.raises(LeaseHeldError), made.section():
        pytest.fail("must not be entered")
    made.close()

    lost, log, _ = writing(LeaseLostError("lost"))
    with pytest.raises(LeaseLostError), lost.section():
        lost.require()
    lost.close()
    assert log == ["acquire", "require", "release"]
