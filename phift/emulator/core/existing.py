"""What Azure has and the emulator has not: 501 for it, 404 for a path that does not exist on Azure either.

The tables name what exists: resource types and actions of Azure Machine Learning in Resource Manager, services of its
data plane. Below them everything counts as existing, and so do other resource providers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from phift.emulator.core.errors import ServiceError, not_supported
from phift.emulator.core.hosts import Host

__all__ = ["no_route"]

_METHODS = frozenset(("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"))
_NAMESPACE = "Microsoft.MachineLearningServices"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.casefold().split())


_ROOTS = _words("batch locations providers resources subscriptions tenants")
_OF_SUBSCRIPTION = _words(
    "checkZonePeers locations operationResults providers resourceGroups resources tagNames validateMoveResources"
)
_OF_GROUP = _words("deployments exportTemplate moveResources providers resources tags validateMoveResources")
_TYPES = _words("capacityReservationGroups locations operations registries workspaces")
_BELOW: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "workspaces": _words(
            "batchEndpoints capabilityHosts codes components computes connections data datastores deleteWorkspace "
            "diagnose endpoints environments eventGridFilters features featuresets featurestoreEntities featurestores "
            "inferencePools jobs labelingJobs linkedServices linkedWorkspaces listConnectionModels listKeys "
            "listNotebookAccessToken listNotebookKeys listStorageAccountKeys managedComputes marketplaceSubscriptions "
            "models modelVersions onlineEndpoints outboundNetworkDependenciesEndpoints outboundRules prepareNotebook "
            "privateEndpointConnections privateLinkResources provisionManagedNetwork resyncKeys schedules "
            "serverlessEndpoints services simulations skus indexes deploymentTemplates"
        ),
        "registries": _words(
            "codes components data datareferences deploymentTemplates environments models privateEndpointConnections "
            "privateLinkResources removeRegions"
        ),
        "locations": _words(
            "computeOperationsStatus mfeOperationResults mfeOperationsStatus quotas registryOperationsStatus "
            "updateQuotas usages vmSizes workspaceOperationsStatus"
        ),
    }
)
"""Types and actions below one workspace, registry or location; those of all api-versions."""
_DATA_PLANE = _words(
    "artifact assetstore content credential data dataset datastore discovery environment execution generic history "
    "hyperdrive indexservice jobsubmission metric mferp ml mlflow modelmanagement modelregistry models pipelines "
    "registries registrymanagement rp studioservice vnetmanagement workspaces ux"
)
_LOGIN = re.compile("/[^/]+/(oauth2|saml2|wsfed|kerberos|reprocess|login|adminconsent|discovery)(/|$)", re.IGNORECASE)


def no_route(host: Host, method: str, path: str, allowed: set[str]) -> ServiceError:
    """The answer to a request that no handler takes.

    501 for what exists on Azure, 404 for a path that does not, 405 for a method that no service of Azure has and, on
    the other hosts, that a path has not which is emulated. path: as it was sent, without the query. allowed: the
    methods that the path has here.
    """
    absent: ServiceError | None = None
    if host in (Host.ARM, Host.DATA_PLANE, Host.LOGIN):
        absent = _absent(host, path, [part.casefold() for part in path.split("/")[1:]])
        if absent is None and method in _METHODS:
            return not_supported(f"{method} {path} is")
    if host is Host.BLOB and method == "OPTIONS":
        return not_supported("Preflight requests (OPTIONS) are")
    if host is Host.BLOB:
        return ServiceError(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")
    if allowed:
        allow = ", ".join(sorted(allowed))
        return ServiceError(405, "MethodNotAllowed", f"{method} is not allowed here.", headers={"Allow": allow})
    return absent or ServiceError(404, "NotFound", f"The emulator has no {method} {path}")


def _absent(host: Host, path: str, segments: list[str]) -> ServiceError | None:
    """The 404 of a path that does not exist on Azure; None for one that does."""
    if host is Host.LOGIN:
        return None if _LOGIN.match(path) else ServiceError(404, "invalid_request", f"Not found: {path}")
    if host is Host.DATA_PLANE:
        return None if segments[0] in _DATA_PLANE else ServiceError(404, "NotFound", f"Not found: {path}")
    if segments[0] not in _ROOTS:
        return _not_found(path)
    if segments[0] == "subscriptions" and len(segments) > 2:
        if segments[2] not in _OF_SUBSCRIPTION:
            return _not_found(path)
        if segments[2] == "resourcegroups" and len(segments) > 4 and segments[4] not in _OF_GROUP:
            return _not_found(path)
    return _unknown_type(path, segments)


def _unknown_type(path: str, segments: list[str]) -> ServiceError | None:
    """404 for a type that Azure Machine Learning has not, on its own or below an `extension` of another provider."""
    if _NAMESPACE.casefold() not in segments:
        return None
    sent = path.split("/")[1:]
    at = segments.index(_NAMESPACE.casefold()) + 1
    if len(segments) == at:
        return None
    kind = segments[at]
    if kind not in _TYPES:
        return _no_type(sent[at])
    below = segments[at + 2] if len(segments) > at + 2 else None
    if below is None or below == "providers" or below in _BELOW.get(kind, frozenset((below,))):
        return None
    return _no_type(f"{sent[at]}/{sent[at + 2]}")


def _no_type(kind: str) -> ServiceError:
    message = f"The resource type '{kind}' could not be found in the namespace '{_NAMESPACE}'."
    return ServiceError(404, "InvalidResourceType", message)


def _not_found(path: str) -> ServiceError:
    return ServiceError(404, "NotFound", f"No HTTP resource was found that matches the request URI '{path}'.")
