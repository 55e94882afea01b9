"""Marks: the `phift.*` tags and properties by which a stack knows what is its own.

ARM objects (compute, endpoint, deployment) carry them as tags, jobs and asset versions as properties. With them a
fresh checkout plans correctly without a state file, and a copied tag does not make someone else's object ours. They
guard against mistakes, not against attackers: whoever may write to the workspace may write tags.

An object is ours when the id of the lock file that made it is that of our lock file, or when it was made from the same
file of the same repository. Where either side has no id, the repository decides alone; without a repository nothing
matches, but for objects of release 0.1.0, which knew no ids: by the exact text of their source.
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
TAGS = "phift.tags"
INPUTS = "phift.inputs"
RAW = "phift.raw"
FIELDS = "phift.fields"
OPTIONAL = (TAGS, FIELDS, RAW)
"""Marks that only make later plans more exact."""
ARM_TAGS = 50
"""Tags that the resource manager keeps of one object."""
_ARM_TAG_LENGTH = 256


class Ownership(StrEnum):
    OURS = "ours"
    MOVED = "moved"
    """Ours by its id, made from another file or repository: the spec moved, or this is a copy of it."""
    FOREIGN = "foreign"
    """Marked by phift, but for another stack, another spec, or copied from another object."""
    UNMARKED = "unmarked"


@dataclass(frozen=True)
class Claim:
    """What a stack says of itself. id: of its lock file, empty before the first apply. source: of its spec."""

    id: str
    source: Source

    def owns(self, id: str, source: str) -> Ownership:
        """OURS, MOVED or FOREIGN: what something is that says of itself that it was made by these."""
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
        """Whether an apply in the ledger, by the summary of its plan, was of this stack; those of release 0.1.0, which
        say no id, were of whoever has its name."""
        id = str(plan.get("id", ""))
        return not id or self.owns(id, str(plan.get("source", ""))) is not Ownership.FOREIGN


@dataclass(frozen=True)
class Owner:
    """Whose an object is by its marks. stack, source, id: as it says itself, empty when unmarked.

    copied: its marks were written for another object.
    """

    ownership: Ownership
    stack: str = ""
    source: str = ""
    id: str = ""
    copied: bool = False

    @property
    def ours(self) -> bool:
        """Whether the stack may change it: a moved one too, once the move was approved."""
        return self.ownership in (Ownership.OURS, Ownership.MOVED)

    def __str__(self) -> str:
        """`stack NAME of SOURCE`, as far as it says; "nobody" where it says nothing."""
        if not self.stack:
            return "nobody"
        return f"stack {self.stack}" + (f" of {self.source}" if self.source else "")


def user_tags(tags: Mapping[str, Any] | None) -> dict[str, str]:
    """The tags that are not phift's own marks."""
    return {k: str(v) for k, v in (tags or {}).items() if not k.lower().startswith(PREFIX)}


def applied_digest(properties: Mapping[str, Any]) -> str:
    """16 hex over the managed desired fields: what `phift.applied` holds after an apply."""
    return digest_of(properties, 16)


def marks_of(
    desired: Desired[Any], *, stack: str, claim: Claim, object_id: str, before: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The marks for an object about to be written. object_id: its ARM id, case-insensitive. before: the marks that it
    has. A source that is not known never takes the place of one that is."""
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
    if desired.inputs:
        marks[INPUTS] = canonical_json(desired.inputs)
    if raw := raw_mark(desired.azure):
        marks[RAW] = raw
    if fields := ",".join(managed_fields(desired)):
        marks[FIELDS] = fields
    keys = ",".join(sorted(desired.properties.get("tags") or {}))
    if 0 < len(keys) <= _ARM_TAG_LENGTH:
        # Lets a later plan tell a tag that left the spec from one that someone else added.
        marks[TAGS] = keys
    return _that_fit(marks, len(desired.properties.get("tags") or {}))


def needed_marks(desired: Desired[Any]) -> int:
    """How many tags the marks take that an object cannot do without."""
    return len((STACK, ADDRESS, APPLIED, OWNER, SOURCE, ID)) + bool(desired.digest) + desired.protect


def managed_fields(desired: Desired[Any]) -> list[str]:
    """The fields that the spec sets and could leave to the service: written down, so that a later plan can tell one
    that left the spec from one that somebody else set."""
    rules = [r for r in rules_of(desired.address.kind) if r.behaviour in (Behaviour.DEFAULT, Behaviour.STAYS)]
    fields = (path for path, value in leaves(desired.properties) if value is not None)
    return sorted(path for path in fields if any(r.covers(path) for r in rules))


def _that_fit(marks: dict[str, str], tags: int) -> dict[str, str]:
    """The marks beside so many tags of the user's: those that only make plans more exact give way first."""
    room = ARM_TAGS - tags + (INPUTS in marks)  # the inputs are kept elsewhere
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
    """Whose the object is, seen from this stack and address.

    The owner digest binds the marks to the very object that carries them, so tags copied to another object
    do not verify. former: earlier names of the stack, whose marks are ours too.
    """
    if STACK not in marks and OWNER not in marks:
        return Owner(Ownership.UNMARKED)
    said_stack, said_source, said_id = (marks.get(mark, "") for mark in (STACK, SOURCE, ID))
    copied = marks.get(OWNER) != _owner_digest(object_id, said_stack, address)
    ours = not copied and said_stack in (stack, *former)
    ownership = claim.owns(said_id, said_source) if ours else Ownership.FOREIGN
    return Owner(ownership, said_stack, said_source, said_id, copied)


def inputs_in(marks: Mapping[str, str]) -> dict[str, Any]:
    """What the digest covered when the object was made; empty when it does not say."""
    try:
        inputs = json.loads(marks.get(INPUTS, "{}"))
    except ValueError:
        return {}
    return inputs if isinstance(inputs, dict) else {}


def _owner_digest(object_id: str, stack: str, address: Address) -> str:
    text = f"{object_id.lower()}\n{stack}\n{address}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
