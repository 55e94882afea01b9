"""Values of past applies from the ledger: shown in plans, and used for decisions only if the tags of an object were
removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from phift.address import Address
from phift.azure.session import Azure
from phift.errors import AzureError
from phift.kinds.registry import KINDS
from phift.ledger.words import Verb
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.state.desired import Desired, Stack
from phift.state.live import Observation
from phift.state.overrides import leaves
from phift.state.ownership import Claim, Ownership
from phift.state.traits import Nature, Traits

if TYPE_CHECKING:
    from phift.ledger.journal import Intent, Record, Result

__all__ = ["Remembered"]

REMOVED = "removed outside"


class Remembered:
    """The last applies of a stack, read on first use; empty if the ledger does not exist or cannot be read."""

    def __init__(self, azure: Azure, stack: str, claim: Claim) -> None:
        self._azure = azure
        self._stack = stack
        self._claim = claim

    @cached_property
    def made(self) -> frozenset[tuple[str, str]]:
        """Address and name of all objects that past applies created and did not delete.

        Versions, which share a name, are included with their digests; traffic splits with their deployments.
        """
        existing: set[tuple[str, str]] = set()
        for result in self._done:
            intent = result.intent
            key, traits = (intent.address, intent.identity), _traits(intent.address)
            keys = {key, *_versions(intent, traits)}
            if traits.routes:
                routed = {(intent.address, name) for name in _shares(intent)}
                existing = {k for k in existing if not _traits(k[0]).routes} | routed
            elif intent.verb is not Verb.DELETE:
                existing |= keys
            elif traits.hosts:
                # Hosted objects are deleted with it, without entries of their own.
                existing = {k for k in existing - {key} if not (_traits(k[0]).routes or _traits(k[0]).serves)}
            else:
                existing = {k for k in existing - keys if not (_traits(k[0]).routes and k[1] == intent.identity)}
        return frozenset(existing)

    def has_made(self, desired: Desired[Any]) -> bool:
        """Return whether a past apply created the desired object and none deleted it."""
        version = desired.traits.nature is Nature.VERSION
        return (str(desired.address), desired.digest if version else desired.name) in self.made

    @property
    def split(self) -> Mapping[str, int] | None:
        """The traffic after the last shift; None if unknown."""
        facts = next((r.intent.facts for r in reversed(self._done) if _traits(r.intent.address).routes), {})
        found = facts.get("split")
        return found if isinstance(found, Mapping) else None

    @cached_property
    def applied(self) -> Mapping[str, Mapping[str, Any]]:
        """The leaves of the last written values by address."""
        found = {}
        for result in self._done:
            applied = result.intent.facts.get("applied")
            if isinstance(applied, Mapping):
                found[result.intent.address] = dict(leaves(applied))
        return found

    def lost(self, stack: Stack, observed: Mapping[Address, Observation], *, generated: bool) -> frozenset[Address]:
        """Return the objects without marks that a past apply created.

        generated: check generated names only, so that unmanaged clusters do not cause a read of the ledger.
        """
        unmarked = [
            desired
            for desired in stack.resources
            if desired.owned
            and (desired.generated or not generated)
            and (seen := observed.get(desired.address)) is not None
            and seen.live is not None
            and seen.live.owner.ownership is Ownership.UNMARKED
        ]
        return frozenset(d.address for d in unmarked if (str(d.address), d.name) in self.made)

    def beside(self, resources: tuple[PlannedResource, ...], stack: Stack) -> tuple[PlannedResource, ...]:
        """Return the resources with `applied` values of changed fields, and reasons for re-created objects."""
        differs = any(r.fingerprint and r.visible_changes for r in resources)
        applied = self._claim.id or any(r.fingerprint for r in resources)
        recreated = applied and any(r.action is Action.CREATE for r in resources)
        return tuple(self._told(r, stack, resources) for r in resources) if differs or recreated else resources

    def _told(self, resource: PlannedResource, stack: Stack, resources: tuple[PlannedResource, ...]) -> PlannedResource:
        address = str(resource.address)
        if resource.action is Action.CREATE and not resource.fingerprint:
            desired = stack.resource(resource.address)
            if desired and desired.traits.hosted and any(_replaces_host(r) for r in resources):
                return resource
            return replace(resource, reason=REMOVED) if desired and self.has_made(desired) else resource
        applied = self.applied.get(address, {})
        changes = tuple(replace(c, applied=applied.get(c.path)) for c in resource.changes)
        return replace(resource, changes=changes) if resource.fingerprint else resource

    @cached_property
    def _done(self) -> tuple[Result, ...]:
        """Successful writes, oldest first."""
        from phift.ledger.journal import history

        try:
            records: tuple[Record, ...] = history(self._azure.blobs, self._stack, mine=self._claim.made)
        except AzureError:
            return ()
        results = (r for record in reversed(records) for r in record.results)
        return tuple(r for r in results if r.outcome.took_effect)


def _replaces_host(resource: PlannedResource) -> bool:
    return resource.action is Action.REPLACE and _traits(str(resource.address)).hosts


def _shares(intent: Intent) -> Iterable[str]:
    applied = intent.facts.get("applied")
    return applied.get("traffic") or {} if isinstance(applied, Mapping) else {}


def _versions(intent: Intent, traits: Traits) -> Iterable[tuple[str, str]]:
    """Yield the key of the digest of a version, if the intent contains it."""
    digest = intent.facts.get("digest")
    return [(intent.address, str(digest))] if traits.nature is Nature.VERSION and digest else []


def _traits(address: str) -> Traits:
    """Return the traits of the kind of an address in the ledger; the defaults for a kind unknown to this release."""
    kind = KINDS.get(address.partition(".")[0])
    return kind.traits if kind else Traits()
