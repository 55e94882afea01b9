"""Waiting between attempts: told, ended by a deadline or by Ctrl-C."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from clocks import FakeClock

from phift.address import Address
from phift.apply.patience import Patience
from phift.azure.attendance import Seen
from phift.errors import AzureError, DetachedError, NotFoundError, ServerError, ThrottledError
from phift.kinds.progress import Progress

COMPUTE = Address("compute", "finetune")


@dataclass
class Stop(threading.Event):
    """Waiting moves the clock; set once it shows `at`."""

    clock: FakeClock
    at: float

    def __post_init__(self) -> None:
        super().__init__()

    def wait(self, timeout: float | None = None) -> bool:
        self.clock.sleep(timeout or 0.0)
        return self.clock.time >= self.at


@dataclass
class World:
    until: float = 1800.0
    stop_at: float = 10**9
    clock: FakeClock = field(default_factory=FakeClock)
    told: list[Progress] = field(default_factory=list)

    def wait(self, seconds: float, error: AzureError) -> None:
        stop = Stop(self.clock, self.stop_at)
        Patience(COMPUTE, Seen(), self.until, True, self.told.append, stop, self.clock).wait(seconds, error)


def throttled(seconds: float) -> ThrottledError:
    return ThrottledError("slow down", status=429, retry_after=seconds, remedy="Wait.")


def test_a_long_pause_is_told_with_what_is_left_of_it() -> None:
    world = World(until=4000)
    world.wait(3600, throttled(3600))
    assert world.clock.time == 3600
    assert (world.told[0].state, world.told[0].message) == ("throttled", "throttled; next try in 1h00m")
    assert world.told[-1].message == "throttled; next try in 5s"


def test_a_short_pause_is_exact_and_not_told() -> None:
    world = World()
    world.wait(0.7, throttled(0.7))
    assert world.clock.time == 0.7
    assert world.told == []


def test_a_pause_past_the_deadline_is_not_begun() -> None:
    world = World()
    with pytest.raises(ThrottledError, match="slow down") as told:
        world.wait(3600, throttled(3600))
    assert world.clock.time == 0
    assert "asks to wait 1h00m, but the deadline of compute.finetune is in 30m00s" in told.value.remedy
    assert "--timeout compute=SECONDS" in told.value.remedy


def test_a_pause_of_ours_is_made_even_after_the_deadline() -> None:
    world = World(until=0)
    world.wait(2, ServerError("down", status=503))
    assert world.clock.time == 2


def test_asked_to_stop_it_leaves_at_once() -> None:
    world = World(until=10**6, stop_at=12)
    with pytest.raises(DetachedError, match="slow down") as told:
        world.wait(3600, throttled(3600))
    assert world.clock.time <= 15
    assert told.value.address == "compute.finetune"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotFoundError("x", status=404), "accepted, but not visible in the service yet"),
        (ServerError("x", status=503), "no response from the service; next try in 2s"),
    ],
)
def test_each_pause_says_why(error: AzureError, said: str) -> None:
    world = World()
    world.wait(2, error)
    assert world.told[0].message == said
