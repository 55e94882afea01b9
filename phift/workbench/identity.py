"""The id of a lock file: recovered from the objects of the stack if it was lost, or created by the first apply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from phift.address import Address
from phift.azure.session import Azure
from phift.kinds.context import Snapshot
from phift.kinds.shared.wire import READ
from phift.lock import settle_id
from phift.state.live import Live, Observation
from phift.state.ownership import ID, SOURCE, Claim, Ownership
from phift.state.source import Source, normal_source
from phift.workbench.inventory import BILLED, verified
from phift.workbench.open import Workbench

__all__ = ["known_id", "settled"]


def known_id(bench: Workbench, observed: Mapping[Address, Observation]) -> str:
    """Return the id that the lock file should have; empty if unknown.

    This is its current id, except if the objects of the stack have another id and no object of the repository has the
    current one: then the file was lost and re-created, and the id of the objects applies.
    """
    claim = bench.stack.claim
    live = [seen.live for seen in observed.values() if seen.live is not None]
    carried = _ids(claim, live)
    if not carried or claim.id in carried or (claim.id and claim.id in _ids_of_repository(bench)):
        return claim.id
    return carried[0]


def settled(claim: Claim, lock: Path, azure: Azure) -> str:
    """Write the id to the lock file and return it: that of the claim, that of an object of the same source, or a new
    one.

    Raises AzureError, and PhiftError if the lock file is not writable.
    """
    return settle_id(lock, claim.id or next(_carried(claim, azure), ""))


def _ids(claim: Claim, live: Iterable[Live]) -> list[str]:
    found = dict.fromkeys(one.marks[ID] for one in live if one.marks.get(ID) and one.owner.ownership is Ownership.OURS)
    return list(found)


def _ids_of_repository(bench: Workbench) -> set[str]:
    """Return the ids of all billed objects created from the repository of the spec, by any file."""
    mine = bench.stack.claim.source.repository
    found = set()
    for collection in BILLED.values():
        path = f"{bench.azure.workspace.arm_id}/{collection}"
        for raw in bench.context.list(path, READ):
            tags = raw.get("tags") or {}
            if ID in tags and Source.parse(str(tags.get(SOURCE, ""))).repository == mine:
                found.add(str(tags[ID]))
    return found


def _carried(claim: Claim, azure: Azure) -> Iterator[str]:
    """Yield the ids of billed objects created from the same spec file."""
    if not claim.source.known:
        return
    snapshot = Snapshot()
    for kind, collection in BILLED.items():
        path = f"{azure.workspace.arm_id}/{collection}"
        for raw in snapshot.marked(azure, path, SOURCE, str(claim.source), READ, normal_source):
            live = verified(azure, kind, raw, snapshot)
            if live is not None and ID in live.marks:
                yield live.marks[ID]
