"""Jobs through azure-ai-ml as it is: stream, children, download, register, archive, cancel. Jobs are rehearsed."""

import os
import subprocess
import sys

import pytest

from phift.emulator.host import lifecycle
from tests.emulator.client import Azure
from tests.emulator.test_job_submission import pipeline, put_data, submit, wait

PROGRAM = """
import logging, sys, warnings
warnings.simplefilter("ignore")
from azure.ai.ml import MLClient
from azure.ai.ml.entities import Model
from azure.identity import DefaultAzureCredential
import os

logging.disable(logging.CRITICAL)
client = MLClient(DefaultAzureCredential(), os.environ["AZURE_SUBSCRIPTION_ID"], os.environ["AZURE_RESOURCE_GROUP"],
                  os.environ["AZURE_WORKSPACE_NAME"])
client.jobs.stream("streamed")
job = client.jobs.get("streamed")
print("status", job.status.value)
children = list(client.jobs.list(parent_job_name="streamed"))
print("children", [child.display_name for child in children])
client.jobs.download("streamed", download_path=sys.argv[1], output_name="trained_model")
client.jobs.download("streamed", download_path=sys.argv[1])
model = client.models.create_or_update(
    Model(name="from-job", type="mlflow_model", path="azureml://jobs/streamed/outputs/trained_model"))
print("model", model.name, model.version, model.type)
client.jobs.archive("streamed")
print("listed", [job.name for job in client.jobs.list() if job])
client.jobs.restore("streamed")
client.jobs.begin_cancel("endless").result()
print("canceled", client.jobs.get("endless").status.value)
"""


@pytest.fixture
def azure(home, monkeypatch):
    monkeypatch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
    client = Azure(lifecycle.ensure(home, idle_seconds=600))
    with client.session:
        yield client


def test_the_sdk_streams_downloads_registers_archives_and_cancels(azure, tmp_path):
    put_data(azure)
    submit(azure, "streamed", pipeline(tags={"rehearsal.seconds": "3"}))
    submit(azure, "endless", pipeline(tags={"rehearsal.seconds": "300"}))
    wait(azure, "streamed", wanted={"Running", "Completed"})
    environment = {**os.environ, **lifecycle.environment(azure.connection), "AZUREML_RUN_POLLING_INTERVAL_MIN": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "got")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    said = done.stdout
    assert "chat_completion_finetune: step 3/3 loss" in said
    assert "status Completed" in said
    assert "children ['trainer']" in said
    assert "model from-job 1 mlflow_model" in said
    assert "listed ['endless']" in said
    assert "canceled Canceled" in said
    got = {path.name for path in (tmp_path / "got").rglob("*")}
    assert {"MLmodel", "model.safetensors", "executionlogs.txt"} <= got


NODES = """
import logging, os, sys, warnings
warnings.simplefilter("ignore")
from azure.ai.ml import Input, MLClient, dsl
from azure.identity import DefaultAzureCredential

logging.disable(logging.CRITICAL)
credential = DefaultAzureCredential()
client = MLClient(credential, os.environ["AZURE_SUBSCRIPTION_ID"], os.environ["AZURE_RESOURCE_GROUP"],
                  os.environ["AZURE_WORKSPACE_NAME"])
component = MLClient(credential, registry_name="azureml").components.get("chat_completion_pipeline", label="latest")
data = Input(type="uri_file", path="azureml://datastores/workspaceblobstore/paths/data/train.jsonl")
base = Input(type="mlflow_model", path="azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest")

@dsl.pipeline()
def twice():
    first = component(mlflow_model_path=base, train_file_path=data)
    second = component(mlflow_model_path=first.outputs.mlflow_model_folder, train_file_path=data)
    return {"model": second.outputs.mlflow_model_folder}

def run(name, build):
    job = build()
    job.name, job.experiment_name = name, "nodes"
    client.jobs.create_or_update(job)
    client.jobs.stream(name)
    children = list(client.jobs.list(parent_job_name=name))
    print(name, client.jobs.get(name).status.value, [(child.display_name, child.status) for child in children])

run("once", twice)
run("again", twice)
client.jobs.download("again", download_path=sys.argv[1], output_name="model")
"""


@pytest.mark.matrix
def test_the_sdk_chains_fine_tunes_and_downloads_what_was_reused(azure, tmp_path):
    put_data(azure)
    environment = {**os.environ, **lifecycle.environment(azure.connection), "AZUREML_RUN_POLLING_INTERVAL_MIN": "1"}
    command = [sys.executable, "-c", NODES, str(tmp_path / "got")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    for job in ("once", "again"):
        assert f"{job} Completed [('first', 'Completed'), ('second', 'Completed')]" in done.stdout
    assert "reuses run" in done.stdout
    assert {"MLmodel", "model.safetensors"} <= {path.name for path in (tmp_path / "got").rglob("*")}
