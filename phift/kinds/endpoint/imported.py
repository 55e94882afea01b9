"""Import an endpoint: its document as the block `endpoint` of a spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.compile.draft import drop_none
from phift.kinds.endpoint.fields import TABLE
from phift.kinds.shared.fields import observed
from phift.kinds.shared.imported import ImportedBlock, without_secrets
from phift.kinds.shared.online import split

__all__ = ["imported_endpoint"]

_KUBERNETES = ("k8s", "kubernetes")


def imported_endpoint(raw: Mapping[str, Any]) -> ImportedBlock:
    """Return the block of an endpoint. raw: its REST document."""
    properties, found = raw["properties"], observed(TABLE, raw)
    if properties.get("compute") or str(raw.get("kind") or "").lower() in _KUBERNETES:
        return ImportedBlock(refusals=("it is a Kubernetes endpoint; phift manages managed online endpoints only",))
    tags, secret_tags = without_secrets(found["tags"], "endpoint tag")
    bag, secret_properties = without_secrets(found["properties"], "endpoint property")
    identity = found["identity"]
    users = identity.get("user_assigned_identities")
    notes = [*secret_tags, *secret_properties]
    if mirrored := split(properties.get("mirrorTraffic")):
        shares = ", ".join(f"{name} {share} %" for name, share in sorted(mirrored.items()))
        notes.append(f"mirrored traffic ({shares}) is not part of a spec: phift does not change it")
    values = drop_none(
        {
            "name": str(raw["name"]),
            "auth_mode": found["auth_mode"] if found["auth_mode"] != "key" else None,
            "public_network_access": "disabled" if found["public_network_access"] == "disabled" else None,
            "identity": {"type": "user_assigned", "user_assigned_identities": users} if users else None,
            "description": found["description"] or None,
            "properties": bag or None,
            "tags": tags or None,
        }
    )
    return ImportedBlock(values, tuple(notes))
