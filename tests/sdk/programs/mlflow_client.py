"""The stock MLflow client on the workspace's tracking URI: experiment, runs, batches, artifacts, and the gaps."""

import json
import os
import time

import mlflow
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException


def tell(cell, **values):
    print(json.dumps({"cell": cell, **values}, default=str), flush=True)


def refusal(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except MlflowException as error:
        return str(error)
    return ""


credential = DefaultAzureCredential()
workspace = MLClient.from_config(credential=credential)
address = workspace.workspaces.get(workspace.workspace_name).mlflow_tracking_uri
os.environ["MLFLOW_TRACKING_TOKEN"] = credential.get_token("https://management.azure.com/.default").token
mlflow.set_tracking_uri(address.replace("azureml://", "https://", 1))
tell("address", scheme=address.partition(":")[0])

experiment = mlflow.set_experiment("by-hand")
client = MlflowClient()
with mlflow.start_run(run_name="first", tags={"team": "a"}) as run:
    identity = run.info.run_id
    mlflow.log_params({"learning_rate": 0.1, "epochs": 3})
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    now = int(time.time() * 1000)
    client.log_batch(
        identity,
        metrics=[Metric("many", number, now, number) for number in range(1000)],
        params=[Param(f"p{number}", str(number)) for number in range(90)],
        tags=[RunTag("batch", "yes")],
    )
    mlflow.log_text("hello", "notes/a b.txt")
    with open("weights.bin", "wb") as stream:
        stream.write(bytes(range(256)) * 8192)
    mlflow.log_artifact("weights.bin", "data")
    with mlflow.start_run(nested=True, run_name="second"):
        mlflow.log_metric("loss", 3.0)
tell("logged", run=identity)

read = mlflow.get_run(identity)
history = client.get_metric_history(identity, "many")
tell(
    "read",
    status=read.info.status,
    rate=read.data.params["learning_rate"],
    params=len(read.data.params),
    loss=read.data.metrics["loss"],
    many=[len(history), history[-1].value],
    tags=[read.data.tags["team"], read.data.tags["batch"]],
)
folder = mlflow.artifacts.download_artifacts(run_id=identity, artifact_path="")
with open(os.path.join(folder, "notes", "a b.txt")) as stream:
    text = stream.read()
size = os.path.getsize(os.path.join(folder, "data", "weights.bin"))
tell("artifacts", listed=sorted(entry.path for entry in client.list_artifacts(identity)), text=text, size=size)
found = mlflow.search_runs(
    experiment_names=["by-hand"],
    filter_string="params.learning_rate = '0.1' and metrics.loss < 0.5",
    output_format="list",
)
children = client.search_runs([experiment.experiment_id], f"tags.mlflow.parentRunId = '{identity}'")
tell("searched", runs=[each.info.run_name for each in found], children=[each.info.run_name for each in children])
tell(
    "gaps",
    models=refusal(client.create_logged_model, experiment.experiment_id),
    traces=refusal(client.search_traces, locations=[experiment.experiment_id]),
)
client.delete_run(identity)
gone = identity not in [each.info.run_id for each in client.search_runs([experiment.experiment_id])]
client.restore_run(identity)
tell("deleted", gone=gone, back=mlflow.get_run(identity).info.lifecycle_stage)
