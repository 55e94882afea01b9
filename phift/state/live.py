"""Live objects, and observations: the result of reading a resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.concealing import concealed_repr
from phift.digest import digest_of
from phift.state.measured import Measured
from phift.state.ownership import Owner

__all__ = ["Live", "Observation", "Previous"]


@dataclass(frozen=True)
class Live:
    """The current state of an object in the workspace."""

    name: str
    """Name in the workspace."""
    object_id: str
    properties: Mapping[str, Any]
    """Observed properties, with the names of Desired.properties."""
    owner: Owner
    marks: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Its phift.* tags or properties. Those of a deployment contain the values of its variables."""
    state: str = "Succeeded"
    """State as the service reports it."""
    version: str = ""
    """Version of an asset."""
    error: str = ""
    """Reason of a failed state, if the service reports one."""
    busy: str = ""
    """Current activity that forbids deletion: "2 nodes busy". Empty if idle."""
    created: bool = False
    """Whether the object exists and only its last update failed; it is then updated again instead of replaced."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Further facts for `phift status`; not compared and not used for decisions."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The REST document."""
    counters: frozenset[str] = frozenset()
    """Properties that the service changes by itself; not part of the fingerprint."""
    added: frozenset[str] = frozenset()
    """Properties that releases with plans of format 1.0 did not read; not part of their fingerprints."""
    overridden: frozenset[str] = frozenset()
    """Properties set by the `azure:` block of the spec; compared there."""

    def __repr__(self) -> str:
        return concealed_repr(self)

    @property
    def ours(self) -> bool:
        return self.owner.ours

    @property
    def fingerprint(self) -> str:
        """Return 16 hex digits that change with any value that phift reads, except counters of the service."""
        return self._fingerprint(self.counters)

    def was(self, fingerprint: str) -> bool:
        """Return whether a fingerprint, of this release or of one with plans of format 1.0, is that of this state."""
        return fingerprint in (self.fingerprint, self._fingerprint(self.counters | self.added))

    def _fingerprint(self, without: frozenset[str]) -> str:
        fixed = {name: value for name, value in self.properties.items() if name not in without}
        return digest_of([self.name, self.version, fixed, dict(self.marks)], 16)


@dataclass(frozen=True)
class Previous:
    """The newest version or deployment of the stack with other inputs. label: its version or name."""

    label: str
    inputs: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Observation:
    """The result of reading a resource. A kind that reads more defines a subclass in its `parts.py`."""

    live: Live | None = None
    """None if the object does not exist."""
    others: tuple[Live, ...] = ()
    """Further objects of the stack on the same host, newest first: the deployments that this one replaced."""
    guests: tuple[str, ...] = ()
    """Names of objects on the same host that the stack does not own."""
    previous: Previous | None = None
    earlier: tuple[tuple[str, Measured], ...] = ()
    """Measured times of the runs that earlier versions result from, newest first, each with the id of its base
    model."""
