"""What a resource kind must be able to do, and what is known of a live object.

A kind is a thin translation: one API call a method, no reads inside writes, waiting apart, so that the engine can
record what happened between any two calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from phift.address import Address
from phift.azure.operations import Operation
from phift.azure.session import Azure
from phift.compile.desired import Desired
from phift.compile.ownership import Claim, Owner
from phift.digest import digest_of
from phift.errors import NotFoundError
from phift.once import Once

__all__ = [
    "NAME_TAKEN",
    "Context",
    "Kind",
    "Live",
    "Nature",
    "Observation",
    "Progress",
    "Sized",
    "Snapshot",
    "Stored",
    "Written",
    "deadline_of",
]

NAME_TAKEN = "NameTaken"
"""Code of the ConflictError of a create whose name is not free: a stranger's, or not yet given back by a delete."""


class Nature(StrEnum):
    """How a kind changes."""

    MUTABLE = "mutable"
    """Updated in place where its rules allow, else replaced: compute, endpoint."""
    VERSION = "version"
    """Found by its digest among immutable versions: data, model."""
    RUN = "run"
    """Carried out once a digest: job."""


@dataclass(frozen=True)
class Live:
    """What the workspace says about an object now.

    name: in the workspace; version: of an asset. properties: observed, in the vocabulary of Desired.properties.
    marks: its phift.* tags or properties. state: the service's own word. facts: worth telling, not compared.
    raw: the REST document.
    """

    name: str
    object_id: str
    properties: Mapping[str, Any]
    owner: Owner
    marks: Mapping[str, str] = field(default_factory=dict)
    state: str = "Succeeded"
    version: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    overridden: frozenset[str] = frozenset()
    """Properties that the spec's `azure:` block decides; they are compared there."""

    @property
    def ours(self) -> bool:
        return self.owner.ours

    @property
    def fingerprint(self) -> str:
        """16 hex that change when anything phift reads of the object does; not with what the service counts up."""
        return digest_of([self.name, self.version, self.properties, dict(self.marks)], 16)


@dataclass(frozen=True)
class Observation:
    """The answer of a read: the live object, None when absent, and facts of its surroundings that the plan shows.

    facts of a model: next_version, previous (inputs of the newest version of ours, with its version).
    """

    live: Live | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """Where a wait stands: done and well, failed (then error says why), or neither."""

    state: str
    done: bool = False
    error: Exception | None = None
    message: str = ""
    current: float = 0
    total: float = 0
    unit: str = ""
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """What a write came to. outputs: already known of the object, for its waits and for those who depend on it.

    operation: what the service began to bring it about; None where it began none, or the object was found.
    """

    outputs: Mapping[str, Any] = field(default_factory=dict)
    operation: Operation | None = None


class Snapshot:
    """Lists read once and looked at by many: all resources of a plan, and all stacks of a workspace.

    For plans only: an apply reads anew before each write.
    """

    def __init__(self) -> None:
        self._lists = Once()

    def items(self, azure: Azure, path: str, api_version: str) -> list[dict[str, Any]]:
        """The list at an ARM path; empty where its parent does not exist. Raises AzureError."""
        return self._listed(azure, path, api_version).items

    def named(self, azure: Azure, path: str, name: str, api_version: str) -> dict[str, Any] | None:
        """The item of that name, in any case."""
        return self._listed(azure, path, api_version).by_name.get(name.lower())

    def marked(
        self,
        azure: Azure,
        path: str,
        mark: str,
        said: str,
        api_version: str,
        normal: Callable[[str], str] = str,
    ) -> list[dict[str, Any]]:
        """The items with that tag of that value; whether it is true is for the owner's digest to say.

        normal: what values are compared by, one function for each mark.
        """
        return self._listed(azure, path, api_version).by_tag(mark, normal).get(normal(said), [])

    def _listed(self, azure: Azure, path: str, api_version: str) -> _Listed:
        def read() -> _Listed:
            try:
                return _Listed(list(azure.arm.list(path, api_version)))
            except NotFoundError:
                return _Listed([])

        return self._lists.get(path.lower(), read)


class _Listed:
    """A list, and where each of its items is."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self.items = items
        self.by_name = {str(i.get("name", "")).lower(): i for i in reversed(items)}
        self._by_tag: dict[str, dict[str, list[dict[str, Any]]]] = {}

    def by_tag(self, name: str, normal: Callable[[str], str]) -> dict[str, list[dict[str, Any]]]:
        """The items that have the tag, by its value."""
        if name not in self._by_tag:
            found: dict[str, list[dict[str, Any]]] = {}
            for item in self.items:
                if said := (item.get("tags") or {}).get(name):
                    found.setdefault(normal(str(said)), []).append(item)
            self._by_tag[name] = found
        return self._by_tag[name]


@dataclass(frozen=True)
class Context:
    """What every call of a kind may use.

    outputs: by address, what was carried out before in this apply (a model's version, a job's name).
    report: tells progress of a long write, such as an upload. snapshot: lists shared by the reads of a plan.
    """

    azure: Azure
    stack: str
    claim: Claim
    outputs: Mapping[Address, Mapping[str, Any]] = field(default_factory=dict)
    report: Callable[[Progress], None] = lambda progress: None
    snapshot: Snapshot | None = None

    def find(self, path: str, name: str, api_version: str) -> dict[str, Any] | None:
        """The document of that name in the collection at an ARM path: out of the snapshot, else read by itself."""
        if self.snapshot is None:
            try:
                return self.azure.arm.get(f"{path}/{name}", api_version)
            except NotFoundError:
                return None
        return self.snapshot.named(self.azure, path, name, api_version)

    def marked(
        self, path: str, mark: str, said: str, api_version: str, normal: Callable[[str], str] = str
    ) -> list[dict[str, Any]]:
        """Those of the collection at an ARM path with that tag of that value, see Snapshot.marked."""
        return (self.snapshot or Snapshot()).marked(self.azure, path, mark, said, api_version, normal)

    def list(self, path: str, api_version: str) -> list[dict[str, Any]]:
        """The collection at an ARM path; empty where its parent does not exist."""
        return (self.snapshot or Snapshot()).items(self.azure, path, api_version)


@runtime_checkable
class Sized(Protocol):
    """A kind some of whose writes take longer than `Kind.deadline`, as they move many bytes."""

    def deadline_of(self, desired: Desired) -> float:
        """Seconds, in place of `Kind.deadline`."""


@runtime_checkable
class Stored(Protocol):
    """A kind whose objects name a file that somebody may have deleted."""

    def stored(self, context: Context, live: Live) -> bool:
        """Whether the file is there, as it was uploaded. Raises AzureError."""


class Kind(Protocol):
    """One resource kind."""

    name: str
    nature: Nature
    deadline: float
    """Seconds a create, update or run may take before the wait gives up watching."""
    stays: bool
    """Something is left of it in the workspace, and must be found there once it is done."""

    def read(self, context: Context, desired: Desired) -> Observation:
        """The live object by its name or digest, and what surrounds it. Raises AzureError, never for absence."""

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """A REST document in the vocabulary of Desired.properties."""

    def create(self, context: Context, desired: Desired) -> Written:
        """Write it. The object may not be ready yet."""

    def update(self, context: Context, desired: Desired, live: Live) -> Written:
        """Change the live object to what is desired, keeping what is not ours."""

    def delete(self, context: Context, desired: Desired, live: Live) -> Written:
        """Ask for its removal; a version is archived, a run cancelled: both stay readable."""

    def poll(self, context: Context, desired: Desired, written: Written) -> Progress:
        """One look at a create, an update or a run. written: what create or update returned."""

    def outputs(self, context: Context, desired: Desired, live: Live) -> Mapping[str, Any]:
        """What is known of it when it is done: for people and for those who depend on it."""


def deadline_of(kind: Kind, desired: Desired) -> float:
    """Seconds that a create, an update or a run of it may take."""
    return kind.deadline_of(desired) if isinstance(kind, Sized) else kind.deadline
