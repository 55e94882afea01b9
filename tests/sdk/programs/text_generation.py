"""What Azure's public text-generation notebook does, cell by cell, in its order. It knows nothing of phift.

Its model is of another registry than the component, it reads the metrics by MLflow and asks with a table.
Needs: config.json (MLClient.from_config) in the working folder. Environment: MAX_STEPS. Prints one JSON line a cell.
"""

import ast
import json
import os
import time

import mlflow
from azure.ai.ml import Input, MLClient
from azure.ai.ml.constants import AssetTypes
from azure.ai.ml.dsl import pipeline
from azure.ai.ml.entities import (
    AmlCompute,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    Model,
    OnlineRequestSettings,
    ProbeSettings,
)
from azure.core.exceptions import ResourceNotFoundError
from azure.identity import DefaultAzureCredential


def tell(cell, **values):
    print(json.dumps({"cell": cell, **values}, default=str), flush=True)


# credentials, clients of three registries

credential = DefaultAzureCredential()
ml_client = MLClient.from_config(credential=credential)
registry = MLClient(credential, registry_name="azureml")
registry_of_model = MLClient(credential, registry_name="azureml-msr")
MLClient(credential, registry_name="azureml-meta")
experiment = "text-generation"
stamp = str(int(time.time()))
tell("clients", workspace=ml_client.workspace_name)

# foundation model

base = registry_of_model.models.get("microsoft-phi-2", label="latest")
tell("model", id=base.id)

# compute

cluster = "gpu-cluster-big"
try:
    compute = ml_client.compute.get(cluster)
except ResourceNotFoundError:
    wanted = AmlCompute(name=cluster, size="Standard_ND40rs_v2", tier="Dedicated", max_instances=2)
    ml_client.compute.begin_create_or_update(wanted).wait()
    compute = ml_client.compute.get(cluster)
gpus = {size.name.lower(): size.gpus for size in ml_client.compute.list_sizes()}[compute.size.lower()]
tell("compute", size=compute.size, gpus=gpus)

# data: a text and what is to follow it

for name in ("train", "validation", "test"):
    with open(f"{name}.jsonl", "w") as stream:
        for hour in range(1, 9):
            row = {"text": f"Ann asks Bob to come at {hour}.\nSummary:\n", "summary": f"They meet at {hour}."}
            stream.write(json.dumps(row) + "\n")
with open("evaluation.json", "w") as stream:
    json.dump({}, stream)
tell("data", rows=8)

# the pipeline

settings = {"max_steps": int(os.environ["MAX_STEPS"]), "per_device_train_batch_size": 1, "learning_rate": 2e-5}
of_the_model = ast.literal_eval(base.tags["model_specific_defaults"])
component = registry.components.get(name="text_generation_pipeline", label="latest")


@pipeline()
def create_pipeline():
    node = component(
        mlflow_model_path=base.id,
        compute_model_import=cluster,
        compute_preprocess=cluster,
        compute_finetune=cluster,
        compute_model_evaluation=cluster,
        train_file_path=Input(type="uri_file", path="train.jsonl"),
        validation_file_path=Input(type="uri_file", path="validation.jsonl"),
        test_file_path=Input(type="uri_file", path="test.jsonl"),
        evaluation_config=Input(type="uri_file", path="evaluation.json"),
        text_key="text",
        ground_truth_key="summary",
        number_of_gpu_to_use_finetuning=gpus,
        logging_steps=1,
        **settings,
        **of_the_model,
    )
    return {"trained_model": node.outputs.mlflow_model_folder}


job = create_pipeline()
job.settings.force_rerun = True
job.settings.continue_on_step_failure = False
(node,) = job._to_dict()["jobs"].values()
assert ml_client.compute.get(node["inputs"]["compute_finetune"]).max_instances >= 1
job = ml_client.jobs.create_or_update(job, experiment_name=experiment)
tell("job", name=job.name)
ml_client.jobs.stream(job.name)
tell("streamed", status=ml_client.jobs.get(job.name).status)

# its metrics

tracking = ml_client.workspaces.get(ml_client.workspace_name).mlflow_tracking_uri
os.environ["MLFLOW_TRACKING_TOKEN"] = credential.get_token("https://management.azure.com/.default").token
mlflow.set_tracking_uri(tracking.replace("azureml://", "https://", 1))  # azureml:// takes the plug-in azureml-mlflow
runs = mlflow.search_runs(
    experiment_names=[experiment], filter_string=f"tags.mlflow.rootRunId='{job.name}'", output_format="list"
)
trained = [run for run in runs if "epoch" in run.data.metrics]
tell("metrics", runs=len(runs), metrics=sorted(trained[0].data.metrics) if trained else [])

# registration, endpoint and deployment

model = ml_client.models.create_or_update(
    Model(
        path=f"azureml://jobs/{job.name}/outputs/trained_model",
        type=AssetTypes.MLFLOW_MODEL,
        name="microsoft-phi-2-summaries",
        version=stamp,
    )
)
tell("registered", name=model.name, version=model.version)
endpoint = ManagedOnlineEndpoint(name="texts-" + stamp, auth_mode="key")
ml_client.begin_create_or_update(endpoint).wait()
deployment = ManagedOnlineDeployment(
    name="demo",
    endpoint_name=endpoint.name,
    model=model.id,
    instance_type="Standard_E64s_v3",
    instance_count=1,
    liveness_probe=ProbeSettings(initial_delay=600),
    request_settings=OnlineRequestSettings(request_timeout_ms=90000),
)
ml_client.online_deployments.begin_create_or_update(deployment).wait()
endpoint.traffic = {"demo": 100}
ml_client.begin_create_or_update(endpoint).result()
tell("endpoint", traffic=ml_client.online_endpoints.get(endpoint.name).traffic)

# two questions, as a table

with open("sample_score.json", "w") as stream:
    json.dump({"input_data": {"text": ["Ann asks Bob to come at 3.\nSummary:\n", "Bob says yes.\nSummary:\n"]}}, stream)
answer = ml_client.online_endpoints.invoke(
    endpoint_name=endpoint.name, deployment_name="demo", request_file="sample_score.json"
)
tell("answer", texts=json.loads(answer))

# away with it

ml_client.online_endpoints.begin_delete(name=endpoint.name).wait()
tell("deleted", left=endpoint.name in [each.name for each in ml_client.online_endpoints.list()])
