"""The cause and the remedy of an error response: one table; the first match wins.

Entries match codes. They match messages only if the service sends an unspecific code ("UserError", or none) or an
online endpoint's envelope; such an entry cites where the text was seen.
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
    """cause: why. remedy: what to do, "" if it depends on the status only."""

    cause: Cause
    remedy: str = ""


@dataclass(frozen=True)
class _Rule:
    """Matches if a code of the response is in `codes`, or its message matches `message`; `statuses`: any if empty.

    remedy: {group} is replaced by the resource group of the request.
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
    "Run phift inside the virtual network (self-hosted runner, VPN, jump host), or enable public network access: "
    "for the workspace `az ml workspace update --public-network-access Enabled`, for an endpoint "
    "`endpoint.public_network_access: enabled`."
)
_WAIT = "Wait until the other operation ends, then re-run the command."
_QUOTA = "Request more quota (Azure ML studio, Quota), release resources, or choose another size or region."
_REFUSALS = frozenset({400, 401, 403, 409, 429, 502})
_BUSY_STATUSES = frozenset({400, 409, 412, 423, 429})

_RULES = (
    _Rule(
        Cause.LOCK,
        "Remove the lock, or ask its owner to, then re-run the command. To list the locks of the resource group: "
        "`az lock list --resource-group {group} --output table`.",
        codes=["ScopeLocked"],
    ),
    _Rule(
        Cause.POLICY,
        "Change the spec so that it complies with the policy (set a required tag under `tags`), "
        "or ask the policy's owner for an exemption. Additional roles do not help.",
        codes=["RequestDisallowedByPolicy"],
    ),
    _Rule(
        Cause.POLICY,
        "This is not available to the subscription: choose another region or size, or ask Azure support to enable it.",
        codes=["RequestDisallowedByAzure"],
    ),
    _Rule(
        Cause.SUBSCRIPTION,
        "Ask the subscription's billing owner to re-enable it, or use a workspace of another subscription.",
        codes=["ReadOnlyDisabledSubscription", "SubscriptionDisabled"],
    ),
    _Rule(
        Cause.REGISTRATION,
        "Register the resource providers (once per subscription): `az provider register --namespace "
        "Microsoft.MachineLearningServices`. Online endpoints also need Microsoft.PolicyInsights and Microsoft.Cdn.",
        codes=["MissingSubscriptionRegistration", "SubscriptionNotRegistered"],
    ),
    _Rule(
        Cause.KEY_ACCESS,
        "The storage account rejects keys. Assign this identity the role Storage Blob Data Contributor on it and "
        "make the datastore identity-based: `az ml workspace update --system-datastores-auth-mode identity`.",
        codes=["KeyBasedAuthenticationNotPermitted"],
    ),
    _Rule(
        Cause.ROLE,
        "Request the role Storage Blob Data Contributor on the workspace's storage account. "
        "The role Owner is not enough, and a new role takes a minute to take effect.",
        codes=["AuthorizationPermissionMismatch"],
    ),
    _Rule(
        Cause.ROLE,
        "Check the registry's name. If it is correct, ask its owner for access.",
        codes=["UnAuthorizedRegistryAccess"],
    ),
    _Rule(
        Cause.ROLE,
        "A deny assignment overrides all roles: ask the owner of the scope to remove it.",
        codes=["DenyAssignmentAuthorizationFailed"],
    ),
    _Rule(Cause.ROLE, "", codes=["AuthorizationFailed", "LinkedAuthorizationFailed"]),  # see _role
    _Rule(
        Cause.NETWORK,
        "The storage account's network rules block this client: run phift inside its network, "
        "or ask for its IP address to be allowed.",
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
        "Set targets.NAME.workspace in the spec to a workspace that exists and is not being deleted.",
        codes=[
            "ResourceGroupBeingDeleted",
            "ResourceGroupNotFound",
            "SubscriptionNotFound",
            "WorkspaceNotFound",
        ],
    ),
    _Rule(
        Cause.SCOPE,
        "The blob container of the datastore workspaceblobstore is missing: re-create it in the workspace's "
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
        "The region has no capacity left for this size: choose another size or region, or re-run the command later.",
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
    _Rule(Cause.CHANGED, "Re-run the command: it re-reads the object.", codes=["PreconditionFailed", "EtagMismatch"]),
    _Rule(Cause.BUSY, _WAIT, codes=["Conflict"], statuses=frozenset({409})),
)

_ROLES = (
    # Azure built-in roles for AI + machine learning, identity and storage (Microsoft's documentation).
    (r"/computes/(write|delete)$", "AzureML Compute Operator"),
    (r"^Microsoft\.MachineLearningServices/registries/", "AzureML Registry User"),
    (r"^Microsoft\.MachineLearningServices/workspaces/.", "AzureML Data Scientist"),
    (r"^Microsoft\.Insights/autoscalesettings/", "Monitoring Contributor"),
    (r"^Microsoft\.ManagedIdentity/userAssignedIdentities/", "Managed Identity Operator"),
    (r"^Microsoft\.Storage/.*/blobs/", "Storage Blob Data Contributor"),
    (r"/read$", "Reader"),
)

_DENIED = (
    # Resource Manager has them only in the message (Microsoft's documentation of both errors).
    re.compile(r"not have authorization to perform action '(?P<action>[^']+)' over scope '(?P<scope>[^']+)'"),
    re.compile(
        r"not (?:have permission|authorized) to perform action(?:\(s\))? '(?P<action>[^']+)' "
        r"on the linked scope(?:\(s\))? '(?P<scope>[^']+)'"
    ),
)

_NAMESPACE = re.compile(r"not registered to use namespace '([\w.]+)'", re.IGNORECASE)
"""Resource Manager has it only in the message (Microsoft's documentation of the error)."""

_WORKSPACE = re.compile(r"^(.*/workspaces/[^/]+)/.*", re.IGNORECASE)
_GROUP = re.compile(r"/resourceGroups/([^/]+)", re.IGNORECASE)

_FAILURES = {
    # Of deployments: Microsoft's troubleshooting guide for online endpoints (aka.ms/oe-tsg).
    "BadArgument": "Check the deployment's model, image and settings, and that the endpoint's identity can read them.",
    "ImageBuildFailure": "Fix the environment (deployment.environment). Azure ML studio shows its build log.",
    "InternalServerError": "The service failed: re-run `phift apply`. If it fails again, contact Azure support.",
    "OperationCanceled": "Another operation took precedence: re-run `phift apply` in a minute.",
    "ResourceNotFound": "Check that the model, the image and the storage it refers to exist and are accessible.",
    "ResourceNotReady": "The container crashed or failed its probes: fix the error in its log, "
    "or allow it more time (deployment.liveness_probe.initial_delay).",
    "SecretsInjectionError": "Check that the endpoint's identity can read the key vault entries and workspace "
    "connections referenced in deployment.environment_variables.",
    "WorkspaceManagedNetworkNotReady": "Provision the workspace's managed network first: "
    "`az ml workspace provision-network`.",
}


def refusal_of(status: int, problem: Problem, url: str = "") -> Refusal:
    """Return the cause and remedy of a response. url: of the request, which contains the resource group."""
    for rule in _RULES:
        if rule.fits(status, problem):
            group = _GROUP.search(url)
            remedy = rule.remedy.replace("{group}", group[1] if group else "GROUP")
            if rule.cause is Cause.REGISTRATION:
                remedy = _provider(problem) or remedy
            return Refusal(rule.cause, remedy or _role(problem))
    if status == 412:
        return Refusal(Cause.CHANGED)
    if status == 409 and not problem.codes:
        return Refusal(Cause.BUSY, _WAIT)
    return Refusal(Cause.UNKNOWN)


def failure_remedy(problem: Problem) -> str:
    """Return the remedy for a failed operation; "" if its code is unspecific."""
    known = next((_FAILURES[code] for code in problem.codes if code in _FAILURES), "")
    return known or refusal_of(0, problem).remedy


def _provider(problem: Problem) -> str:
    """Return how to register the provider that the error names; "" for that of Azure ML, which needs others too."""
    named = _NAMESPACE.search(problem.message)
    if named is None or named[1].lower() == "microsoft.machinelearningservices":
        return ""
    return (
        f"Register the resource provider (once per subscription): `az provider register --namespace {named[1]}`. "
        "It takes a few minutes."
    )


def _role(problem: Problem) -> str:
    """Return the role that grants the denied action, the scope, and how to assign it."""
    denied = next((found for pattern in _DENIED if (found := pattern.search(problem.message))), None)
    if denied is None:
        return "Request a role that allows it on the workspace, such as AzureML Data Scientist."
    action = denied["action"].split(",")[0].strip()
    scope = _WORKSPACE.sub(r"\1", denied["scope"])
    role = next((name for pattern, name in _ROLES if re.search(pattern, action, re.IGNORECASE)), "")
    such = f", such as {role}" if role else ""
    return f"Request a role with the action {action} on {scope}{such}. A new role takes a few minutes to take effect."
