"""The contract of a resource kind: what the engine asks of it, and what it need not answer.

A kind declares itself in the `kind.py` of its folder: a name, its traits, how it is compiled from the spec and how it
is written to the workspace. Everything else is a hook with a default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from phift.compile.draft import Draft
from phift.data.recipe import Recipe
from phift.diagnostics import Diagnostic
from phift.errors import JobFailedError
from phift.kinds.context import Context
from phift.kinds.demand import Demand
from phift.kinds.progress import Progress, Written
from phift.kinds.subject import Subject
from phift.kinds.words import ResultBlock, StatusText, Words, plain_status
from phift.plan.action import Action
from phift.plan.decision import Decision, PlanContext, decide_mutable
from phift.plan.model import Decided, PlannedResource
from phift.state.desired import Desired
from phift.state.live import Live, Observation
from phift.state.traits import Traits

__all__ = ["NAME_TAKEN", "Check", "Kind", "Wire"]

P = TypeVar("P")
Seen = TypeVar("Seen", bound=Observation)
Seen_co = TypeVar("Seen_co", bound=Observation, covariant=True)

NAME_TAKEN = "NameTaken"
"""Code of the ConflictError of a create whose name is not free: a stranger's, or not yet given back by a delete."""

Check = Callable[[Subject], Iterator[Diagnostic]]
"""A check of a plan before anything is spent: its findings, errors and warnings."""


class Wire(Protocol[P, Seen_co]):
    """The kind in the workspace: one API call a method, no reads inside writes, waiting apart, so that the engine can
    record what happened between any two calls."""

    def read(self, context: Context, desired: Desired[P]) -> Seen_co:
        """The live object by its name or digest, and what surrounds it. Raises AzureError, never for absence."""

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """A REST document in the vocabulary of Desired.properties."""

    def create(self, context: Context, desired: Desired[P]) -> Written:
        """Write it. The object may not be ready yet."""

    def update(self, context: Context, desired: Desired[P], live: Live) -> Written:
        """Change the live object to what is desired, keeping what is not ours."""

    def delete(self, context: Context, desired: Desired[P], live: Live) -> Written:
        """Ask for its removal; a version is archived, a run cancelled: both stay readable."""

    def poll(self, context: Context, desired: Desired[P], written: Written) -> Progress:
        """One look at a create, an update or a run. written: what create or update returned."""

    def outputs(self, context: Context, desired: Desired[P], live: Live) -> Mapping[str, Any]:
        """What is known of it when it is done: for people and for those who depend on it."""


def _no_removals(
    desired: Desired[Any], seen: Any, context: PlanContext
) -> tuple[list[PlannedResource], list[Diagnostic]]:
    return [], []


def _no_demand(subject: Subject, desired: Desired[Any], action: Action, trains: bool) -> Demand | None:
    return None


def _as_compiled(desired: Desired[Any], decided: Decided) -> Desired[Any]:
    return desired


def _no_retry(desired: Desired[Any], error: JobFailedError) -> Desired[Any] | None:
    return None


def _ready(desired: Desired[Any]) -> None:
    return None


def _no_recipe(desired: Desired[Any]) -> Recipe | None:
    return None


def _identity(live: Live) -> str:
    return f"{live.name}:{live.version}" if live.version else live.name


def _no_result(outputs: Mapping[str, Any], local: bool) -> ResultBlock | None:
    return None


@dataclass(frozen=True)
class Kind(Generic[P, Seen]):
    """One resource kind. Declared once, in its folder, and listed in phift.kinds.registry."""

    name: str
    traits: Traits
    compile: Callable[[Draft], Iterable[Desired[P]]]
    """From the spec to the resources wanted; what the kinds after it need, it exports to the draft."""
    load_wire: Callable[[], Wire[P, Seen]] = field(repr=False)
    """Imports and creates its wire."""

    decide: Callable[[Desired[P], Seen | None, PlanContext], Decision] = decide_mutable
    """What becomes of a resource that is not another owner's."""
    removals: Callable[[Desired[P], Seen | None, PlanContext], tuple[list[PlannedResource], list[Diagnostic]]] = (
        _no_removals
    )
    """What the resource takes the place of, once all is decided: planned resources to remove, and findings."""
    checks: tuple[Check, ...] = ()
    demand: Callable[[Subject, Desired[P], Action, bool], Demand | None] = _no_demand
    """The vCPUs that carrying out an action takes beyond those held. The last argument: whether the plan trains."""

    decided: Callable[[Desired[P], Decided], Desired[P]] = _as_compiled
    """The resource as apply writes it, with what the plan decided; of one that left the spec, its parts."""
    retry: Callable[[Desired[P], JobFailedError], Desired[P] | None] = _no_retry
    """The next attempt after a failure; None where there is none."""
    require_ready: Callable[[Desired[P]], None] = _ready
    """Raises RefusedError where this machine lacks what writing it takes, before anything is written."""
    recipe: Callable[[Desired[P]], Recipe | None] = _no_recipe
    """The rows that creating it uploads."""
    seconds: Callable[[Desired[P]], float] | None = None
    """Seconds that this resource may take, in place of `Traits.deadline`: it moves many bytes."""
    stored: Callable[[Context, Live], bool] | None = None
    """Whether the file that the object names is there, as it was uploaded. Raises AzureError."""

    identity: Callable[[Live], str] = _identity
    """What people call the live object."""
    words: Mapping[Action, Words] = field(default_factory=dict)
    """What an action is called, where it has a name of its own for this kind."""
    status: Callable[[StatusText], list[str]] = plain_status
    """The lines of `phift status` below the resource's own; takes from the facts what it has shown."""
    result: Callable[[Mapping[str, Any], bool], ResultBlock | None] = _no_result
    """What the end of an apply shows of its outputs. The last argument: whether it ran on target local."""

    @cached_property
    def wire(self) -> Wire[P, Seen]:
        return self.load_wire()

    def deadline(self, desired: Desired[P]) -> float:
        """Seconds that a create, an update or a run of it may take."""
        return self.seconds(desired) if self.seconds else self.traits.deadline
