"""What a refusal means and what is advised: by its code, and by its text only where there is no better."""

from __future__ import annotations

import json
from typing import Any

import pytest

from phift.azure.envelopes import problem_of
from phift.azure.errors import from_response
from phift.azure.refusals import failure_remedy
from phift.errors import AzureError, Cause, ConflictError, ThrottledError

URL = "https://management.azure.com/subscriptions/s/resourceGroups/team-a/providers/Microsoft.MachineLearningServices/w"
ENDPOINT_ENVELOPE = {
    "errors": {"": ["Cannot create a deployment in endpoint e because it is in Updating provisioning state."]},
    "title": "One or more validation errors occurred.",
    "status": 400,
}


def refused(status: int, code: str, message: str = "no", **more: Any) -> AzureError:
    body = {"error": {"code": code, "message": message, **more}}
    return from_response("PUT", URL, status, {}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "code", "message", "cause", "advice"),
    [
        (409, "ScopeLocked", "locked", Cause.LOCK, "az lock list --resource-group team-a"),
        (403, "RequestDisallowedByPolicy", "Resource 'e' was disallowed by policy.", Cause.POLICY, "exemption"),
        (403, "RequestDisallowedByAzure", "not here", Cause.POLICY, "another region"),
        (409, "ReadOnlyDisabledSubscription", "read only", Cause.SUBSCRIPTION, "billing owner"),
        (403, "ReadOnlyDisabledSubscription", "read only", Cause.SUBSCRIPTION, "billing owner"),
        (409, "MissingSubscriptionRegistration", "not registered", Cause.REGISTRATION, "az provider register"),
        (
            409,
            "MissingSubscriptionRegistration",
            "The subscription is not registered to use namespace 'Microsoft.Insights'. See https://aka.ms/rps-not-found",
            Cause.REGISTRATION,
            "az provider register --namespace Microsoft.Insights`",
        ),
        (403, "KeyBasedAuthenticationNotPermitted", "no keys", Cause.KEY_ACCESS, "Storage Blob Data Contributor"),
        (403, "AuthorizationPermissionMismatch", "no", Cause.ROLE, "Storage Blob Data Contributor"),
        (403, "AuthorizationFailure", "no", Cause.NETWORK, "network rules"),
        (403, "AuthorizationFailed", "no", Cause.ROLE, "Request a role"),
        (403, "DenyAssignmentAuthorizationFailed", "no", Cause.ROLE, "deny assignment"),
        (403, "UnAuthorizedRegistryAccess", "no", Cause.ROLE, "registry's name"),
        (403, "UserError", "Public network access is disabled", Cause.NETWORK, "virtual network"),
        (401, "UserError", "... accessible from outside of the designated private link..", Cause.NETWORK, "virtual"),
        (502, "UserError", "denied based on workspace private link configuration", Cause.NETWORK, "virtual network"),
        (404, "ResourceGroupNotFound", "gone", Cause.SCOPE, "targets.NAME.workspace"),
        (409, "ResourceGroupBeingDeleted", "going", Cause.SCOPE, "targets.NAME.workspace"),
        (409, "NameUnavailable", "taken", Cause.NAME, "another name"),
        (409, "QuotaExceeded", "full", Cause.QUOTA, "quota"),
        (409, "SkuNotAvailable", "none", Cause.CAPACITY, "later"),
        (409, "Conflict", "An operation is in progress.", Cause.BUSY, "Wait"),
        (409, "", "", Cause.BUSY, "Wait"),
        (400, "X", "Endpoint e is in state Updating: another operation is in progress. Try again.", Cause.BUSY, "Wait"),
        (409, "RequestConflict", "its provisioning state is not terminal", Cause.BUSY, "Wait"),
        (429, "AnotherOperationInProgress", "busy", Cause.BUSY, "Wait"),
        (429, "Throttled", "SubCode=40901. Another conflicting operation is in progress.", Cause.BUSY, "Wait"),
        (412, "PreconditionFailed", "changed", Cause.CHANGED, "Re-run"),
        (412, "Whatever", "changed", Cause.CHANGED, ""),
        (409, "SomethingNew", "never seen", Cause.UNKNOWN, ""),
        (400, "UserError", "A job with this name already exists.", Cause.UNKNOWN, ""),
        (403, "SomethingNew", "no", Cause.UNKNOWN, "az login"),
        (429, "TooManyRequests", "slow down", Cause.UNKNOWN, "Wait a moment"),
    ],
)
def test_each_refusal_has_its_cause_and_its_advice(
    status: int, code: str, message: str, cause: Cause, advice: str
) -> None:
    error = refused(status, code, message)
    assert error.cause is cause
    assert advice in error.remedy
    assert error.cause.permanent is (cause not in {Cause.UNKNOWN, Cause.BUSY, Cause.CHANGED})


def test_a_busy_endpoint_says_so_inside_its_own_envelope() -> None:
    inner = {"code": "InferencingClientCreateDeploymentFailed", "message": json.dumps(ENDPOINT_ENVELOPE)}
    error = refused(400, "BadRequest", "The request is invalid.", details=[inner])
    assert (type(error), error.cause) == (AzureError, Cause.BUSY)


def test_a_lock_below_a_general_code_is_a_lock() -> None:
    error = refused(409, "Conflict", "no", details=[{"code": "ScopeLocked", "message": "locked"}])
    assert (type(error), error.cause) == (ConflictError, Cause.LOCK)


def test_a_missing_role_is_named_with_its_action_and_scope() -> None:
    scope = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
    kinds = {
        f"{scope}/computes/c": ("workspaces/computes/write", "AzureML Compute Operator"),
        f"{scope}/jobs/j": ("workspaces/jobs/write", "AzureML Data Scientist"),
    }
    for where, (action, role) in kinds.items():
        action = f"Microsoft.MachineLearningServices/{action}"
        said = f"The client 'a' with object id 'o' does not have authorization to perform action '{action}'"
        error = refused(403, "AuthorizationFailed", f"{said} over scope '{where}' or the scope is invalid.")
        assert f"{action} on {scope}, such as {role}." in error.remedy
    linked = (
        "The client 'a' with object id 'o' has permission to perform action 'x' on scope '/s'; however, it does not "
        "have permission to perform action(s) 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action' on the "
        "linked scope(s) '/subscriptions/s/i' (respectively)."
    )
    assert "such as Managed Identity Operator" in refused(403, "LinkedAuthorizationFailed", linked).remedy


def test_a_policy_is_told_by_its_names_and_by_what_it_looked_at() -> None:
    info = {
        "policyDefinitionDisplayName": "Require a tag",
        "policyAssignmentName": "cost",
        "policyAssignmentScope": "/subscriptions/s",
        "evaluationDetails": {
            "evaluatedExpressions": [
                {"path": "tags[CostCenter]", "operator": "Exists", "targetValue": "false"},
                {"path": "location", "operator": "Equals", "expressionValue": "eastus", "targetValue": "westus"},
            ]
        },
    }
    error = refused(403, "RequestDisallowedByPolicy", additionalInfo=[{"type": "PolicyViolation", "info": info}])
    first, _ = error.detail.splitlines()
    assert first == (
        "policy Require a tag, assignment cost, at /subscriptions/s; denied because tags[CostCenter] exists false "
        "and location equals westus (it is eastus)"
    )


def test_a_long_throttling_is_told_in_words() -> None:
    body = json.dumps({"error": {"code": "TooManyRequests", "message": "slow down"}}).encode()
    error = from_response("GET", URL, 429, {"Retry-After": "3600"}, body)
    assert isinstance(error, ThrottledError)
    assert "asks to wait 1h00m" in error.remedy


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("ResourceNotReady", "liveness_probe"),
        ("OutOfQuota", "quota"),
        ("SubscriptionNotRegistered", "az provider register"),
        ("OperationCanceled", "in a minute"),
        ("SomethingNew", ""),
    ],
)
def test_failed_operations_have_advice_too(code: str, advice: str) -> None:
    found = failure_remedy(problem_of({"code": code, "message": "m"}))
    assert advice in found
    assert bool(found) == bool(advice)
