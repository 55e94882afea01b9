"""The managed identity of a job is one of the cluster that it runs on."""

from __future__ import annotations

from pathlib import Path

import pytest

from phift.spec import load

USER = "/subscriptions/0/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/me"
SPEC = """\
version: 1
name: demo
base_model: azureml://registries/azureml/models/Phi-4/versions/8
data: {{train: {{path: train.jsonl}}}}
compute: {{finetune: {compute}}}
finetune: {{identity: {identity}}}
"""
BARE = "{name: gpu, size: s}"
SYSTEM = "{name: gpu, size: s, identity: {type: system_assigned}}"
OWN = f"{{name: gpu, size: s, identity: {{type: user_assigned, user_assigned_identities: [{USER}]}}}}"


@pytest.mark.parametrize(
    ("compute", "identity", "remedy"),
    [
        (BARE, "{type: managed}", "{type: system_assigned}"),
        (BARE, "{type: managed, client_id: c}", "{type: user_assigned, user_assigned_identities: [ARM_ID]}"),
        (SYSTEM, "{type: managed, client_id: c}", "{type: user_assigned, user_assigned_identities: [ARM_ID]}"),
        (SYSTEM, "{type: managed}", ""),
        (OWN, "{type: managed}", ""),
        (OWN, f"{{type: managed, msi_resource_id: {USER}}}", ""),
        (BARE, "{type: user_identity}", ""),
        (BARE, "{type: aml_token}", ""),
        ("azureml:theirs", "{type: managed}", ""),
    ],
)
def test_an_identity_that_the_cluster_does_not_have(tmp_path: Path, compute: str, identity: str, remedy: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.format(compute=compute, identity=identity))
    found = load(path, environ={}).warnings
    assert [warning.code for warning in found] == (["identity-not-on-cluster"] if remedy else [])
    assert all(remedy in warning.remedy for warning in found)
