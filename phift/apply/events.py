"""What happens during an apply, told to whoever watches. The engine emits events; views hold the words."""

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
    plan: Plan


@dataclass(frozen=True)
class ResourceStarted:
    """The first write for this resource is about to be made, or its wait taken up again."""

    address: Address
    action: Action
    identity: str


@dataclass(frozen=True)
class ResourceProgress:
    """Something is going on.

    state: the service's own word ("Creating", "Running"). message: what is waited for, or the step of a job.
    elapsed: seconds since the start. current, total: of what is counted (steps, bytes), total 0 when unknown.
    values: numbers worth showing beside it, such as {"loss": 1.2}.
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
        """What a kind tells of a resource, so many seconds after its start."""
        return cls(address, told.state, told.message, elapsed, told.current, told.total, told.unit, told.values)


@dataclass(frozen=True)
class ResourceDone:
    """Carried out and read back. outputs: what is now known of it (version, metrics, scoring_uri)."""

    address: Address
    action: Action
    identity: str
    elapsed: float
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ResourceFailed:
    address: Address
    action: Action
    error: Exception
    elapsed: float


@dataclass(frozen=True)
class ResourceSkipped:
    """Not tried, because something it needs failed or was detached."""

    address: Address
    because: Address


@dataclass(frozen=True)
class LeaseEvent:
    """The lease was taken, released or lost: state is "acquired" | "released" | "lost"."""

    state: str


@dataclass(frozen=True)
class Note:
    """One line worth telling."""

    text: str


@dataclass(frozen=True)
class ApplyFinished:
    """added, changed, destroyed: what was really done. elapsed: seconds. phases: seconds by address.

    outputs: by address. failed: what ended badly or was detached. exit_code: of the first of these, else 0.
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
    """Takes every event, from any thread, in order of emission; must not raise."""

    def __call__(self, event: Event) -> None: ...


def ignore(event: Event) -> None:
    """The listener of nobody."""
