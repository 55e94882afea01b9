"""What the ledger remembers of past applies: told beside what is found, and needed for a decision only where an object
has lost the tags that say whose it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from phift.address import Address
from phift.azure.session import Azure
from phift.errors import AzureError
from phift.kinds.registry import KINDS
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
    """The last applies of a stack, read when first asked for; nothing where there is no ledger, or none to be read."""

    def __init__(self, azure: Azure, stack: str, claim: Claim) -> None:
        self._azure = azure
        self._stack = stack
        self._claim = claim

    @cached_property
    def made(self) -> frozenset[tuple[str, str]]:
        """Address and name of everything that past applies made and did not delete; of versions, which share a name,
        their digests too.

        Of what routes requests: the deployments that the last shift was to.
        """
        there: set[tuple[str, str]] = set()
        for result in self._done:
            intent = result.intent
            key, traits = (intent.address, intent.identity), _traits(intent.address)
            keys = {key, *_versions(intent, traits)}
            if traits.routes:
                routed = {(intent.address, name) for name in _shares(intent)}
                there = {k for k in there if not _traits(k[0]).routes} | routed
            elif intent.verb != "delete":
                there |= keys
            elif traits.hosts:
                # What it hosts goes with it, and nothing more is written of that.
                there = {k for k in there - {key} if not (_traits(k[0]).routes or _traits(k[0]).serves)}
            else:
                there = {k for k in there - keys if not (_traits(k[0]).routes and k[1] == intent.identity)}
        return frozenset(there)

    def has_made(self, desired: Desired[Any]) -> bool:
        """Whether a past apply made the very object that is desired, and none deleted it."""
        version = desired.traits.nature is Nature.VERSION
        return (str(desired.address), desired.digest if version else desired.name) in self.made

    @property
    def split(self) -> Mapping[str, int] | None:
        """How the last shift left the traffic; None where the ledger does not say."""
        facts = next((r.intent.facts for r in reversed(self._done) if _traits(r.intent.address).routes), {})
        found = facts.get("split")
        return found if isinstance(found, Mapping) else None

    @cached_property
    def applied(self) -> Mapping[str, Mapping[str, Any]]:
        """By address, the leaves of what was written last."""
        found = {}
        for result in self._done:
            applied = result.intent.facts.get("applied")
            if isinstance(applied, Mapping):
                found[result.intent.address] = dict(leaves(applied))
        return found

    def lost(self, stack: Stack, observed: Mapping[Address, Observation], *, generated: bool) -> frozenset[Address]:
        """What carries no marks although a past apply made it. generated: look only at names that nothing but this
        stack gives, so that the ledger is not read because of a cluster that others made."""
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
        """The same resources of the stack, with `applied` where a live object differs, and why one is to be made
        again."""
        differs = any(r.fingerprint and r.visible_changes for r in resources)
        applied = self._claim.id or any(r.fingerprint for r in resources)
        gone = applied and any(r.action is Action.CREATE for r in resources)
        return tuple(self._told(r, stack) for r in resources) if differs or gone else resources

    def _told(self, resource: PlannedResource, stack: Stack) -> PlannedResource:
        address = str(resource.address)
        if resource.action is Action.CREATE and not resource.fingerprint:
            desired = stack.resource(resource.address)
            return replace(resource, reason=REMOVED) if desired and self.has_made(desired) else resource
        applied = self.applied.get(address, {})
        changes = tuple(replace(c, applied=applied.get(c.path)) for c in resource.changes)
        return replace(resource, changes=changes) if resource.fingerprint else resource

    @cached_property
    def _done(self) -> tuple[Result, ...]:
        """Writes that had their effect, oldest first."""
        from phift.ledger.journal import history

        try:
            records: tuple[Record, ...] = history(self._azure.blobs, self._stack, mine=self._claim.made)
        except AzureError:
            return ()
        results = (r for record in reversed(records) for r in record.results)
        return tuple(r for r in results if r.outcome in {"done", "found done"})


def _shares(intent: Intent) -> Iterable[str]:
    applied = intent.facts.get("applied")
    return applied.get("traffic") or {} if isinstance(applied, Mapping) else {}


def _versions(intent: Intent, traits: Traits) -> Iterable[tuple[str, str]]:
    """The key of a version's digest, where the intent says it."""
    digest = intent.facts.get("digest")
    return [(intent.address, str(digest))] if traits.nature is Nature.VERSION and digest else []


def _traits(address: str) -> Traits:
    """Those of the kind that an address of the ledger names; of one that this release does not know, the defaults."""
    kind = KINDS.get(address.partition(".")[0])
    return kind.traits if kind else Traits()
