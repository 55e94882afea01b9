"""The id of a lock file: found on what the stack made before it was lost, or made by the first apply."""

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
    """The id that the lock file should have; empty where nothing says one.

    Its own, unless the stack's objects carry another and nothing of this repository in the workspace carries its own:
    then it was lost and made again, and what the objects carry holds.
    """
    claim = bench.stack.claim
    live = [seen.live for seen in observed.values() if seen.live is not None]
    carried = _ids(claim, live)
    if not carried or claim.id in carried or (claim.id and claim.id in _ids_of_repository(bench)):
        return claim.id
    return carried[0]


def settled(claim: Claim, lock: Path, azure: Azure) -> str:
    """The id to write with, which the lock file has from now on: the claim's, else that of an object of the same
    source, else a new one. Raises AzureError, and PhiftError where the lock file cannot be written."""
    return settle_id(lock, claim.id or next(_carried(claim, azure), ""))


def _ids(claim: Claim, live: Iterable[Live]) -> list[str]:
    found = dict.fromkeys(one.marks[ID] for one in live if one.marks.get(ID) and one.owner.ownership is Ownership.OURS)
    return list(found)


def _ids_of_repository(bench: Workbench) -> set[str]:
    """Of all that bills and was made from the spec's repository, by whichever file."""
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
    """The ids of what bills and was made from the very spec, as it is now."""
    if not claim.source.known:
        return
    snapshot = Snapshot()
    for kind, collection in BILLED.items():
        path = f"{azure.workspace.arm_id}/{collection}"
        for raw in snapshot.marked(azure, path, SOURCE, str(claim.source), READ, normal_source):
            live = verified(azure, kind, raw, snapshot)
            if live is not None and ID in live.marks:
                yield live.marks[ID]
