"""A whole file of `az ml` in place of a spec, and texts that `az ml` accepts: one finding each, which names the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError
from phift.spec import load
from phift.spec.inheritance import read_whole

SCHEMA = "$schema: https://azuremlschemas.azureedge.net/latest/{}.schema.json\n"
PREVIEW = "$schema: https://azuremlsdk2.blob.core.windows.net/preview/0.0.1/{}.schema.json\n"
SERVING = """\
version: 1
name: demo
model: azureml:m:1
endpoint: {}
deployment: {instance_type: s}
"""
TRAINING = """\
version: 1
name: demo
base_model: azureml://registries/azureml/models/Phi-4/versions/8
data: {train: {path: train.jsonl}}
compute: {finetune: {name: gpu, size: s}}
finetune: {}
"""


def findings(folder: Path, text: str) -> tuple[Diagnostic, ...]:
    path = folder / "spec.yaml"
    path.write_text(text)
    with pytest.raises(InvalidSpecError) as caught:
        load(path, environ={})
    return caught.value.diagnostics


@pytest.mark.parametrize(
    ("text", "what", "way"),
    [
        (SCHEMA.format("managedOnlineEndpoint") + "name: e\nauth_mode: key\n", "an endpoint", "`endpoint:`"),
        ("name: e\nauth_mode: key\n", "an endpoint", "phift import ENDPOINT"),
        (
            SCHEMA.format("managedOnlineDeployment")
            + "name: blue\nendpoint_name: e\nmodel:\n  path: ../model\ninstance_type: s\n",
            "a deployment",
            "`deployment:`",
        ),
        ("name: blue\nmodel: {path: m}\ninstance_type: s\n", "a deployment", "`deployment:`"),
        (SCHEMA.format("amlCompute") + "name: gpu\ntype: amlcompute\nsize: s\n", "a cluster", "compute: {finetune:"),
        (PREVIEW.format("finetuningJob") + "type: finetuning\nmodel: {path: x}\n", "a fine-tuning job", "base_model"),
        ("type: finetuning\ntraining_data: t.jsonl\n", "a fine-tuning job", "phift import --job"),
        (SCHEMA.format("pipelineJob") + "type: pipeline\njobs: {a: {}}\n", "a pipeline job", "finetune.parameters"),
        (SCHEMA.format("data") + "name: rows\nversion: 1\ntype: uri_file\npath: x\n", "a data asset", "data: {train:"),
        (SCHEMA.format("model") + "name: m\npath: x\n", "a model", "`model:`"),
        (SCHEMA.format("environment") + "name: e\nimage: i\nconda_file: c\n", "an environment", "environment:"),
        (SCHEMA.format("batchEndpoint") + "name: e\n", "another resource", "phift does not create it"),
    ],
)
def test_a_file_of_az_ml_is_one_finding(tmp_path: Path, text: str, what: str, way: str) -> None:
    (found,) = findings(tmp_path, text)
    assert found.code == "az-ml-file"
    assert found.summary == f"this is an `az ml` file of {what}, not a spec"
    assert way in found.remedy
    assert found.mark is not None


@pytest.mark.parametrize(
    "text",
    [
        SERVING,
        TRAINING,
        SCHEMA.format("managedOnlineEndpoint") + SERVING,
        "name: a\nversion: 1\n",
        "endpoint: {auth_mode: key}\nauth_mode: key\n",
        "extends: base.yaml\ninstance_type: s\n",
    ],
)
def test_a_spec_is_none_however_wrong(tmp_path: Path, text: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    root, found = read_whole(path)
    assert root is not None or "az-ml-file" not in {d.code for d in found}


@pytest.mark.parametrize(
    ("written", "summary", "remedy"),
    [
        ("auth_mode: key", "auth_mode: unknown key", "Write it under `endpoint`: check the indentation."),
        ("max_instances: 2", "max_instances: unknown key", "Write it under `compute.finetune`: check the indentation."),
        ("train: {path: x}", "train: unknown key", "Write it under `data`: check the indentation."),
        ("foo: x", "foo: unknown key", "Valid keys: version"),
    ],
)
def test_a_key_in_a_wrong_place_names_its_block(tmp_path: Path, written: str, summary: str, remedy: str) -> None:
    (found,) = findings(tmp_path, f"{SERVING}{written}\n")
    assert summary in found.summary
    assert found.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("spec", "old", "new", "remedy"),
    [
        (TRAINING, "{name: gpu, size: s}", "gpu", "Write azureml:gpu for the cluster of that name"),
        (TRAINING, "{name: gpu, size: s}", "azureml:serverless", "Write serverless:VM_SIZE"),
        (TRAINING, "{name: gpu, size: s}", "serverless", "Write serverless:VM_SIZE"),
        (TRAINING, "azureml://registries/azureml/models/Phi-4/versions/8", "Phi-4", "models/Phi-4/labels/latest"),
        (TRAINING, "azureml://registries/azureml/models/Phi-4/versions/8", "org/m", "{huggingface_id: org/m}"),
        (TRAINING, "azureml://registries/azureml/models/Phi-4/versions/8", "./w", "{path: ./w}"),
        (SERVING, "azureml:m:1", "../m", "{path: ../m}"),
        (SERVING, "azureml:m:1", "file:m.yml", "Write the content of m.yml here, as a block."),
        (SERVING, "instance_type: s", "instance_type: s, environment: file:e.yml", "Write the content of e.yml here"),
    ],
)
def test_a_text_of_az_ml_names_the_way(tmp_path: Path, spec: str, old: str, new: str, remedy: str) -> None:
    (found,) = findings(tmp_path, spec.replace(old, new))
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("endpoint", "{type: user_assigned, user_assigned_identities: [me]}"),
        ("endpoint", "{type: user_assigned, user_assigned_identities: [{resource_id: /subscriptions/0/me}]}"),
        ("endpoint", "{type: user_assigned, user_assigned_identities: [{client_id: me}]}"),
    ],
)
def test_an_identity_must_be_an_arm_id(tmp_path: Path, path: str, identity: str) -> None:
    (found,) = findings(tmp_path, SERVING.replace("endpoint: {}", f"{path}: {{identity: {identity}}}"))
    assert "the ARM id of a user-assigned identity" in found.summary
    assert "az identity show" in found.remedy


def test_a_variable_of_the_service_cannot_be_set(tmp_path: Path) -> None:
    text = SERVING.replace("instance_type: s", "instance_type: s, environment_variables: {AML_APP_ROOT: /x}")
    (found,) = findings(tmp_path, text)
    assert found.summary == "deployment.environment_variables.AML_APP_ROOT is set by the service"


@pytest.mark.parametrize("written", ['"${{keyvault:x}}"', '"${{keyvault:https://v.vault.azure.net/keys/a}}"'])
def test_a_reference_to_a_key_vault_is_the_url_of_a_secret(tmp_path: Path, written: str) -> None:
    text = SERVING.replace("instance_type: s", f"instance_type: s, environment_variables: {{A: {written}}}")
    (found,) = findings(tmp_path, text)
    assert "must be https://VAULT.vault.azure.net/secrets/NAME" in found.summary


def test_a_wrong_form_of_a_secret_is_one_finding(tmp_path: Path) -> None:
    text = SERVING.replace("instance_type: s", "instance_type: s, environment_variables: {A: {secret: HF_TOKEN}}")
    (found,) = findings(tmp_path, text)
    assert "a secret must be {secret: env:NAME}" in found.summary
