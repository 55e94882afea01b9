"""The current state of a stack. Read-only."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from phift.display import Displayed
from phift.kinds.registry import KINDS
from phift.kinds.shared.scoring import question
from phift.state.desired import Desired
from phift.state.live import Live
from phift.state.traits import Nature
from phift.workbench.open import Workbench, open_read_only
from phift.workbench.recipes import table_of
from phift.workbench.request import Connector, Request

if TYPE_CHECKING:
    from phift.cost.prices import PriceBook
    from phift.cost.running import Running

__all__ = ["Status", "StatusRow", "status", "status_of"]


@dataclass(frozen=True)
class StatusRow:
    """A resource. address: kind.name. identity: name in the workspace, with version.

    state: as the service reports it. bills: its nodes that are billed now; None if it has none, and on target local.
    """

    address: str
    identity: str
    state: str
    details: Mapping[str, Any] = field(default_factory=dict)
    bills: Running | None = None


@dataclass(frozen=True)
class Status(Displayed):
    """The status of a stack. rows: one per resource. notes: remarks to display.

    commands: complete commands to try next.
    """

    stack: str
    workspace: str
    rows: tuple[StatusRow, ...]
    notes: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    @property
    def billed(self) -> bool:
        """Whether anything in the workspace is billed by nodes: never on target local."""
        return any(row.bills for row in self.rows)

    @property
    def usd_per_hour(self) -> float:
        """US dollars an hour of what runs now, without unknown prices."""
        return sum((row.bills.usd_per_hour or 0.0 for row in self.rows if row.bills), 0.0)


def status(request: Request, connect: Connector) -> Status:
    """Return the current state of the stack."""
    return status_of(open_read_only(request, connect), request)


def status_of(bench: Workbench, request: Request) -> Status:
    """Return the current state of the stack of a workbench."""
    book = None
    if not bench.azure.local:
        from phift.cost.prices import PriceBook

        book = PriceBook(bench.resolved.facts, bench.loaded.spec.prices)
    rows = tuple(
        row for desired in bench.stack.resources if not _leaves_nothing(desired) for row in _rows(bench, desired, book)
    )
    model = bench.resolved.facts.base_model
    notes = [" ".join((d.summary + ".", d.detail)) for d in bench.unidentified]
    if model and model.stand_in:
        notes.append(f"The base model {model.name} is a tiny stand-in for the real weights on this target.")
    workspace = "Azure ML emulator" if bench.azure.local else bench.azure.workspace.label
    return Status(bench.stack.name, workspace, rows, tuple(notes), _commands(request, bench, rows))


def _leaves_nothing(desired: Desired[Any]) -> bool:
    """Return whether a resource is a run without an object in the workspace."""
    return desired.traits.nature is Nature.RUN and not desired.traits.leaves_object


def _rows(bench: Workbench, desired: Desired[Any], book: PriceBook | None) -> Iterator[StatusRow]:
    """Yield the row of a resource, and of a deployment those of the other deployments of the stack."""
    seen = KINDS[desired.address.kind].wire.read(bench.context, desired)
    address = str(desired.address)
    if seen.live is None:
        state = "missing" if desired.traits.leaves_object else "none"
        yield StatusRow(address, desired.name, state)
    else:
        yield _row(desired, address, seen.live, book)
    for other in seen.others:
        yield _row(desired, f"{desired.address.kind}.{other.name}", other, book)


def _row(desired: Desired[Any], address: str, live: Live, book: PriceBook | None) -> StatusRow:
    identity = KINDS[desired.address.kind].identity(live)
    details = {k: v for k, v in live.facts.items() if v not in (None, "", [], {})}
    if not live.ours and desired.owned:
        details["owner"] = live.owner.stack or "not managed by phift"
    bills = None
    if book is not None:
        from phift.cost.running import running

        bills = running(desired.address.kind, live, book)
    return StatusRow(address, identity, live.state, details, bills)


def _commands(request: Request, bench: Workbench, rows: tuple[StatusRow, ...]) -> tuple[str, ...]:
    """Return commands that call the endpoint, if a deployment has traffic; they fetch the key when they run."""
    uri = next((uri for r in rows if r.details.get("traffic") and (uri := r.details.get("scoring_uri"))), None)
    if not uri:
        return ()
    spec = shlex.join([str(request.path), *request.spec_options])
    through = "phift emulator run -- " if bench.azure.local else ""
    body = json.dumps(question("What is the capital of France?", table_of(bench.loaded), {}).body)
    return (
        f'phift invoke {spec} "What is the capital of France?"',
        f"{through}curl -sS {uri} -H 'Content-Type: application/json' "
        f'-H "Authorization: Bearer $(phift invoke {spec} --key)" -d {shlex.quote(body)}',
    )
