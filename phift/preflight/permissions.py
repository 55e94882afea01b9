"""The permissions check: report a missing role during planning instead of during an apply."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from phift.address import Address
from phift.azure.facts import RemoteFacts
from phift.diagnostics import Diagnostic, Severity
from phift.errors import AzureError
from phift.kinds.check import check
from phift.kinds.registry import KINDS
from phift.kinds.subject import Subject
from phift.plan.model import PlannedResource
from phift.state.desired import Stack
from phift.state.permissions import ML, Needed, Permissions

__all__ = ["PERMISSIONS", "lacking", "needed_by", "permissions"]

PERMISSIONS = "permissions"
"""Name of the check."""
BLOBS = Needed("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write", data=True)
SECRETS = Needed(f"{ML}/datastores/listSecrets/action")
_ROLES = {
    f"{ML}/computes/": "AzureML Compute Operator",
    f"{ML}/": "AzureML Data Scientist",
    "Microsoft.Insights/": "Monitoring Contributor",
}
"""A built-in role with few further rights, by the start of an action."""


def needed_by(stack: Stack, planned: Iterable[PlannedResource]) -> dict[Needed, list[Address]]:
    """Return the actions that applying planned resources requires, each with the resources that require it."""
    found: dict[Needed, list[Address]] = defaultdict(list)
    for resource in planned:
        for needed in KINDS[resource.address.kind].permissions(resource.action, stack):
            found[needed].append(resource.address)
    return found


def lacking(stack: Stack, planned: Iterable[PlannedResource], remote: RemoteFacts) -> Iterator[Diagnostic]:
    """Yield permission-missing, permission-data and permissions-unknown.

    permission-missing is an error, the other codes are warnings. The roles at the resource group are read first; those
    at the workspace only if one is missing, because a role can be assigned to the workspace alone.
    """
    planned = tuple(planned)
    needed = needed_by(stack, planned)
    if not any(resource.action.changes_something for resource in planned):
        return
    try:
        missing = _missing(needed, remote)
        no_blobs = not _any_of((SECRETS, BLOBS), remote)
    except AzureError as error:
        yield Diagnostic(
            "permissions not checked: the roles of this identity cannot be read",
            severity=Severity.WARNING,
            detail=error.summary,
            code="permissions-unknown",
        )
        return
    for need, addresses in missing.items():
        yield _data(need, addresses) if need.data else _control(need, addresses)
    if no_blobs:
        yield Diagnostic(
            "this identity may not write to the storage of the workspace",
            severity=Severity.WARNING,
            detail=f"Each apply writes to the ledger, and uploads data. Neither {SECRETS.action} (the key of the "
            f"datastore) nor the data action {BLOBS.action} is allowed by its roles.",
            remedy="Request the role Storage Blob Data Contributor on the storage account of the workspace.",
            code="permission-data",
        )


def _role_of(action: str) -> str:
    role = next((role for start, role in _ROLES.items() if action.lower().startswith(start.lower())), "Contributor")
    return f"{role}, or Contributor" if role != "Contributor" else role


def _scope_of(action: str) -> str:
    return "the workspace" if action.lower().startswith(ML.lower()) else "its resource group"


def _control(need: Needed, addresses: list[Address]) -> Diagnostic:
    return Diagnostic(
        f"this identity lacks {need.action}, required by {' and '.join(map(str, addresses))}",
        detail="Its roles were read at the resource group and at the workspace; none allows the action.",
        remedy=f"Request the role {_role_of(need.action)} on {_scope_of(need.action)}, or let an identity that has it "
        "apply.",
        address=str(addresses[0]),
        code="permission-missing",
    )


def _data(need: Needed, addresses: list[Address]) -> Diagnostic:
    return Diagnostic(
        f"this identity seems to lack the data action {need.action}",
        severity=Severity.WARNING,
        detail=f"{' and '.join(map(str, addresses))}: without it, the request is rejected.",
        remedy="Request a role that contains it on the resource that the action names.",
        address=str(addresses[0]),
        code="permission-data",
    )


def _missing(needed: Mapping[Needed, list[Address]], remote: RemoteFacts) -> dict[Needed, list[Address]]:
    return {need: addresses for need, addresses in needed.items() if not _any_of((need,), remote)}


def _any_of(alternatives: Iterable[Needed], remote: RemoteFacts) -> bool:
    """Return whether one of the actions is allowed at the resource group, or else at the workspace."""

    def allowed(roles: Permissions) -> bool:
        return any(roles.allows(need) for need in alternatives)

    return allowed(remote.permissions()) or allowed(remote.permissions_of_workspace())


def _reads(subject: Subject) -> str:
    needed = [need.action for need in needed_by(subject.stack, subject.planned)]
    return f"roles of this identity, for {len(needed)} actions" if needed else "roles of this identity"


@check(
    PERMISSIONS,
    reads=_reads,
    source="permissions at the resource group and the workspace",
    unknown=("permissions-unknown",),
    applies=lambda subject: any(resource.action.changes_something for resource in subject.planned),
)
def permissions(subject: Subject) -> Iterator[Diagnostic]:
    """Yield permission-missing, permission-data and permissions-unknown."""
    yield from lacking(subject.stack, subject.planned, subject.remote)
