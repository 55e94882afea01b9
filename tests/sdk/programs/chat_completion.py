"""What Azure's public chat-completion notebook does, cell by cell, in its order. It knows nothing of phift.

Needs: config.json (MLClient.from_config), train.jsonl and test.jsonl in the working folder. Environment: MAX_STEPS.
Prints one JSON line a cell.
"""

import ast
import json
import os
import time

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
from azure.identity import DefaultAzureCredential, InteractiveBrowserCredential


def tell(cell, **values):
    print(json.dumps({"cell": cell, **values}, default=str), flush=True)


# credentials, clients

try:
    credential = DefaultAzureCredential()
    credential.get_token("https://management.azure.com/.default")
except Exception:  # noqa: BLE001 (as the notebook has it)
    credential = InteractiveBrowserCredential()

workspace_ml_client = MLClient.from_config(credential=credential)
registry_ml_client = MLClient(credential, registry_name="azureml")
experiment_name = "chat_completion_notebook"
stamp = str(int(time.time()))
tell("clients", workspace=workspace_ml_client.workspace_name)

# foundation model

model_name = "Phi-3-mini-4k-instruct"
foundation_model = registry_ml_client.models.get(model_name, label="latest")
tell("model", id=foundation_model.id)

# compute, of a size that the model allows

compute_cluster = "gpu-cluster-big"
allow_list = ast.literal_eval(foundation_model.tags.get("finetune_compute_allow_list", "None"))
try:
    compute = workspace_ml_client.compute.get(compute_cluster)
except ResourceNotFoundError:
    compute = AmlCompute(name=compute_cluster, size="Standard_ND40rs_v2", tier="Dedicated", max_instances=2)
    workspace_ml_client.compute.begin_create_or_update(compute).wait()
compute = workspace_ml_client.compute.get(compute_cluster)
assert compute.provisioning_state.lower() == "succeeded"
assert allow_list is None or compute.size.lower() in [size.lower() for size in allow_list]
gpu_count_found, gpus_per_node = False, 0
for size in workspace_ml_client.compute.list_sizes():
    if size.name.lower() == compute.size.lower():
        gpus_per_node, gpu_count_found = size.gpus, True
assert gpu_count_found
tell("compute", size=compute.size, gpus=gpus_per_node)

# parameters: what the model's own tag says, straight into the pipeline

training_parameters = {
    "max_steps": int(os.environ["MAX_STEPS"]),
    "per_device_train_batch_size": 1,
    "per_device_eval_batch_size": 1,
    "learning_rate": 5e-3,
    "lr_scheduler_type": "cosine",
}
if "model_specific_defaults" in foundation_model.tags:
    optimization_parameters = ast.literal_eval(foundation_model.tags["model_specific_defaults"])
else:
    optimization_parameters = {"apply_lora": "true", "apply_deepspeed": "true", "deepspeed_stage": 2}
own = {name: value for name, value in optimization_parameters.items() if name not in training_parameters}
tell("parameters", of_the_model=len(optimization_parameters))

# the pipeline

pipeline_component = registry_ml_client.components.get(name="chat_completion_pipeline", label="latest")


@pipeline(name="chat_completion_" + model_name)
def create_pipeline():
    chat_completion_pipeline = pipeline_component(
        mlflow_model_path=foundation_model.id,
        compute_model_import=compute_cluster,
        compute_preprocess=compute_cluster,
        compute_finetune=compute_cluster,
        compute_model_evaluation=compute_cluster,
        train_file_path=Input(type="uri_file", path="train.jsonl"),
        test_file_path=Input(type="uri_file", path="test.jsonl"),
        number_of_gpu_to_use_finetuning=gpus_per_node,
        **training_parameters,
        **own,
    )
    return {"trained_model": chat_completion_pipeline.outputs.mlflow_model_folder}


pipeline_object = create_pipeline()
pipeline_object.settings.force_rerun = True
pipeline_object.settings.continue_on_step_failure = False
pipeline_job = workspace_ml_client.jobs.create_or_update(pipeline_object, experiment_name=experiment_name)
tell("job", name=pipeline_job.name)
workspace_ml_client.jobs.stream(pipeline_job.name)
tell("streamed", status=workspace_ml_client.jobs.get(pipeline_job.name).status)

# registration

ended = workspace_ml_client.jobs.get(pipeline_job.name)
model_path_from_job = f"azureml://jobs/{pipeline_job.name}/outputs/trained_model"
prepare_to_register_model = Model(
    path=model_path_from_job,
    type=AssetTypes.MLFLOW_MODEL,
    name=f"{model_name}-notebook",
    version=stamp,
    description=f"{model_name} fine tuned for chat completion",
)
registered_model = workspace_ml_client.models.create_or_update(prepare_to_register_model)
tell("registered", name=registered_model.name, version=registered_model.version, outputs=list(ended.outputs))

# endpoint and deployment

endpoint_name = "notebook-" + stamp
endpoint = ManagedOnlineEndpoint(name=endpoint_name, description="of the notebook", auth_mode="key")
workspace_ml_client.begin_create_or_update(endpoint).wait()
deployment = ManagedOnlineDeployment(
    name="demo",
    endpoint_name=endpoint_name,
    model=registered_model.id,
    instance_type="STANDARD_NC4AS_T4_V3",
    instance_count=1,
    liveness_probe=ProbeSettings(initial_delay=600),
    request_settings=OnlineRequestSettings(request_timeout_ms=90000),
)
workspace_ml_client.online_deployments.begin_create_or_update(deployment).wait()
endpoint.traffic = {"demo": 100}
workspace_ml_client.begin_create_or_update(endpoint).result()
found = workspace_ml_client.online_endpoints.get(endpoint_name)
tell("endpoint", traffic=found.traffic, scoring_uri=found.scoring_uri)

# a question

with open("test.jsonl") as stream:
    question = json.loads(stream.readline())["messages"][0]["content"]
request = {
    "input_data": {
        "input_string": [[{"role": "user", "content": question}]],
        "parameters": {"temperature": 0.6, "top_p": 0.9, "do_sample": True, "max_new_tokens": 20},
    },
    "params": {},
}
with open("sample_score.json", "w") as stream:
    json.dump(request, stream)
deadline = time.monotonic() + 30
while True:
    try:
        response = workspace_ml_client.online_endpoints.invoke(
            endpoint_name=endpoint_name, deployment_name="demo", request_file="sample_score.json"
        )
        break
    except Exception:
        if time.monotonic() > deadline:
            raise
        time.sleep(1)
tell("answer", text=json.loads(response)["output"])
logs = workspace_ml_client.online_deployments.get_logs(name="demo", endpoint_name=endpoint_name, lines=50)
tell("logs", lines=len(logs.splitlines()))
keys = workspace_ml_client.online_endpoints.get_keys(endpoint_name)
tell("keys", two=bool(keys.primary_key and keys.secondary_key))

# away with it

workspace_ml_client.online_endpoints.begin_delete(name=endpoint_name).wait()
left = [each.name for each in workspace_ml_client.online_endpoints.list()]
tell("deleted", left=endpoint_name in left)
