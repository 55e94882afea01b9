"""The history and outputs of a stack, and the release of a lease whose holder has crashed."""

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
from phift.phases.results import Planned
from phift.plan.action import Purpose
from phift.workbench.open import open_read_only
from phift.workbench.request import Connector, Request, load
from phift.workbench.sessions import Shared

__all__ = ["force_unlock", "history", "last_apply", "lease_holder", "outputs", "settle"]


def history(request: Request, connect: Connector, *, limit: int = RECENT) -> tuple[Record, ...]:
    """Return the last applies of the stack, newest first. Raises AzureError."""
    loaded = load(request)
    claim = Shared().claim(loaded)
    return journal_history(connect(loaded).read_only().blobs, loaded.stack, limit, claim.made)


def last_apply(planned: Planned) -> Record | None:
    """Return the last apply of a planned stack; None without one. Raises AzureError."""
    bench = planned.bench
    claim = replace(bench.stack.claim, id=planned.plan.id)
    records = journal_history(bench.azure.read_only().blobs, bench.stack.name, mine=claim.made)
    return next((record for record in records if record.plan.get("purpose") == Purpose.APPLY), None)


def lease_holder(request: Request, connect: Connector) -> Holder:
    """Return the last holder of the lease of the stack. Raises AzureError."""
    loaded = load(request)
    return holder_of(connect(loaded).read_only().blobs, loaded.stack)


def force_unlock(request: Request, connect: Connector) -> bool:
    """Break the lease of the stack, whoever holds it. Return False if it was not held. Raises AzureError."""
    loaded = load(request)
    return break_lease(connect(loaded).blobs, loaded.stack)


def settle(draft: Draft) -> bool:
    """Close the journal entries of an interrupted apply, from the observations of a plan without changes.

    Return whether there were open entries. Errors of the ledger are ignored.
    """
    plan, bench = draft.plan, draft.bench
    claim = replace(bench.stack.claim, id=plan.id)
    return settle_journal(plan, claim, bench.azure, folder=bench.loaded.path.resolve().parent)


def outputs(request: Request, connect: Connector) -> dict[str, dict[str, Any]]:
    """Return the outputs of each live resource by address (names, versions, scoring_uri), for scripts."""
    bench = open_read_only(request, connect)
    found: dict[str, dict[str, Any]] = {}
    for desired in bench.stack.resources:
        kind = KINDS[desired.address.kind]
        live = kind.wire.read(bench.context, desired).live
        if live is not None:
            found[str(desired.address)] = dict(kind.wire.outputs(bench.context, desired, live))
    return found
