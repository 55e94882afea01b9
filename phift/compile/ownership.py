"""Marks: the `phift.*` tags and properties by which a stack knows what is its own.

ARM objects (compute, endpoint, deployment) carry them as tags, jobs and asset versions as properties. With them a
fresh checkout plans correctly without a state file, and a copied tag does not make someone else's object ours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from phift.address import Address
from phift.compile.desired import Desired
from phift.digest import canonical_json, digest_of

__all__ = ["PREFIX", "Owner", "Ownership", "applied_digest", "marks_of", "owner_of", "user_tags"]

PREFIX = "phift."
STACK = "phift.stack"
ADDRESS = "phift.address"
DIGEST = "phift.digest"
APPLIED = "phift.applied"
OWNER = "phift.owner"
SOURCE = "phift.source"
PROTECT = "phift.protect"
TAGS = "phift.tags"
INPUTS = "phift.inputs"
_ARM_TAG_LENGTH = 256


class Ownership(StrEnum):
    OURS = "ours"
    FOREIGN = "foreign"
    """Marked by phift, but for another stack, another spec, or copied from another object."""
    UNMARKED = "unmarked"


@dataclass(frozen=True)
class Owner:
    """Whose an object is by its marks. stack, source: as it says itself, empty when unmarked."""

    ownership: Ownership
    stack: str = ""
    source: str = ""


def user_tags(tags: Mapping[str, Any] | None) -> dict[str, str]:
    """The tags that are not phift's own marks."""
    return {k: str(v) for k, v in (tags or {}).items() if not k.startswith(PREFIX)}


def applied_digest(properties: Mapping[str, Any]) -> str:
    """16 hex over the managed desired fields: what `phift.applied` holds after an apply."""
    return digest_of(properties, 16)


def marks_of(desired: Desired, *, stack: str, source: str, object_id: str) -> dict[str, str]:
    """The marks for an object about to be written. object_id: its ARM id, in any case."""
    marks = {
        STACK: stack,
        ADDRESS: str(desired.address),
        APPLIED: applied_digest(desired.properties),
        OWNER: _owner_digest(object_id, stack, desired.address),
        SOURCE: source[:_ARM_TAG_LENGTH],
    }
    if desired.digest:
        marks[DIGEST] = desired.digest
    if desired.protect:
        marks[PROTECT] = "true"
    if desired.inputs:
        marks[INPUTS] = canonical_json(desired.inputs)
    keys = ",".join(sorted(desired.properties.get("tags") or {}))
    if 0 < len(keys) <= _ARM_TAG_LENGTH:
        # Lets a later plan tell a tag that left the spec from one that someone else added.
        marks[TAGS] = keys
    return marks


def owner_of(
    marks: Mapping[str, str],
    *,
    stack: str,
    source: str,
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
    said_stack, said_source = marks.get(STACK, ""), marks.get(SOURCE, "")
    verified = marks.get(OWNER) == _owner_digest(object_id, said_stack, address)
    same_spec = said_source in ("", source[:_ARM_TAG_LENGTH])
    ours = verified and said_stack in (stack, *former) and same_spec
    return Owner(Ownership.OURS if ours else Ownership.FOREIGN, said_stack, said_source)


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
