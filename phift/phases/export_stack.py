"""Export a stack to files and commands of `az ml`. Reads what a plan reads, and writes nothing but the lock file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from phift.address import Address
from phift.kinds.exporting import Exported, Exporting
from phift.kinds.registry import KINDS
from phift.lock import update_lock
from phift.phases.examine import Examination, examine
from phift.plan.model import Decided
from phift.state.desired import Desired
from phift.state.live import Observation
from phift.workbench.identity import known_id, settled
from phift.workbench.open import Workbench, open_workbench
from phift.workbench.request import Connector, Request
from phift.workspace import WorkspaceId

__all__ = ["StackExport", "export"]


@dataclass(frozen=True)
class StackExport:
    """A stack as steps of `az ml`, in order. local: whether the workspace is that of the emulator."""

    stack: str
    target: str
    spec: str
    workspace: WorkspaceId
    local: bool
    steps: tuple[tuple[Address, Exported], ...]

    @property
    def secrets(self) -> dict[str, str]:
        """The use of each environment variable that the script reads."""
        return {name: use for _, step in self.steps for name, use in step.secrets.items()}


def export(request: Request, connect: Connector) -> StackExport:
    """Return the export of a stack, with the rows that it uploads prepared.

    Pins versions in the lock file like a plan, and the id of the file like the first apply: the objects that the
    script creates carry it. Raises RefusedError with the findings of the checks of a plan if one is an error, and for
    unfit rows; UsageError for a resource that `az` cannot express.
    """
    bench = open_workbench(replace(request, fetch=True), connect)
    found = examine(bench, writes=False).require_accepted()
    pins = {bench.loaded.stack: bench.resolved.pins}
    update_lock(bench.lock_path, pins, known_id(bench, found.observed))
    claim = replace(bench.stack.claim, id=known_id(bench, found.observed))
    claim = replace(claim, id=settled(claim, bench.lock_path, bench.azure))
    context = replace(bench.context, claim=claim)
    exporting = Exporting(context, _observed(bench, found))
    decided = {planned.address: planned.decided for planned in found.resources}
    steps = []
    for desired in bench.stack.resources:
        kind, seen = KINDS[desired.address.kind], exporting.observed.get(desired.address)
        wanted = _wanted(desired, seen, decided)
        if (step := kind.export(exporting, wanted, seen)) is not None:
            steps.append((desired.address, step))
    return StackExport(
        bench.stack.name,
        bench.stack.target,
        request.path.name,
        bench.azure.workspace,
        bench.azure.local,
        tuple(steps),
    )


def _wanted(desired: Desired[Any], seen: Observation | None, decided: Mapping[Address, Decided]) -> Desired[Any]:
    """Return the resource as an apply would write it."""
    kind = KINDS[desired.address.kind]
    wanted = kind.decided(desired, decided[desired.address]) if desired.address in decided else desired
    return kind.as_read(wanted, seen) if seen is not None else wanted


def _observed(bench: Workbench, found: Examination) -> dict[Address, Observation]:
    """Return the live objects. A plan does not read a job whose model exists; an export names it."""
    unread = [desired for desired in bench.stack.resources if desired.address not in found.observed]
    return {**found.observed, **{d.address: KINDS[d.address.kind].wire.read(bench.context, d) for d in unread}}
