"""Every field that `az ml compute create --file` takes for an AmlCompute: the same here, accepted in both spellings, or
rejected with phift's way. The fields are those of the installed azure-ai-ml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from azure.ai.ml._schema.compute.aml_compute import AmlComputeSchema, AmlComputeSshSettingsSchema
from azure.ai.ml._schema.compute.compute import IdentitySchema, NetworkSettingsSchema, UserAssignedIdentitySchema

from phift.errors import InvalidSpecError
from phift.spec import load

GROUP = "/subscriptions/0/resourceGroups/g/providers"
SUBNET = f"{GROUP}/Microsoft.Network/virtualNetworks/v/subnets/s"
USER = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/me"
SPEC = """\
version: 1
name: demo
base_model: azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest
data: {train: {path: train.jsonl}}
compute: {finetune: %s}
finetune: {}
"""

ACCEPTED: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {
    "type": [({"type": "amlcompute"}, {}), ({"type": "AmlCompute"}, {})],
    "name": [({"name": "gpu-2"}, {"name": "gpu-2"})],
    "size": [({"size": "STANDARD_NC24ADS_A100_V4"}, {"size": "STANDARD_NC24ADS_A100_V4"})],
    "tier": [({"tier": word}, {"tier": "low_priority"}) for word in ("low_priority", "LowPriority", "lowpriority")],
    "min_instances": [({"min_instances": "0"}, {"min_instances": 0})],
    "max_instances": [({"max_instances": "4"}, {"max_instances": 4}), ({"max_instances": 4}, {"max_instances": 4})],
    "idle_time_before_scale_down": [
        ({"idle_time_before_scale_down": "120"}, {"idle_time_before_scale_down": 120}),
    ],
    "location": [({"location": "East US"}, {"location": "eastus"})],
    "description": [({"description": "d"}, {"description": "d"})],
    "tags": [({"tags": {"a": "b"}}, {"tags": {"a": "b"}})],
    "enable_node_public_ip": [
        ({"enable_node_public_ip": False}, {"network": {"enable_node_public_ip": False}}),
        ({"enable_node_public_ip": "true"}, {"network": {"enable_node_public_ip": True}}),
    ],
    "ssh_public_access_enabled": [({"ssh_public_access_enabled": True}, {"ssh": {"public_access_enabled": True}})],
    "network_settings": [({"network_settings": {"subnet": SUBNET}}, {"network": {"subnet": SUBNET}})],
    "network_settings.vnet_name": [
        ({"network_settings": {"vnet_name": "v", "subnet": "s"}}, {"network": {"vnet_name": "v", "subnet": "s"}}),
    ],
    "network_settings.subnet": [
        (
            {"network_settings": {"subnet": SUBNET}, "enable_node_public_ip": False},
            {"network": {"subnet": SUBNET, "enable_node_public_ip": False}},
        ),
    ],
    "ssh_settings": [
        (
            {"ssh_settings": {"admin_username": "a", "ssh_key_value": "k"}, "ssh_public_access_enabled": True},
            {"ssh": {"admin_username": "a", "ssh_key_value": "k", "public_access_enabled": True}},
        ),
    ],
    "ssh_settings.admin_username": [
        (
            {"ssh_settings": {"admin_username": "a", "admin_password": {"secret": "env:NODES"}}},
            {"ssh": {"admin_username": "a", "admin_password": {"secret": "env:NODES"}}},
        ),
    ],
    "ssh_settings.ssh_key_value": [
        (
            {"ssh_settings": {"admin_username": "a", "ssh_key_value": "k"}},
            {"ssh": {"admin_username": "a", "ssh_key_value": "k"}},
        ),
    ],
    "identity": [
        (
            {"identity": {"type": "SystemAssigned"}},
            {"identity": {"type": "system_assigned", "user_assigned_identities": []}},
        ),
    ],
    "identity.type": [
        (
            {"identity": {"type": "SYSTEM_ASSIGNED"}},
            {"identity": {"type": "system_assigned", "user_assigned_identities": []}},
        )
    ],
    "identity.user_assigned_identities": [
        (
            {"identity": {"type": "user_assigned", "user_assigned_identities": [USER]}},
            {"identity": {"type": "user_assigned", "user_assigned_identities": [USER]}},
        ),
    ],
    "identity.user_assigned_identities.resource_id": [
        (
            {"identity": {"type": "user_assigned", "user_assigned_identities": [{"resource_id": USER}]}},
            {"identity": {"type": "user_assigned", "user_assigned_identities": [USER]}},
        ),
    ],
    "$schema": [({"$schema": "https://azuremlschemas.azureedge.net/latest/amlCompute.schema.json"}, {})],
}
"""By field: blocks, and what the rendered spec has of them."""

REJECTED: dict[str, tuple[dict[str, Any], str, str]] = {
    "resource_id": ({"resource_id": "/x"}, "unknown key 'resource_id'", "write finetune: azureml:NAME"),
    "type": ({"type": "computeinstance"}, "type must be amlcompute", "phift creates AmlCompute clusters only"),
    "ssh_settings.admin_password": (
        {"ssh_settings": {"admin_username": "a", "admin_password": "hunter2"}},
        "must not be written in plain text",
        "Write {secret: env:NAME}",
    ),
    "ssh_settings.admin_password of a key vault": (
        {
            "ssh_settings": {
                "admin_username": "a",
                "admin_password": "${{keyvault:https://v.vault.azure.net/secrets/s}}",
            }
        },
        "must be {secret: env:NAME}",
        "Azure resolves references to a key vault in environment variables of deployments only",
    ),
    "tags": ({"tags": {"a": 1}}, "must be text, got 1", 'Quote it: a: "1"'),
    "network_settings": ({"network_settings": {"subnet": "s"}}, "and no vnet_name", "Add vnet_name"),
    "both spellings": ({"ssh": {}, "ssh_settings": {}}, "are the same setting", "Keep ssh"),
    "id": ({"id": "/x"}, "unknown key 'id'", "Remove it: the service sets it."),
}
"""By field: a block, what the message says, and the remedy."""


def loaded(folder: Path, block: dict[str, Any]) -> dict[str, Any]:
    path = folder / "spec.yaml"
    path.write_text(SPEC % json.dumps({"name": "gpu", "size": "s", **block}))
    rendered: dict[str, Any] = load(path, environ={}).rendered["compute"]["finetune"]
    return rendered


@pytest.mark.parametrize("field", ACCEPTED)
def test_accepted(tmp_path: Path, field: str) -> None:
    plain = loaded(tmp_path, {})
    for block, expected in ACCEPTED[field]:
        assert loaded(tmp_path, block) == {**plain, **expected}


@pytest.mark.parametrize("field", REJECTED)
def test_rejected_with_the_way(tmp_path: Path, field: str) -> None:
    block, summary, remedy = REJECTED[field]
    with pytest.raises(InvalidSpecError) as caught:
        loaded(tmp_path, block)
    (found,) = caught.value.diagnostics
    assert summary in found.summary
    assert remedy in found.remedy
    assert "hunter2" not in f"{found.summary} {found.detail} {found.remedy}"


def test_no_field_of_the_sdk_is_missing() -> None:
    assert fields() - {*ACCEPTED, *REJECTED} == set()


def fields() -> set[str]:
    """The writable fields of the SDK's schemas, dotted."""
    schemas = {
        "": AmlComputeSchema,
        "ssh_settings.": AmlComputeSshSettingsSchema,
        "network_settings.": NetworkSettingsSchema,
        "identity.": IdentitySchema,
        "identity.user_assigned_identities.": UserAssignedIdentitySchema,
    }
    return {
        f"{prefix}{name}"
        for prefix, schema in schemas.items()
        for name, field in schema._declared_fields.items()
        if not field.dump_only
    }
