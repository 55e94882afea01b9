"""The events of an apply. The engine emits events; views turn them into text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from phift.address import Address
from phift.plan.action import Action
from phift.plan.model import Plan

if TYPE_CHECKING:
    from phift.kinds.progress import Progress

__all__ = [
    "ApplyFinished",
    "ApplyStarted",
    "Event",
    "LeaseEvent",
    "Listener",
    "Note",
    "ResourceDone",
    "ResourceFailed",
    "ResourceProgress",
    "ResourceSkipped",
    "ResourceStarted",
    "ignore",
]


@dataclass(frozen=True)
class ApplyStarted:
    """The first event of an apply, before the lease is acquired."""

    plan: Plan


@dataclass(frozen=True)
class ResourceStarted:
    """The first write of this resource is about to start, or its wait resumes."""

    address: Address
    action: Action
    identity: str


@dataclass(frozen=True)
class ResourceProgress:
    """Progress of an action.

    state: the service's state ("Creating", "Running"). message: the reason for waiting, or the step of a job.
    elapsed: seconds since the start. current, total: counted units (steps, bytes), total 0 if unknown.
    values: further numbers to show, such as {"loss": 1.2}.
    """

    address: Address
    state: str
    message: str = ""
    elapsed: float = 0.0
    current: float = 0
    total: float = 0
    unit: str = ""
    values: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, address: Address, told: Progress, elapsed: float) -> ResourceProgress:
        """Build the event from a kind's report, `elapsed` seconds after the start."""
        return cls(address, told.state, told.message, elapsed, told.current, told.total, told.unit, told.values)


@dataclass(frozen=True)
class ResourceDone:
    """Applied and read back. outputs: the resource's outputs (version, metrics, scoring_uri)."""

    address: Address
    action: Action
    identity: str
    elapsed: float
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ResourceFailed:
    """A write or a wait failed, or was detached. elapsed: seconds since its start."""

    address: Address
    action: Action
    error: Exception
    elapsed: float


@dataclass(frozen=True)
class ResourceSkipped:
    """Not attempted, because a dependency failed or was detached."""

    address: Address
    because: Address


@dataclass(frozen=True)
class LeaseEvent:
    """The lease was taken, released or lost: state is "acquired" | "released" | "lost"."""

    state: str


@dataclass(frozen=True)
class Note:
    """A line for the user."""

    text: str


@dataclass(frozen=True)
class ApplyFinished:
    """added, changed, destroyed: the actual counts. elapsed: seconds. phases: seconds by address.

    outputs: by address. failed: resources that failed or were detached. exit_code: that of the first of these, else 0.
    """

    plan: Plan
    added: int
    changed: int
    destroyed: int
    elapsed: float
    phases: Mapping[str, float] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    failed: tuple[Address, ...] = ()
    exit_code: int = 0


Event = (
    ApplyStarted
    | ResourceStarted
    | ResourceProgress
    | ResourceDone
    | ResourceFailed
    | ResourceSkipped
    | LeaseEvent
    | Note
    | ApplyFinished
)


class Listener(Protocol):
    """Receives every event in order of emission, from any thread; must not raise."""

    def __call__(self, event: Event) -> None: ...


def ignore(event: Event) -> None:
    """Ignore the event."""
