"""`phift validate` finds in local files, and in what a deployment needs of them, what a plan rejects."""

from __future__ import annotations

from pathlib import Path

import pytest

from phift.phases.validate_specs import validate

SERVED = """\
version: 1
name: served
model: {model}
endpoint: {{auth_mode: key}}
deployment: {{instance_type: Standard_DS3_v2{more}}}
"""
TRAINED = """\
version: 1
name: trained
base_model: azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest
data: {{train: {{path: train.jsonl}}}}
compute: {{finetune: azureml:gpu}}
finetune: {{}}
endpoint: {{auth_mode: key}}
deployment: {{instance_type: Standard_NC24ads_A100_v4{more}}}
"""
CODE = ", code_configuration: {code: code, scoring_script: score.py}"
IMAGE = ", environment: {image: i}"
ROUTES = ", ".join(f"{name}_route: {{path: /, port: 80}}" for name in ("liveness", "readiness", "scoring"))
SERVER = f", environment: {{image: i, inference_config: {{{ROUTES}}}}}"


@pytest.mark.parametrize(
    ("template", "model", "more", "codes"),
    [
        (SERVED, "{path: files, type: custom_model}", CODE + IMAGE, []),
        (SERVED, "{path: files, type: custom_model}", CODE, ["no-environment"]),
        (SERVED, "{path: files, type: custom_model}", "", ["no-code"]),
        (SERVED, "{path: files}", "", ["no-code"]),
        (SERVED, "{path: files, type: custom_model}", SERVER, []),
        (SERVED, "{path: files, type: mlflow_model}", "", ["model-not-mlflow"]),
        (SERVED, "{path: mlflow}", "", []),
        (SERVED, "{path: none}", "", ["folder-missing"]),
        (SERVED, "{path: files, type: triton_model}", "", ["no-code"]),
        (SERVED, "azureml:m:1", CODE, ["no-environment"]),
        (SERVED, "azureml:m:1", CODE + IMAGE, []),
        (TRAINED, "", CODE, ["no-environment"]),
        (TRAINED, "", CODE + IMAGE, []),
        (TRAINED, "", "", []),
    ],
)
def test_what_a_plan_would_reject(tmp_path: Path, template: str, model: str, more: str, codes: list[str]) -> None:
    row = '{"messages": [{"role": "user", "content": "a?"}, {"role": "assistant", "content": "b"}]}\n'
    (tmp_path / "train.jsonl").write_text(row)
    for name, content in (("code/score.py", "def init(): ...\ndef run(data): ...\n"), ("files/w", "x")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "MLmodel").write_text("flavors: {}\n")
    path = tmp_path / "spec.yaml"
    path.write_text(template.format(model=model, more=more))
    (found,) = validate([path])
    assert [d.code for d in found.diagnostics] == codes
    assert all(d.mark is not None for d in found.diagnostics)
