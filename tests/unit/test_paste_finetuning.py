"""The fields of `az ml` fine-tuning jobs and pipelines: the same here, accepted in both spellings, or where they go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from phift import catalog
from phift.errors import InvalidSpecError
from phift.kinds.job.component import managed_input
from phift.kinds.job.parameters import effective_parameters
from phift.spec import Spec, load

GOOD = """\
version: 1
name: demo
base_model: {base_model}
data: {{train: {{path: train.jsonl}}}}
compute: {{finetune: {{name: gpu, size: Standard_NC24ads_A100_v4}}}}
finetune: {{{finetune}}}
"""
REGISTRY = "azureml://registries/azureml/models/Phi-4/versions/8"


def spec_of(folder: Path, finetune: str, base_model: str = REGISTRY) -> Spec:
    path = folder / "spec.yaml"
    path.write_text(GOOD.format(finetune=finetune, base_model=base_model))
    return load(path, environ={}).spec


def refused(folder: Path, finetune: str) -> tuple[str, str]:
    with pytest.raises(InvalidSpecError) as caught:
        spec_of(folder, finetune)
    (found,) = caught.value.diagnostics
    return found.summary, found.remedy


ACCEPTED = {
    "experiment_name": "experiment_name: e",
    "hyperparameters": "hyperparameters: {max_steps: 3}",
    "type": "type: FineTuning",
    "model_provider": "model_provider: Custom",
    "$schema": "$schema: https://azuremlschemas.azureedge.net/latest/finetuningJob.schema.json",
    "inputs": "inputs: {precision: 16}",
    "identity": "",
}
ELSEWHERE = {
    "model": ("model: {path: x, type: mlflow_model}", "base_model:"),
    "training_data": ("training_data: train.jsonl", "data: {train:"),
    "validation_data": ("validation_data: {path: v.jsonl}", "data: {validation:"),
    "compute": ("compute: gpu", "compute: {finetune: azureml:"),
    "resources": ("resources: {instance_types: [Standard_NC6]}", "serverless:SIZE"),
    "queue_settings": ("queue_settings: {job_tier: spot}", "tier: low_priority"),
    "outputs": ("outputs: {registered_model: {name: m}}", "model: {name: NAME}"),
    "name": ("name: my-job", "digest of its inputs"),
    "display_name": ("display_name: my job", "composes it"),
    "tags": ("tags: {a: b}", "at the top level"),
    "properties": ("properties: {a: b}", "azure:"),
    "task": ("task: chat_completion", "component"),
    "limits": ("limits: {timeout: 600}", "timeout_minutes"),
    "settings": ("settings: {force_rerun: true}", "reruns every step"),
    "jobs": ("jobs: {train: {type: pipeline}}", "under parameters"),
}


@pytest.mark.parametrize("field", [field for field, written in ACCEPTED.items() if written])
def test_accepted(tmp_path: Path, field: str) -> None:
    assert spec_of(tmp_path, ACCEPTED[field]).finetune is not None


@pytest.mark.parametrize("field", ELSEWHERE)
def test_refused_with_the_way(tmp_path: Path, field: str) -> None:
    written, way = ELSEWHERE[field]
    summary, remedy = refused(tmp_path, written)
    assert summary == f"finetune.{field}: unknown key {field!r}"
    assert way in remedy


def test_hyperparameters_are_parameters(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, 'hyperparameters: {num_train_epochs: "1", learning_rate: "0.00002"}')
    assert spec.finetune is not None
    component = catalog.component("chat_completion_pipeline")
    assert component is not None
    effective = effective_parameters(component.interface, spec.finetune.parameters, {})
    assert effective.problems == ()
    assert (effective.parameters["num_train_epochs"].value, effective.parameters["learning_rate"].value) == (1, 2e-5)


def test_both_spellings_at_once(tmp_path: Path) -> None:
    summary, _ = refused(tmp_path, "parameters: {max_steps: 1}, hyperparameters: {max_steps: 2}")
    assert "are the same setting" in summary


@pytest.mark.parametrize(
    ("value", "path"), [("ds.json", "ds.json"), ({"type": "uri_file", "path": "./ds.json"}, "./ds.json")]
)
def test_a_file_as_pipelines_write_it(tmp_path: Path, value: Any, path: str) -> None:
    import json

    spec = spec_of(tmp_path, f"parameters: {{deepspeed: {json.dumps(value)}}}")
    assert spec.finetune is not None
    assert spec.finetune.parameters == {"deepspeed": path}


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    summary, remedy = refused(tmp_path, "parameters: {deepspeed: {type: uri_folder, path: x}}")
    assert "must be a file" in summary
    assert "uri_file" in remedy


@pytest.mark.parametrize(
    "name",
    [
        "train_file_path",
        "validation_file_path",
        "test_file_path",
        "compute_finetune",
        "number_of_gpu_to_use_finetuning",
        "mlflow_model_path",
    ],
)
def test_inputs_that_phift_sets_name_the_way(tmp_path: Path, name: str) -> None:
    summary, remedy = refused(tmp_path, f"parameters: {{{name}: x}}")
    assert summary == f"finetune.parameters.{name}: phift sets this input itself"
    assert remedy == managed_input(name)


@pytest.mark.parametrize("written", ["{path: %s}", "{path: %s, type: mlflow_model}", "%s"])
def test_the_model_of_a_finetuning_job(tmp_path: Path, written: str) -> None:
    spec = spec_of(tmp_path, "", written % f'"{REGISTRY}"')
    assert str(spec.base_model) == REGISTRY
