"""Marks: the `phift.*` tags and properties that identify the objects of a stack.

ARM objects (compute, endpoint, deployment) have them as tags; jobs and asset versions have them as properties. They
allow a fresh checkout to plan without a state file, and a copied tag does not transfer ownership. They protect against
mistakes, not against attackers: anyone with write access to the workspace can write tags.

A stack owns an object if the id of the lock file that created it equals the id of its own lock file, or if the object
was created from the same file of the same repository. If either side has no id, only the repository counts. Without a
repository there is no match, except for objects of release 0.1.0, which have no ids: these match by the exact source.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from phift.address import Address
from phift.digest import canonical_json, digest_of
from phift.state.overrides import leaves, raw_mark
from phift.state.rules import Behaviour, rules_of
from phift.state.source import Source

if TYPE_CHECKING:
    from phift.state.desired import Desired

__all__ = [
    "ARM_TAGS",
    "OPTIONAL",
    "PREFIX",
    "Claim",
    "Owner",
    "Ownership",
    "applied_digest",
    "marks_of",
    "owner_of",
    "user_tags",
]

PREFIX = "phift."
STACK = "phift.stack"
ADDRESS = "phift.address"
DIGEST = "phift.digest"
APPLIED = "phift.applied"
OWNER = "phift.owner"
ID = "phift.id"
SOURCE = "phift.source"
PROTECT = "phift.protect"
COMPANION = "phift.companion"
"""Name of an object outside the workspace that belongs to this one, so that a spec without it knows to look for it."""
TAGS = "phift.tags"
INPUTS = "phift.inputs"
RAW = "phift.raw"
FIELDS = "phift.fields"
OPTIONAL = (TAGS, FIELDS, RAW)
"""Optional marks, which make later plans more exact."""
ARM_TAGS = 50
"""Maximum number of tags of an ARM object."""
_ARM_TAG_LENGTH = 256


class Ownership(StrEnum):
    """The relation between the marks of an object and a stack."""

    OURS = "ours"
    MOVED = "moved"
    """Owned according to its id, but created from another file or repository: the spec moved, or is a copy."""
    FOREIGN = "foreign"
    """Marked for another stack or another spec, or with marks copied from another object."""
    UNMARKED = "unmarked"


@dataclass(frozen=True)
class Claim:
    """The identity of a stack as an owner. id: of its lock file, empty before the first apply. source: of its spec."""

    id: str
    source: Source

    def owns(self, id: str, source: str) -> Ownership:
        """Return OURS, MOVED or FOREIGN for an object created by the lock file `id` and the spec `source`."""
        if self.id and id:
            if self.source.same(source):
                return Ownership.OURS
            if self.id != id:
                return Ownership.FOREIGN
            moved = self.source.known and Source.parse(source).known
            return Ownership.MOVED if moved else Ownership.OURS
        exact = not id and source in ("", str(self.source))
        return Ownership.OURS if exact or self.source.same(source) else Ownership.FOREIGN

    def made(self, plan: Mapping[str, Any]) -> bool:
        """Return whether an apply in the ledger, given by the summary of its plan, was an apply of this stack.

        Applies of release 0.1.0 have no id and match by name.
        """
        id = str(plan.get("id", ""))
        return not id or self.owns(id, str(plan.get("source", ""))) is not Ownership.FOREIGN


@dataclass(frozen=True)
class Owner:
    """The owner of an object according to its marks. stack, source, id: values of the marks, empty if unmarked.

    copied: whether the marks were written for another object.
    """

    ownership: Ownership
    stack: str = ""
    source: str = ""
    id: str = ""
    copied: bool = False

    @property
    def ours(self) -> bool:
        """Whether the stack may change the object: a moved one too, after the move was approved."""
        return self.ownership in (Ownership.OURS, Ownership.MOVED)

    def __str__(self) -> str:
        """Return `stack NAME of SOURCE` as far as known, or "nobody". Outside a repository, SOURCE is a file name."""
        if not self.stack:
            return "nobody"
        return f"stack {self.stack}" + (f" of {self.source.removeprefix('#')}" if self.source else "")


def user_tags(tags: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the tags without phift's own marks."""
    return {k: str(v) for k, v in (tags or {}).items() if not k.lower().startswith(PREFIX)}


def applied_digest(properties: Mapping[str, Any]) -> str:
    """Return the value of `phift.applied` after an apply: 16 hex digits over the managed desired fields."""
    return digest_of(properties, 16)


def marks_of(
    desired: Desired[Any], *, stack: str, claim: Claim, object_id: str, before: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the marks of an object to write. object_id: its ARM id, case-insensitive. before: its current marks.

    An unknown source never replaces a known one.
    """
    source = str(claim.source)
    written = (before or {}).get(SOURCE, "")
    if not claim.source.known and Source.parse(written).known:
        source = written
    marks = {
        STACK: stack,
        ADDRESS: str(desired.address),
        APPLIED: applied_digest(desired.properties),
        OWNER: _owner_digest(object_id, stack, desired.address),
        SOURCE: source,
    }
    if claim.id:
        marks[ID] = claim.id
    if desired.digest:
        marks[DIGEST] = desired.digest
    if desired.protect:
        marks[PROTECT] = "true"
    if desired.companion:
        marks[COMPANION] = desired.companion
    if desired.inputs:
        marks[INPUTS] = canonical_json(desired.inputs)
    if raw := raw_mark(desired.azure):
        marks[RAW] = raw
    if fields := ",".join(managed_fields(desired)):
        marks[FIELDS] = fields
    keys = ",".join(sorted(desired.properties.get("tags") or {}))
    if 0 < len(keys) <= _ARM_TAG_LENGTH:
        # Allows a later plan to distinguish a tag removed from the spec from a tag that someone else added.
        marks[TAGS] = keys
    return _that_fit(marks, len(desired.properties.get("tags") or {}))


def needed_marks(desired: Desired[Any]) -> int:
    """Return the number of tags that the mandatory marks take."""
    return (
        len((STACK, ADDRESS, APPLIED, OWNER, SOURCE, ID))
        + bool(desired.digest)
        + desired.protect
        + bool(desired.companion)
    )


def managed_fields(desired: Desired[Any]) -> list[str]:
    """Return the optional fields that the spec sets.

    They are recorded so that a later plan can distinguish a field removed from the spec from one set by someone else.
    """
    rules = [r for r in rules_of(desired.address.kind) if r.behaviour in (Behaviour.DEFAULT, Behaviour.STAYS)]
    fields = (path for path, value in leaves(desired.properties) if value is not None)
    return sorted(path for path in fields if any(r.covers(path) for r in rules))


def _that_fit(marks: dict[str, str], tags: int) -> dict[str, str]:
    """Drop optional marks until the marks and the given number of user tags fit."""
    room = ARM_TAGS - tags + (INPUTS in marks)  # the inputs are stored elsewhere
    dropped = OPTIONAL[: max(0, len(marks) - room)]
    return {name: value for name, value in marks.items() if name not in dropped}


def owner_of(
    marks: Mapping[str, str],
    *,
    stack: str,
    claim: Claim,
    object_id: str,
    address: Address,
    former: Sequence[str] = (),
) -> Owner:
    """Return the owner of an object, as seen from this stack and address.

    The owner digest binds the marks to the object, so tags copied to another object do not verify. former: earlier
    names of the stack; their marks count as its own.
    """
    if STACK not in marks and OWNER not in marks:
        return Owner(Ownership.UNMARKED)
    said_stack, said_source, said_id = (marks.get(mark, "") for mark in (STACK, SOURCE, ID))
    copied = marks.get(OWNER) != _owner_digest(object_id, said_stack, address)
    ours = not copied and said_stack in (stack, *former)
    ownership = claim.owns(said_id, said_source) if ours else Ownership.FOREIGN
    return Owner(ownership, said_stack, said_source, said_id, copied)


def inputs_in(marks: Mapping[str, str]) -> dict[str, Any]:
    """Return the inputs recorded when the object was created; empty if not recorded."""
    try:
        inputs = json.loads(marks.get(INPUTS, "{}"))
    except ValueError:
        return {}
    return inputs if isinstance(inputs, dict) else {}


def _owner_digest(object_id: str, stack: str, address: Address) -> str:
    text = f"{object_id.lower()}\n{stack}\n{address}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
