"""The contract of a resource kind: what the engine requires of it, and its optional hooks.

A kind declares itself in the `kind.py` of its folder: a name, its traits, how to compile it from the spec and how to
write it to the workspace. Everything else is a hook with a default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from phift.address import Address
from phift.compile.draft import Draft
from phift.data.recipe import Recipe
from phift.diagnostics import Diagnostic
from phift.errors import JobFailedError
from phift.kinds.charge import Rate, Work
from phift.kinds.check import Check
from phift.kinds.context import Context
from phift.kinds.demand import Demand
from phift.kinds.exporting import Exported, Exporting
from phift.kinds.progress import Progress, Written
from phift.kinds.subject import Subject
from phift.kinds.unwatched import Unwatched
from phift.kinds.words import ResultBlock, StatusText, Words, plain_status
from phift.plan.action import Action
from phift.plan.decision import Decision, PlanContext, decide_mutable
from phift.plan.model import Decided, PlannedResource
from phift.state.desired import Desired, Stack
from phift.state.live import Live, Observation
from phift.state.permissions import Needed
from phift.state.traits import Traits

if TYPE_CHECKING:
    from phift.estimate.training import Training

__all__ = ["NAME_TAKEN", "Check", "Kind", "Wire"]

P = TypeVar("P")
Seen = TypeVar("Seen", bound=Observation)
Seen_co = TypeVar("Seen_co", bound=Observation, covariant=True)

NAME_TAKEN = "NameTaken"
"""Code of the ConflictError of a create if the name is taken: by another owner, or still by a deleted object."""


class Wire(Protocol[P, Seen_co]):
    """The kind in the workspace.

    One API call per method, no reads inside writes, and separate waiting, so that the engine can record progress
    between any two calls.
    """

    def read(self, context: Context, desired: Desired[P]) -> Seen_co:
        """Read the live object by name or digest, and related objects.

        Raises AzureError, but not for a missing object.
        """

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Convert a REST document to the names of Desired.properties."""

    def create(self, context: Context, desired: Desired[P]) -> Written:
        """Create the object. It may not be ready on return."""

    def update(self, context: Context, desired: Desired[P], live: Live) -> Written:
        """Update the live object to the desired state, and keep what this stack does not manage."""

    def delete(self, context: Context, desired: Desired[P], live: Live) -> Written:
        """Delete the object. A version is archived and a run is cancelled instead; both stay readable."""

    def poll(self, context: Context, desired: Desired[P], written: Written) -> Progress:
        """Return the progress of a create, an update or a run. written: the result of create or update."""

    def outputs(self, context: Context, desired: Desired[P], live: Live) -> Mapping[str, Any]:
        """Return the outputs of the finished resource, for display and for its dependents."""


def _no_removals(
    desired: Desired[Any], seen: Any, context: PlanContext
) -> tuple[list[PlannedResource], list[Diagnostic]]:
    return [], []


def _no_demand(subject: Subject, desired: Desired[Any], action: Action, trains: bool) -> Demand | None:
    return None


def _no_rate(live: Live) -> Rate | None:
    return None


def _no_wanted_rate(subject: Subject, desired: Desired[Any], live: Live | None) -> Rate | None:
    return None


def _no_work(subject: Subject, desired: Desired[Any]) -> Work | None:
    return None


def _no_strays(
    context: Context, stack: Stack, observed: Mapping[Address, Observation], thorough: bool
) -> tuple[Live, ...]:
    return ()


def _unchanged(
    strays: Sequence[Live],
    resources: Sequence[PlannedResource],
    observed: Mapping[Address, Observation],
    destroying: bool,
) -> tuple[PlannedResource, ...]:
    return tuple(resources)


def _as_read(desired: Desired[Any], seen: Any) -> Desired[Any]:
    return desired


def _as_compiled(desired: Desired[Any], decided: Decided) -> Desired[Any]:
    return desired


def _as_planned(subject: Subject, planned: PlannedResource) -> PlannedResource:
    return planned


def _no_retry(desired: Desired[Any], error: JobFailedError) -> Desired[Any] | None:
    return None


def _ready(desired: Desired[Any]) -> None:
    return None


def _no_recipe(desired: Desired[Any]) -> Recipe | None:
    return None


def _no_training(desired: Desired[Any]) -> None:
    return None


def _unrestricted(action: Action, stack: Stack) -> Iterable[Needed]:
    return ()


def _no_remark(desired: Desired[Any]) -> str:
    return ""


def _nothing_unwatched(context: Context, stack: Stack) -> Iterator[Unwatched]:
    yield from ()


def _not_exported(exporting: Exporting, desired: Desired[Any], seen: Any) -> Exported | None:
    return None


def _no_objects(context: Context, desired: Desired[Any]) -> Sequence[str]:
    return ()


def _no_edits(desired: Desired[Any]) -> Iterable[Mapping[str, Any]]:
    return ()


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
    """Compiles the spec to desired resources, and exports to the draft what later kinds need."""
    load_wire: Callable[[], Wire[P, Seen]] = field(repr=False)
    """Imports and creates the wire of the kind."""
    blocks: tuple[str, ...] = ()
    """Where the spec states its properties, as dotted paths, the most specific first; `*` stands for the name of the
    resource."""

    decide: Callable[[Desired[P], Seen | None, PlanContext], Decision] = decide_mutable
    """Decides about a resource without another owner."""
    removals: Callable[[Desired[P], Seen | None, PlanContext], tuple[list[PlannedResource], list[Diagnostic]]] = (
        _no_removals
    )
    """Returns the planned removals of objects that the resource replaces, and findings. Called after all decisions."""
    complete: Callable[[Subject, PlannedResource], PlannedResource] = _as_planned
    """Completes a planned resource with decisions that need remote facts. Called before the checks."""
    strays: Callable[[Context, Stack, Mapping[Address, Observation], bool], tuple[Live, ...]] = _no_strays
    """Reads the objects of the stack that its spec no longer has and that are not found by `Traits.billed_in`. The last
    argument: whether to search without an indication that there are any. Raises AzureError."""
    without_strays: Callable[
        [Sequence[Live], Sequence[PlannedResource], Mapping[Address, Observation], bool], tuple[PlannedResource, ...]
    ] = _unchanged
    """Adds the deletion of strays to a plan, in the right order. The last argument: whether the stack is destroyed."""
    checks: tuple[Check, ...] = ()
    demand: Callable[[Subject, Desired[P], Action, bool], Demand | None] = _no_demand
    """The vCPUs that an action needs in addition to those in use. The last argument: whether the plan trains."""
    permissions: Callable[[Action, Stack], Iterable[Needed]] = _unrestricted
    """The actions of Azure's access control that an action of the plan on a resource of the stack requires."""

    rate: Callable[[Live], Rate | None] = _no_rate
    """The nodes that a live object bills, or None."""
    wanted_rate: Callable[[Subject, Desired[P], Live | None], Rate | None] = _no_wanted_rate
    """The nodes that the resource bills after its create or update, or None. The last argument: the live object."""
    work: Callable[[Subject, Desired[P]], Work | None] = _no_work
    """The nodes that a run bills, or None if its size is unknown."""

    decided: Callable[[Desired[P], Decided], Desired[P]] = _as_compiled
    """Adds the decisions of the plan to the resource to write, and the parts of one that is no longer in the spec."""
    as_read: Callable[[Desired[P], Seen], Desired[P]] = _as_read
    """Adds values of the live objects, read right before the write, to the resource to write."""
    retry: Callable[[Desired[P], JobFailedError], Desired[P] | None] = _no_retry
    """The next attempt after a failure, or None."""
    require_ready: Callable[[Desired[P]], None] = _ready
    """Raises RefusedError, before any write, if this machine lacks something that writing the resource requires."""
    unattended: Callable[[Desired[P]], str] = _no_remark
    """What nobody enforces once an apply has detached from a run: a clause for the user, or ""."""
    unwatched: Callable[[Context, Stack], Iterable[Unwatched]] = _nothing_unwatched
    """Yields the objects of the stack that are billed while nobody watches, for `phift status --all`; of these,
    `phift expire` deletes those that are due. Raises AzureError."""
    recipe: Callable[[Desired[P]], Recipe | None] = _no_recipe
    """The rows that creating the resource uploads."""
    training: Callable[[Desired[P]], Training | None] = _no_training
    """The training that running the resource starts, for estimates. May measure local rows, which takes a second."""
    seconds: Callable[[Desired[P]], float] | None = None
    """Timeout in seconds instead of `Traits.deadline`, for a resource that transfers many bytes."""
    stored: Callable[[Context, Live], bool] | None = None
    """Whether the file of the object exists as uploaded. Raises AzureError."""

    export: Callable[[Exporting, Desired[P], Seen | None], Exported | None] = _not_exported
    """Returns the resource as files and commands of `az ml`, and records its version for later ones; None for one that
    is only looked up. Raises UsageError for a resource that they cannot express."""

    objects: Callable[[Context, Desired[P]], Sequence[str]] = _no_objects
    """Reads the names of all runs or versions of the resource, current and former, for `phift check`. Raises
    AzureError."""
    edits: Callable[[Desired[P]], Iterable[Mapping[str, Any]]] = _no_edits
    """Yields overrides of the spec, the best first, after which the resource must be re-run or re-created, for
    `phift check`."""

    identity: Callable[[Live], str] = _identity
    """The label of the live object for display."""
    words: Mapping[Action, Words] = field(default_factory=dict)
    """The words for actions, if they differ from the default."""
    status: Callable[[StatusText], list[str]] = plain_status
    """The lines of `phift status` below the line of the resource. Removes from the facts what it shows."""
    result: Callable[[Mapping[str, Any], bool], ResultBlock | None] = _no_result
    """The outputs shown at the end of an apply. The last argument: whether the target is local."""

    @property
    def bills(self) -> bool:
        """Whether live objects of the kind bill nodes."""
        return self.rate is not _no_rate

    @cached_property
    def wire(self) -> Wire[P, Seen]:
        return self.load_wire()

    def deadline(self, desired: Desired[P]) -> float:
        """Return the timeout of a create, an update or a run in seconds."""
        return self.seconds(desired) if self.seconds else self.traits.deadline
