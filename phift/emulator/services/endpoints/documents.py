"""Documents of online endpoints: stored, and as GET and PUT answer."""

from __future__ import annotations

import copy
import uuid
from typing import Any

from phift.emulator.core.apiversions import shown
from phift.emulator.core.assumed import holds
from phift.emulator.core.documents import PRINCIPAL, timestamp
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.validation import check_tags, text_map
from phift.emulator.services.emulator import Call, Emulator
from phift.emulator.services.endpoints.rules import refusal
from phift.emulator.services.endpoints.state import (
    ENDPOINT,
    deployments_of,
    endpoint_id,
    operation_uri,
)
from phift.emulator.services.endpoints.traffic import check_mirror, check_traffic

__all__ = ["shown_to", "states_of", "update_reply", "written"]

_AUTH_MODES = {"key": "Key", "amltoken": "AMLToken", "aadtoken": "AADToken"}
_SERVER_KEYS = ("azureml.onlineendpointid", "AzureAsyncOperationUri")


def update_reply(document: dict[str, Any]) -> dict[str, Any]:
    """What a PUT of an endpoint that is there answers: what was sent, as if it were new (recorded 2025-02)."""
    properties = document["properties"]
    bag = {key: value for key, value in properties["properties"].items() if key != "azureml.onlineendpointid"}
    properties |= {"properties": bag, "scoringUri": None, "swaggerUri": None, "provisioningState": "Creating"}
    document["systemData"] = {"lastModifiedAt": document["systemData"]["lastModifiedAt"]}
    return {key: value for key, value in document.items() if key not in ("location", "identity")}


def written(call: Call, body: dict[str, Any], old: dict[str, Any] | None) -> dict[str, Any]:
    """The document after a PUT: what is not in the body is cleared, traffic too."""
    emulator = call.emulator
    sent = body.get("properties")
    if not isinstance(sent, dict):
        raise ServiceError(400, "RequestInvalid", "The request is invalid: 'properties' is missing.")
    mode = _AUTH_MODES.get(str(sent.get("authMode", "")).lower())
    if mode is None:
        raise refusal({"AuthMode": f"AuthMode must be Key, AMLToken or AADToken, not {sent.get('authMode')!r}."})
    name = old["name"] if old else call.params["name"]
    if old is None:
        for field, key in (("Traffic", "traffic"), ("MirrorTraffic", "mirrorTraffic")):
            if sent.get(key):
                raise refusal({field: f"{field} cannot be set when an endpoint is created: it has no deployments yet."})
    states = states_of(emulator, name)
    traffic = check_traffic(sent.get("traffic"), states)
    mirror = check_mirror(sent.get("mirrorTraffic"), traffic, states)
    now = timestamp()
    bag = {
        key: value for key, value in text_map(sent.get("properties"), "properties").items() if key not in _SERVER_KEYS
    }
    before = old["properties"] if old else {}
    return {
        "id": endpoint_id(emulator, name),
        "name": name,
        "type": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
        "properties": {
            "description": sent.get("description"),
            "properties": bag,
            "scoringUri": before.get("scoringUri"),
            "swaggerUri": before.get("swaggerUri"),
            "authMode": mode,
            "provisioningState": "Creating",
            "compute": None,
            "traffic": traffic,
            "mirrorTraffic": mirror,
            "publicNetworkAccess": _access(sent.get("publicNetworkAccess")),
        },
        "systemData": {
            "createdAt": old["systemData"]["createdAt"] if old else now,
            "createdBy": PRINCIPAL,
            "lastModifiedAt": now,
        },
        "tags": check_tags(body.get("tags")),
        "location": body.get("location") or emulator.workspace.location,
        "kind": "Managed",
        "identity": _identity(emulator, _fixed(emulator, body, old), (old or {}).get("identity")),
    }


def _access(sent: Any) -> Any:
    """Clients send it in lower case; the type has two words."""
    return {"": "Enabled", "enabled": "Enabled", "disabled": "Disabled"}.get(str(sent or "").lower(), sent)


def _fixed(emulator: Emulator, body: dict[str, Any], old: dict[str, Any] | None) -> Any:
    """The identity that is asked for; raises for another than that of the endpoint
    (assumed: endpoint_identity_is_fixed)."""
    asked, had = body.get("identity"), (old or {}).get("identity")
    if had is None or old is None or old["properties"]["provisioningState"] == "Failed":
        return asked
    if not isinstance(asked, dict):
        return had
    if _named(asked) != _named(had) and holds(emulator.store, "endpoint_identity_is_fixed"):
        raise refusal({"Identity": "The identity of an endpoint cannot be changed. Delete and re-create the endpoint."})
    return asked


def _named(identity: dict[str, Any]) -> tuple[str, set[str]]:
    users = identity.get("userAssignedIdentities") or {}
    return str(identity.get("type")).replace(" ", "").lower(), {str(name).lower() for name in users}


def _identity(emulator: Emulator, asked: Any, old: dict[str, Any] | None) -> dict[str, Any]:
    """A principal of its own at creation; an endpoint that is created again gets another."""
    identity = dict(asked) if isinstance(asked, dict) else {"type": "SystemAssigned"}
    if "SystemAssigned" in str(identity.get("type")):
        identity["principalId"] = (old or {}).get("principalId") or str(uuid.uuid4())
        identity["tenantId"] = emulator.workspace.tenant_id
    return identity


def states_of(emulator: Emulator, endpoint: str) -> dict[str, str]:
    """Provisioning states of an endpoint's deployments; one that once succeeded serves on after a failed update."""
    states = {}
    for record in deployments_of(emulator.store, endpoint):
        state = record["document"]["properties"]["provisioningState"]
        failed_update = state == "Failed" and record["succeeded"]
        states[record["document"]["name"]] = "Succeeded" if failed_update else state
    return states


def shown_to(call: Call, record: dict[str, Any]) -> dict[str, Any]:
    """The document as this request's api-version reads it, with the server's keys in the user's own bag."""
    document: dict[str, Any] = copy.deepcopy(record["document"])
    document["properties"]["properties"] |= {
        "azureml.onlineendpointid": document["id"].lower(),
        "AzureAsyncOperationUri": operation_uri(call.emulator, record["operation"], call.api_version),
    }
    document["properties"] = shown(ENDPOINT, document["properties"], call.api_version)
    return document
