"""The relation between a stack and a live object: who owns it, and what the plan may do to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from phift.address import Address
from phift.diagnostics import Diagnostic
from phift.state.desired import Desired, Stack
from phift.state.live import Live
from phift.state.ownership import DIGEST, Claim, Owner, Ownership

__all__ = ["DEFAULT", "LOST", "Policy", "Standing", "Stranger", "claimed_because", "refusals", "standing"]

LOST = "tags removed outside; ours according to the ledger"


@dataclass(frozen=True)
class Policy:
    """The options of planning.

    retry_failed: re-run a failed or cancelled job, whatever the cause. take_over: claim resources that the stack needs
    and another spec owns. lost: objects without tags that this stack created according to the ledger. reclaim: claim
    the lost objects without --take-over, to detect further changes. missing: versions whose file was deleted.
    """

    retry_failed: bool = False
    replace: Collection[Address] = ()
    """Addresses to replace (`--replace`)."""
    take_over: bool = False
    lost: Collection[Address] = ()
    reclaim: bool = False
    missing: Collection[Address] = ()


DEFAULT = Policy()


class Standing(StrEnum):
    """The relation between a live object and the stack that needs it."""

    OURS = "ours"
    MOVED = "moved"
    """Owned by this stack according to its id, but created from another file or repository."""
    CLAIMED = "claimed"
    """Will be owned by this stack, because the spec or the command line claims it."""
    SHARED = "shared"
    """Used as-is."""
    REFUSED = "refused"


@dataclass(frozen=True)
class Stranger:
    """An object that the stack needs and another stack owns. lost: see Policy. adoptable: see Traits."""

    address: Address
    name: str
    owner: Owner
    lost: bool = False
    adoptable: bool = False


def standing(desired: Desired[Any], live: Live, policy: Policy) -> Standing:
    """Return the relation between a live object and the stack that needs it."""
    match live.owner.ownership:
        case Ownership.OURS:
            return Standing.OURS
        case Ownership.MOVED:
            return Standing.OURS if desired.traits.historic else Standing.MOVED
        case _ if not desired.owned:
            return Standing.SHARED
        case _ if desired.traits.historic:
            return Standing.OURS if live.marks.get(DIGEST) == desired.digest else Standing.REFUSED
        case Ownership.UNMARKED:
            lost = desired.address in policy.lost
            claimed = desired.adopt or (lost and (policy.take_over or policy.reclaim))
        case _:
            claimed = policy.take_over and live.owner.stack in (desired.stack, *desired.former)
    if claimed:
        return Standing.CLAIMED
    if desired.traits.shared:
        return Standing.SHARED
    return Standing.CLAIMED if policy.take_over else Standing.REFUSED


def claimed_because(desired: Desired[Any], live: Live, policy: Policy, claim: Claim) -> str:
    """Return the reason of an adoption, shown in the plan."""
    if live.owner.ownership is Ownership.MOVED:
        return f"stack moved: {live.owner.source} -> {claim.source}"
    if live.owner.ownership is Ownership.FOREIGN:
        return f"taken over from {live.owner}"
    if desired.address in policy.lost:
        return LOST
    return "exists but is unmanaged: will be imported into this stack"


def refusals(stack: Stack, strangers: Sequence[Stranger], *, verb: str = "") -> list[Diagnostic]:
    """Return an error for each owner of needed objects. verb: that of the command, if it is not apply."""
    by_owner: dict[tuple[Owner, bool], list[Stranger]] = {}
    for stranger in strangers:
        by_owner.setdefault((stranger.owner, stranger.lost), []).append(stranger)
    return [_refusal(stack, owner, lost, several, verb) for (owner, lost), several in by_owner.items()]


def _refusal(stack: Stack, owner: Owner, lost: bool, several: Sequence[Stranger], verb: str) -> Diagnostic:
    names = [f"{stranger.address.kind} {stranger.name}" for stranger in several]
    what = names[0] if len(names) == 1 else f"{len(names)} objects"
    more = "" if len(names) == 1 else f"Affected: {', '.join(names)}."
    sides = _sides(stack, owner) if owner.stack else ""
    adopts = [stranger.address.kind for stranger in several if stranger.adoptable] if not owner.stack else []
    them = "it" if len(names) == 1 else "them"
    claim = f"--take-over {verb}s {them} too" if verb else f"--take-over claims {them} for this stack"
    if adopts and not lost:
        claim += f"; so does `adopt: {{{', '.join(f'{kind}: true' for kind in adopts)}}}` in the spec"
    return Diagnostic(
        f"{what} {_ownership(owner, lost, len(names))}",
        detail="\n".join(filter(None, [sides, more])),
        remedy=f"{claim}. {_otherwise(stack, owner, lost)}",
        address=str(several[0].address),
        code="tags-removed" if lost else "owned-by-another",
    )


def _ownership(owner: Owner, lost: bool, count: int) -> str:
    if lost:
        return f"{'has' if count == 1 else 'have'} lost phift's tags: {LOST}"
    if not owner.stack:
        return f"{'exists and is' if count == 1 else 'exist and are'} not managed by phift"
    if owner.copied:
        return f"{'has' if count == 1 else 'have'} tags copied from an object of {owner}"
    return f"{'belongs' if count == 1 else 'belong'} to {owner}"


def _sides(stack: Stack, owner: Owner) -> str:
    """Describe both owners, and why they do not match."""
    mine = stack.claim
    ours = f"This is stack {stack.name} of {mine.source if mine.source.known else _unknown(mine)} ({_id(mine.id)})"
    theirs = f"; the tags name {owner} ({_id(owner.id)})"
    why = ""
    if _same_name(stack, owner) and not mine.source.known:
        why = "\nWithout a Git repository with a remote, only equal ids prove that both are the same stack."
    return f"{ours}{theirs}.{why}"


def _unknown(mine: Claim) -> str:
    return f"{mine.source.path} in an unknown repository"


def _id(id: str) -> str:
    return f"id {id}" if id else "no id"


def _same_name(stack: Stack, owner: Owner) -> bool:
    return owner.stack in (stack.name, *stack.former) and not owner.copied


def _otherwise(stack: Stack, owner: Owner, lost: bool) -> str:
    if lost:
        return "Compare its settings first: `phift drift`."
    if _same_name(stack, owner) and not stack.claim.source.known:
        return "If it is the same stack, restore phift.lock from version control, or run in a clone of the repository."
    return "Otherwise rename this stack, or delete the other resource first."
