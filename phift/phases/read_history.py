"""What the ledger remembers, what the stack gives to scripts, and the way out of a lease whose holder is dead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from phift.apply.runner import settle as settle_journal
from phift.kinds.registry import KINDS
from phift.ledger.holder import Holder
from phift.ledger.journal import RECENT, Record
from phift.ledger.journal import history as journal_history
from phift.ledger.lease import break_lease, holder_of
from phift.phases.drafting import Draft
from phift.workbench.open import open_workbench
from phift.workbench.request import Connector, Request, load
from phift.workbench.sessions import Shared

__all__ = ["force_unlock", "history", "lease_holder", "outputs", "settle"]


def history(request: Request, connect: Connector, *, limit: int = RECENT) -> tuple[Record, ...]:
    """The last applies of the stack, newest first. Raises AzureError."""
    loaded = load(request)
    claim = Shared().claim(loaded)
    return journal_history(connect(loaded).read_only().blobs, loaded.stack, limit, claim.made)


def lease_holder(request: Request, connect: Connector) -> Holder:
    """Who took the stack's lease last. Raises AzureError."""
    loaded = load(request)
    return holder_of(connect(loaded).read_only().blobs, loaded.stack)


def force_unlock(request: Request, connect: Connector) -> bool:
    """Breaks the stack's lease at once, whoever holds it; False when there was none. Raises AzureError."""
    loaded = load(request)
    return break_lease(connect(loaded).blobs, loaded.stack)


def settle(draft: Draft) -> bool:
    """For a plan that changes nothing: what an apply that was cut off left open in the journal is closed by what the
    plan has read. Returns whether there was anything; never fails for the ledger's sake."""
    plan, bench = draft.plan, draft.bench
    claim = replace(bench.stack.claim, id=plan.id)
    return settle_journal(plan, claim, bench.azure, folder=bench.loaded.path.resolve().parent)


def outputs(request: Request, connect: Connector) -> dict[str, dict[str, Any]]:
    """By address, what is known of each live resource: names, versions, scoring_uri. For scripts."""
    bench = open_workbench(request, lambda loaded: connect(loaded).read_only(), looking=True)
    found: dict[str, dict[str, Any]] = {}
    for desired in bench.stack.resources:
        kind = KINDS[desired.address.kind]
        live = kind.wire.read(bench.context, desired).live
        if live is not None:
            found[str(desired.address)] = dict(kind.wire.outputs(bench.context, desired, live))
    return found
