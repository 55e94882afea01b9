"""The inventory of stacks: those that specs define, and those in a workspace according to marks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from phift import spec
from phift.address import Address
from phift.azure.session import Azure
from phift.errors import PhiftError
from phift.kinds.context import Context, Snapshot
from phift.kinds.registry import KINDS
from phift.kinds.shared.wire import READ, marks_in
from phift.spec import LoadedSpec
from phift.state.desired import Desired
from phift.state.live import Live
from phift.state.ownership import ADDRESS, ID, SOURCE, STACK, Claim, Ownership
from phift.state.source import Source
from phift.workbench.request import Connector, Request
from phift.workbench.sessions import Shared, place_of

__all__ = ["BILLED", "FoundStack", "forgotten", "load_each", "load_or_errors", "stacks_in", "verified"]

BILLED = {kind.name: kind.traits.billed_in for kind in KINDS.values() if kind.traits.billed_in}
"""Kinds that are billed while they exist, with their ARM collections. Other kinds are free and kept."""


@dataclass(frozen=True)
class FoundStack:
    """A stack found by marks. claim: the lock file and the spec according to its objects. objects: verified objects by
    kind. mistaken: whether one of the given specs defines another stack of the same name.
    """

    stack: str
    claim: Claim
    objects: tuple[tuple[str, Live], ...]
    mistaken: bool = False

    def belongs_to(self, claim: Claim) -> bool:
        """Return whether this is the stack of a claim, moved or not."""
        return claim.owns(self.claim.id, str(self.claim.source)) is not Ownership.FOREIGN


def load_each(request: Request) -> list[tuple[Request, LoadedSpec]]:
    """Return all stacks of a file, each with a request for it alone. Raises InvalidSpecError."""
    loaded = spec.load_all(
        request.path,
        target=request.target,
        variables=request.variables,
        variable_files=request.variable_files,
        allow_env=request.allow_env,
        max_stacks=request.max_stacks,
        every_target=False,
    )
    return [(replace(request, variables={**request.variables, **one.cell.variables}), one) for one in loaded]


def load_or_errors(request: Request) -> list[tuple[Request, LoadedSpec | PhiftError]]:
    """Return all stacks of a file as `load_each` does, or the error of the file, for runs over several files."""
    try:
        return list(load_each(request))
    except PhiftError as error:
        return [(request, error)]


def stacks_in(azure: Azure, snapshot: Snapshot | None = None) -> list[FoundStack]:
    """Return the stacks with billed objects in a workspace, by name. Raises AzureError.

    Ignores objects with marks copied from another object.
    """
    snapshot = snapshot or Snapshot()
    found: dict[tuple[str, str, str], list[tuple[str, Live]]] = {}
    for kind, collection in BILLED.items():
        for raw in snapshot.items(azure, f"{azure.workspace.arm_id}/{collection}", READ):
            if (live := verified(azure, kind, raw, snapshot)) is not None:
                marks = live.marks
                key = (marks[STACK], str(Source.parse(marks.get(SOURCE, ""))), marks.get(ID, ""))
                found.setdefault(key, []).append((kind, live))
    return [
        FoundStack(stack, Claim(id, Source.parse(source)), tuple(objects))
        for (stack, source, id), objects in sorted(found.items(), key=lambda item: item[0])
    ]


def verified(azure: Azure, kind: str, raw: Mapping[str, Any], snapshot: Snapshot | None) -> Live | None:
    """Return the object of a listed document if its marks verify; None without marks, or if they were copied.

    Raises AzureError.
    """
    marks, name = marks_in(raw.get("tags")), str(raw["name"])
    try:
        address = Address.parse(marks.get(ADDRESS, ""))
    except ValueError:
        return None
    own = Claim(marks.get(ID, ""), Source.parse(marks.get(SOURCE, "")))
    context = Context(azure, marks.get(STACK, ""), own, snapshot=snapshot)
    live = KINDS[kind].wire.read(context, Desired(address, name)).live
    return replace(live, name=name) if live is not None and live.ours else None


def forgotten(requests: Sequence[Request], connect: Connector) -> list[FoundStack]:
    """Return the stacks in the workspaces of these specs that none of the specs defines, on any target.

    Includes stacks of other specs with the name of one of theirs, marked as mistaken.
    Raises InvalidSpecError for an invalid spec, as its stacks would be reported as forgotten.
    """
    loaded = [one for request in requests for _, one in load_each(request)]
    shared = Shared(inline=True)
    claims: dict[str, list[Claim]] = {}
    for one in loaded:
        for name in _names(one):
            claims.setdefault(name, []).append(shared.claim(one))
    found = []
    for one in {place_of(one): one for one in loaded}.values():
        session = shared.session(one, lambda spec: connect(spec).read_only())
        for stack in stacks_in(session.azure, session.snapshot):
            named = claims.get(stack.stack, [])
            if not any(stack.belongs_to(claim) for claim in named):
                found.append(replace(stack, mistaken=bool(named)))
    return found


def _names(loaded: LoadedSpec) -> Iterator[str]:
    yield loaded.stack
    yield from loaded.siblings
    end = loaded.stack.removeprefix(loaded.spec.name)
    yield from (f"{name}{end}" for name in loaded.spec.renamed_from)
