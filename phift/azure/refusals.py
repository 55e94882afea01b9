"""What a refusal means and what to do about it: one table, read from top to bottom.

Codes decide. Messages decide only where the service gives a code that says nothing ("UserError", none at all) or an
online endpoint's envelope; each such entry names where the text was seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from phift.azure.envelopes import Problem
from phift.errors import Cause

__all__ = ["Refusal", "failure_remedy", "refusal_of"]


@dataclass(frozen=True)
class Refusal:
    """cause: why. remedy: what to do, "" where only the status can tell."""

    cause: Cause
    remedy: str = ""


@dataclass(frozen=True)
class _Rule:
    """Fits when one of the answer's codes is among `codes`, or its message holds `message`; `statuses`: any if empty.

    remedy: {group} stands for the resource group of the request.
    """

    cause: Cause
    remedy: str
    codes: Iterable[str] = ()
    message: str = ""
    statuses: frozenset[int] = field(default_factory=frozenset)

    def fits(self, status: int, problem: Problem) -> bool:
        if self.statuses and status not in self.statuses:
            return False
        if not set(problem.codes).isdisjoint(self.codes):
            return True
        return bool(self.message) and re.search(self.message, problem.message, re.IGNORECASE) is not None


_IN_NETWORK = (
    "Run phift inside the virtual network (self-hosted runner, VPN, jump host), or have public network access enabled: "
    "for the workspace `az ml workspace update --public-network-access Enabled`, for an endpoint "
    "`endpoint.public_network_access: enabled`."
)
_WAIT = "Wait until the other operation has ended, then re-run the command."
_QUOTA = "Request more quota (Azure ML studio, Quota), free what is in use, or choose another size or region."
_REFUSALS = frozenset({400, 401, 403, 409, 429, 502})
_BUSY_STATUSES = frozenset({400, 409, 412, 423, 429})

_RULES = (
    _Rule(
        Cause.LOCK,
        "Remove the lock, or ask its owner to; then re-run the command. Locks of the resource group: "
        "`az lock list --resource-group {group} --output table`.",
        codes=["ScopeLocked"],
    ),
    _Rule(
        Cause.POLICY,
        "Change the spec so that the request meets the policy (a tag that it requires goes under `tags`), "
        "or ask the policy's owner for an exemption. More roles do not help.",
        codes=["RequestDisallowedByPolicy"],
    ),
    _Rule(
        Cause.POLICY,
        "Azure itself does not offer this to the subscription: choose another region or size, "
        "or ask Azure support to enable it.",
        codes=["RequestDisallowedByAzure"],
    ),
    _Rule(
        Cause.SUBSCRIPTION,
        "Ask the subscription's billing owner to re-enable it, or use a workspace of another subscription.",
        codes=["ReadOnlyDisabledSubscription", "SubscriptionDisabled"],
    ),
    _Rule(
        Cause.REGISTRATION,
        "Register the resource providers, once per subscription: `az provider register --namespace "
        "Microsoft.MachineLearningServices`. Online endpoints also need Microsoft.PolicyInsights and Microsoft.Cdn.",
        codes=["MissingSubscriptionRegistration", "SubscriptionNotRegistered"],
    ),
    _Rule(
        Cause.KEY_ACCESS,
        "The storage account accepts no keys. Assign this identity the role Storage Blob Data Contributor on it and "
        "make the datastore identity-based: `az ml workspace update --system-datastores-auth-mode identity`.",
        codes=["KeyBasedAuthenticationNotPermitted"],
    ),
    _Rule(
        Cause.ROLE,
        "Ask for the role Storage Blob Data Contributor on the workspace's storage account; "
        "being its owner is not enough, and a new role takes a minute to count.",
        codes=["AuthorizationPermissionMismatch"],
    ),
    _Rule(
        Cause.ROLE,
        "Check the registry's name; if it is right, ask its owner for access.",
        codes=["UnAuthorizedRegistryAccess"],
    ),
    _Rule(
        Cause.ROLE,
        "A deny assignment blocks it whatever roles there are: ask the owner of the scope to remove it.",
        codes=["DenyAssignmentAuthorizationFailed"],
    ),
    _Rule(Cause.ROLE, "", codes=["AuthorizationFailed", "LinkedAuthorizationFailed"]),  # told by _role
    _Rule(
        Cause.NETWORK,
        "The storage account's network rules refuse this machine: run phift inside its network, "
        "or ask for the machine to be let in.",
        codes=["AuthorizationFailure"],
    ),
    _Rule(
        Cause.NETWORK,
        _IN_NETWORK,
        codes=["PublicNetworkAccessDisabled"],
        # Under code UserError or none, with 401, 403 or 502: "... from outside of the designated private link"
        # (Azure/azure-cli-extensions#6294), "... denied based on workspace private link configuration"
        # (MicrosoftDocs/azure-docs#90426), "Public network access is disabled ..." of other resource providers.
        message=r"public (network )?access is disabled|private link|not allowed by (the )?firewall",
        statuses=_REFUSALS,
    ),
    _Rule(
        Cause.SCOPE,
        "Name a workspace that exists and is not being deleted: targets.NAME.workspace in the spec.",
        codes=[
            "ResourceGroupBeingDeleted",
            "ResourceGroupNotFound",
            "SubscriptionNotFound",
            "WorkspaceNotFound",
        ],
    ),
    _Rule(
        Cause.SCOPE,
        "The blob container behind the datastore workspaceblobstore is missing: create it again in the workspace's "
        "storage account.",
        codes=["ContainerNotFound"],
    ),
    _Rule(
        Cause.NAME,
        "Choose another name in the spec.",
        codes=["InvalidResourceLocation", "NameNotAvailable", "NameUnavailable", "ResourceNameNotAvailable"],
    ),
    _Rule(
        Cause.QUOTA,
        _QUOTA,
        codes=["ClusterMinNodesExceedCoreQuota", "OutOfQuota", "QuotaExceeded", "ResourceQuotaExceeded"],
    ),
    _Rule(
        Cause.CAPACITY,
        "The region has none of this size left now: choose another size or region, or re-run the command later.",
        codes=["AllocationFailed", "OverconstrainedAllocationRequest", "SkuNotAvailable", "ZonalAllocationFailed"],
    ),
    _Rule(
        Cause.BUSY,
        _WAIT,
        codes=[
            "AnotherOperationInProgress",
            "ComputeBeingDeleted",
            "ConflictingConcurrentWriteNotAllowed",
            "OperationInProgress",
            "ReferencedResourceNotProvisioned",
            "RequestConflict",
        ],
        # Under 400 of an online endpoint: "Cannot create a deployment in endpoint E because it is in Updating
        # provisioning state" (Azure/azure-sdk-for-net#36961). Under 409 without more and under 429: "Another
        # (conflicting) operation ... is in progress" (MicrosoftDocs/azure-docs, Service Bus, sub-code 40901),
        # "another operation on same entity is already running" (Azure/azure-cli#17075).
        message=r"because it is in \w+ provisioning state|another (\w+ ){0,6}(is )?(already )?(in progress|running)",
        statuses=_BUSY_STATUSES,
    ),
    _Rule(
        Cause.CHANGED, "Re-run the command: it reads the object again.", codes=["PreconditionFailed", "EtagMismatch"]
    ),
    _Rule(Cause.BUSY, _WAIT, codes=["Conflict"], statuses=frozenset({409})),
)

_ROLES = (
    # Azure built-in roles for AI + machine learning, identity and storage (Microsoft's documentation).
    (r"/computes/(write|delete)$", "AzureML Compute Operator"),
    (r"^Microsoft\.MachineLearningServices/registries/", "AzureML Registry User"),
    (r"^Microsoft\.MachineLearningServices/workspaces/.", "AzureML Data Scientist"),
    (r"^Microsoft\.ManagedIdentity/userAssignedIdentities/", "Managed Identity Operator"),
    (r"^Microsoft\.Storage/.*/blobs/", "Storage Blob Data Contributor"),
    (r"/read$", "Reader"),
)

_DENIED = (
    # Resource Manager names them in the text alone (Microsoft's documentation of both errors).
    re.compile(r"not have authorization to perform action '(?P<action>[^']+)' over scope '(?P<scope>[^']+)'"),
    re.compile(
        r"not (?:have permission|authorized) to perform action(?:\(s\))? '(?P<action>[^']+)' "
        r"on the linked scope(?:\(s\))? '(?P<scope>[^']+)'"
    ),
)

_WORKSPACE = re.compile(r"^(.*/workspaces/[^/]+)/.*", re.IGNORECASE)
_GROUP = re.compile(r"/resourceGroups/([^/]+)", re.IGNORECASE)

_FAILURES = {
    # Of deployments: Microsoft's troubleshooting guide for online endpoints (aka.ms/oe-tsg).
    "BadArgument": "Check what the deployment refers to: its model, image and settings, "
    "and whether the endpoint's identity may read them.",
    "ImageBuildFailure": "Fix the environment (deployment.environment); "
    "Azure ML studio shows the build log of its image.",
    "InternalServerError": "The service failed: re-run `phift apply`, and if that fails too contact Azure support.",
    "OperationCanceled": "Another operation took precedence: re-run `phift apply` in a minute.",
    "ResourceNotFound": "Check that the model, the image and the storage it names exist and can be reached.",
    "ResourceNotReady": "The container crashed, or did not answer its probes in time: fix what its log shows, "
    "or allow it longer (deployment.liveness_probe.initial_delay).",
    "SecretsInjectionError": "Check that the endpoint's identity may read the key vault entries and workspace "
    "connections named in deployment.environment_variables.",
    "WorkspaceManagedNetworkNotReady": "Provision the workspace's managed network first: "
    "`az ml workspace provision-network`.",
}


def refusal_of(status: int, problem: Problem, url: str = "") -> Refusal:
    """What the answer to a request means. url: of the request, which names the resource group."""
    for rule in _RULES:
        if rule.fits(status, problem):
            group = _GROUP.search(url)
            remedy = rule.remedy.replace("{group}", group[1] if group else "GROUP")
            return Refusal(rule.cause, remedy or _role(problem))
    if status == 412:
        return Refusal(Cause.CHANGED)
    if status == 409 and not problem.codes:
        return Refusal(Cause.BUSY, _WAIT)
    return Refusal(Cause.UNKNOWN)


def failure_remedy(problem: Problem) -> str:
    """What to do about an operation that was accepted and failed; "" where its code says nothing."""
    known = next((_FAILURES[code] for code in problem.codes if code in _FAILURES), "")
    return known or refusal_of(0, problem).remedy


def _role(problem: Problem) -> str:
    """Which role grants the action that was denied, on which scope, and how it is assigned."""
    denied = next((found for pattern in _DENIED if (found := pattern.search(problem.message))), None)
    if denied is None:
        return "Ask for a role that allows it on the workspace, such as AzureML Data Scientist."
    action = denied["action"].split(",")[0].strip()
    scope = _WORKSPACE.sub(r"\1", denied["scope"])
    role = next((name for pattern, name in _ROLES if re.search(pattern, action, re.IGNORECASE)), "")
    such = f", such as {role}" if role else ""
    return f"Ask for a role with the action {action} on {scope}{such}. A new role takes some minutes to count."
