"""`phift import --job`: a draft that trains with the data, the base model and the parameters of a job."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from importing import same_training
from inprocess import InProcess, hurried
from worlds import spec_text

from phift import phases
from phift.azure.facts import RemoteFacts
from phift.azure.session import Azure
from phift.errors import RefusedError, UsageError
from phift.kinds.job.imported import imported_job, node_of
from phift.phases import ApplyOptions, Request
from phift.phases.import_training import import_job

API = "2024-10-01"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Azure, dict[str, Any]]]:
    """A workspace, and the document of a job of phift in it."""
    folder = tmp_path_factory.mktemp("jobs")
    messages = [{"role": "user", "content": "a?"}, {"role": "assistant", "content": "b"}]
    row = {"prompt": "a?", "prompt_id": "1", "messages": messages}
    (folder / "train.jsonl").write_text((json.dumps(row) + "\n") * 3, encoding="utf-8")
    parameters = {"max_steps": 3, "learning_rate": 0.0005, "apply_deepspeed": False}
    spec = spec_text("shop", tags={"team": "a"}, finetune={"parameters": parameters}, endpoint=None, deployment=None)
    (folder / "spec.yaml").write_text(spec, encoding="utf-8")
    request = Request(folder / "spec.yaml")
    with hurried():
        home = InProcess(folder / "home")
        try:
            plan = phases.plan(request, home.connector)
            result = phases.apply(plan, request, home.connector, listener=lambda event: None, options=ApplyOptions())
            assert result.exit_code == 0
            azure = home.azure()
            jobs = azure.arm.list(f"{azure.workspace.arm_id}/jobs", API)
            (job,) = [one for one in jobs if one["properties"]["jobType"] == "Pipeline"]
            yield azure, azure.arm.get(str(job["id"]), API)
        finally:
            home.close()


def test_the_draft_trains_with_the_same_inputs(trained: tuple[Azure, dict[str, Any]], tmp_path: Path) -> None:
    azure, job = trained
    found = same_training(azure, job["name"], tmp_path, name="again")
    assert "parameters: {max_steps: 3, learning_rate: 0.0005, apply_deepspeed: false}" in found.text
    assert "Applying it trains a model." in found.text
    assert "phift." not in found.text
    assert not (tmp_path / "phift.lock").exists()


def block(trained: tuple[Azure, dict[str, Any]], of_step: dict[str, Any], **properties: Any) -> Any:
    """The import of the job with other inputs of its step; None removes one."""
    azure, job = trained
    changed = copy.deepcopy(job)
    changed["properties"] |= properties
    (step,) = changed["properties"]["jobs"].values()
    for name, body in of_step.items():
        step["inputs"].pop(name, None)
        if body is not None:
            step["inputs"][name] = body
    node = node_of(changed, azure.workspace.arm_id)
    if isinstance(node, str):
        return node
    remote, base = RemoteFacts(azure), node.base_model
    component = remote.component(node.component.registry or "", node.component.name, str(node.component.version))
    model = None if isinstance(base, str) else remote.base_model(base.registry or "", base.name, str(base.version))
    assert component is not None
    defaults = model.defaults if model else {}
    return imported_job(changed, node, component.interface, defaults, azure.workspace.arm_id)


def literal(value: str) -> dict[str, str]:
    return {"job_input_type": "literal", "value": value}


def file(uri: str) -> dict[str, str]:
    return {"job_input_type": "uri_file", "uri": uri}


def test_data_and_computes_are_mapped(trained: tuple[Azure, dict[str, Any]]) -> None:
    workspace = trained[0].workspace.arm_id
    long = workspace.replace("/providers/Microsoft.MachineLearningServices", "").replace("Groups", "groups")
    found = block(
        trained,
        {
            "train_file_path": file(f"{workspace}/data/rows/versions/3"),
            "validation_file_path": file("https://example.com/rows.jsonl"),
            "test_file_path": file(f"azureml:/{long}/datastores/workspaceblobstore/paths/a/b.jsonl"),
            "compute_finetune": literal("serverless"),
            "instance_type_finetune": literal("Standard_NC24ads_A100_v4"),
            "num_nodes_finetune": literal("2"),
        },
    ).values
    assert found["data"] == {
        "train": "azureml:rows:3",
        "validation": {"path": "https://example.com/rows.jsonl"},
        "test": "azureml://datastores/workspaceblobstore/paths/a/b.jsonl",
    }
    assert found["compute"]["finetune"] == "serverless:Standard_NC24ads_A100_v4"
    assert found["compute"]["other_steps"].startswith("azureml:")
    assert found["finetune"]["instance_count"] == 2


def test_what_cannot_be_mapped_is_listed(trained: tuple[Azure, dict[str, Any]]) -> None:
    found = block(
        trained,
        {
            "train_file_path": file("wasbs://rows@example.blob.core.windows.net/rows.jsonl"),
            "deepspeed": file("azureml://datastores/workspaceblobstore/paths/ds.json"),
            "compute_preprocess": literal("one"),
            "compute_model_import": literal("two"),
            "own_input": literal("1"),
        },
    )
    assert found.values["data"]["train"] == {"path": "train.jsonl"}
    notes = "\n".join(found.notes)
    for words in ("train data wasbs://", "data.train is an example", "parameter deepspeed", "own_input", "azureml:one"):
        assert words in notes, notes


def test_a_default_of_the_model_that_the_job_did_not_use(trained: tuple[Azure, dict[str, Any]]) -> None:
    """The component's default counts where the job has no value, although the model recommends another one."""
    assert "precision" not in block(trained, {}).values["finetune"]["parameters"]
    assert block(trained, {"precision": None}).values["finetune"]["parameters"]["precision"] == 32


def test_inputs_of_the_pipeline_are_followed(trained: tuple[Azure, dict[str, Any]]) -> None:
    bound = {"job_input_type": "literal", "value": "${{parent.inputs.rate}}"}
    inputs = {"rate": {"jobInputType": "literal", "value": "0.002"}}
    found = block(trained, {"learning_rate": bound}, inputs=inputs)
    assert found.values["finetune"]["parameters"]["learning_rate"] == 0.002


def test_a_model_of_the_hub(trained: tuple[Azure, dict[str, Any]]) -> None:
    found = block(trained, {"mlflow_model_path": None, "huggingface_id": literal("microsoft/Phi-4")})
    assert found.values["base_model"] == {"huggingface_id": "microsoft/Phi-4"}


@pytest.mark.parametrize(
    ("inputs", "properties", "why"),
    [
        ({}, {"jobType": "Command"}, "type Command"),
        ({}, {"jobs": {}}, "none of its steps is"),
        ({"mlflow_model_path": file("azureml:other")}, {}, "base model azureml:other is not a version"),
    ],
)
def test_what_is_no_fine_tuning(
    trained: tuple[Azure, dict[str, Any]], inputs: dict[str, Any], properties: dict[str, Any], why: str
) -> None:
    changed = copy.deepcopy(trained[1])
    (step,) = changed["properties"]["jobs"].values()
    step["inputs"] |= inputs
    changed["properties"] |= properties
    found = node_of(changed, trained[0].workspace.arm_id)
    assert isinstance(found, str)
    assert why in found


def test_not_found_and_refused(trained: tuple[Azure, dict[str, Any]]) -> None:
    azure, job = trained
    for name in ("nothing", "../x", ""):
        with pytest.raises(UsageError, match="not found"):
            import_job(azure, name, target="local")
    children = [one for one in azure.arm.list(f"{azure.workspace.arm_id}/jobs", API) if one["name"] != job["name"]]
    for child in children[:1]:
        with pytest.raises(RefusedError, match="cannot be imported"):
            import_job(azure, str(child["name"]), target="local")
