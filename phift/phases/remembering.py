"""What the last apply wrote, as the ledger remembers it: told beside each change, never needed for a decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from phift.azure.session import Azure
from phift.errors import AzureError
from phift.ledger.journal import history
from phift.plan.diff import flatten
from phift.plan.model import PlannedResource

__all__ = ["with_applied"]


def with_applied(resources: tuple[PlannedResource, ...], azure: Azure, stack: str) -> tuple[PlannedResource, ...]:
    """The same resources with `applied` filled in where a live object differs. Without a ledger, as they are."""
    if not any(r.fingerprint and r.visible_changes for r in resources):
        return resources
    try:
        last = _last_applied(azure, stack)
    except AzureError:
        return resources
    return tuple(_filled(r, last.get(str(r.address), {})) for r in resources)


def _filled(resource: PlannedResource, applied: Mapping[str, Any]) -> PlannedResource:
    changes = tuple(replace(c, applied=applied.get(c.path)) for c in resource.changes)
    return replace(resource, changes=changes) if resource.fingerprint else resource


def _last_applied(azure: Azure, stack: str) -> dict[str, dict[str, Any]]:
    """By address, the leaves of what was written last."""
    found: dict[str, dict[str, Any]] = {}
    for record in reversed(history(azure.blobs, stack)):
        for result in record.results:
            applied = result.intent.facts.get("applied")
            if isinstance(applied, Mapping) and result.outcome in {"done", "found done"}:
                found[result.intent.address] = dict(flatten(applied))
    return found
