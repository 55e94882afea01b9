"""What the workspace says: a live object, and the answer of a read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.concealing import concealed_repr
from phift.digest import digest_of
from phift.state.ownership import Owner

__all__ = ["Live", "Observation", "Previous"]


@dataclass(frozen=True)
class Live:
    """What the workspace says about an object now."""

    name: str
    """In the workspace."""
    object_id: str
    properties: Mapping[str, Any]
    """Observed, in the vocabulary of Desired.properties."""
    owner: Owner
    marks: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Its phift.* tags or properties; those of a deployment hold the values of its variables."""
    state: str = "Succeeded"
    """The service's own word."""
    version: str = ""
    """Of an asset."""
    error: str = ""
    """Why it is in a failed state, where the service says so."""
    busy: str = ""
    """What it is working on, so that it must not be deleted now: "2 nodes work"."""
    created: bool = False
    """Whether it was created before its last change failed: it works as it did, and is written again."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What `status` shows of it beside its properties; not compared, and nothing is decided by it."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The REST document."""
    overridden: frozenset[str] = frozenset()
    """Properties that the spec's `azure:` block decides; they are compared there."""

    def __repr__(self) -> str:
        return concealed_repr(self)

    @property
    def ours(self) -> bool:
        return self.owner.ours

    @property
    def fingerprint(self) -> str:
        """16 hex that change when anything phift reads of the object does; not with what the service counts up."""
        return digest_of([self.name, self.version, self.properties, dict(self.marks)], 16)


@dataclass(frozen=True)
class Previous:
    """The stack's newest version or deployment that was created from other inputs. label: its version or name."""

    label: str
    inputs: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Observation:
    """The answer of a read. A kind that tells more of the surroundings has a subclass of it in its `parts.py`."""

    live: Live | None = None
    """None where it is absent."""
    others: tuple[Live, ...] = ()
    """Further objects of the stack in the same place: deployments that this one replaced, newest first."""
    previous: Previous | None = None
