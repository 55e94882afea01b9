"""Models of the stock MLflow client and of azure-ai-ml are the same models."""

import json
import os
from pathlib import Path

import mlflow
from azure.ai.ml import MLClient
from azure.ai.ml.entities import Model
from azure.identity import DefaultAzureCredential
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException


def tell(cell, **values):
    print(json.dumps({"cell": cell, **values}, default=str), flush=True)


def refusal(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except MlflowException as error:
        return str(error)
    return ""


class Shout(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str]) -> list[str]:
        return [f"{text}!" for text in model_input]


credential = DefaultAzureCredential()
workspace = MLClient.from_config(credential=credential)
address = workspace.workspaces.get(workspace.workspace_name).mlflow_tracking_uri
os.environ["MLFLOW_TRACKING_TOKEN"] = credential.get_token("https://management.azure.com/.default").token
mlflow.set_tracking_uri(address.replace("azureml://", "https://", 1))
client = MlflowClient()
mlflow.pyfunc.save_model("shout", python_model=Shout(), pip_requirements=["mlflow"])

# registered by MLflow from the artifacts of a run
with mlflow.start_run() as run:
    mlflow.log_artifacts("shout", "model")
version = mlflow.register_model(f"runs:/{run.info.run_id}/model", "from-mlflow", tags={"team": "a"})
client.update_model_version("from-mlflow", version.version, description="shouts")
client.set_model_version_tag("from-mlflow", version.version, "more", "yes")
client.transition_model_version_stage("from-mlflow", version.version, "Production")
seen = workspace.models.get("from-mlflow", "1")
tell(
    "seen",
    id=seen.id,
    type=seen.type,
    tags=seen.tags,
    description=seen.description,
    stage=seen.stage,
    flavors=sorted(seen.flavors),
    job=seen.job_name == run.info.run_id,
    listed=[each.name for each in workspace.models.list()],
    latest=workspace.models.get("from-mlflow", label="latest").version,
)
workspace.models.download("from-mlflow", "1", download_path="down")
tell("downloaded", files=sorted(path.name for path in Path("down").rglob("*") if path.is_file()))

# registered by azure-ai-ml, read by MLflow
made = workspace.models.create_or_update(
    Model(name="from-arm", path="shout", type="mlflow_model", description="of ARM", tags={"by": "arm"})
)
workspace.models.create_or_update(Model(name="from-arm", path="shout", type="mlflow_model"))
found = client.get_model_version("from-arm", "1")
loaded = mlflow.pyfunc.load_model("models:/from-arm/1")
tell(
    "loaded",
    says=loaded.predict(["hello"]),
    stage=found.current_stage,
    tags=found.tags,
    description=found.description,
    status=found.status,
    run=mlflow.pyfunc.load_model("models:/from-mlflow/Production").predict(["run"]),
)
tell(
    "searched",
    models=[each.name for each in client.search_registered_models()],
    like=[each.name for each in client.search_registered_models("name LIKE '%-arm'")],
    versions=[each.version for each in client.search_model_versions("name = 'from-arm'")],
    tagged=[each.name for each in client.search_model_versions("tags.by = 'arm'")],
    newest=[(each.version, each.current_stage) for each in client.get_latest_versions("from-arm")],
)

# archived by either
workspace.models.archive("from-arm", "2")
client.transition_model_version_stage("from-arm", "1", "Archived")
archived = workspace.models.get("from-arm", "1")
tell(
    "archived",
    stages=sorted({each.current_stage for each in client.search_model_versions("name = 'from-arm'")}),
    active=[each.version for each in workspace.models.list("from-arm")],
    stage=archived.stage,
)
client.transition_model_version_stage("from-arm", "1", "Staging", archive_existing_versions=True)
tell("restored", active=[each.version for each in workspace.models.list("from-arm")])

# by hand, and the refusals
client.create_registered_model("empty", tags={"a": "b"}, description="nothing yet")
copied = client.create_model_version("empty", "models:/from-arm/1")
client.delete_model_version("from-arm", "2")
client.delete_registered_model("from-mlflow")
tell(
    "ended",
    copied=copied.version,
    left=[each.name for each in client.search_registered_models()],
    versions=[each.version for each in workspace.models.list("from-arm")],
    twice=refusal(client.create_registered_model, "empty"),
    missing=refusal(client.get_model_version, "from-arm", "9"),
    nowhere=refusal(client.create_model_version, "empty", "runs:/none/model"),
    local=refusal(client.create_model_version, "empty", "file:///etc"),
    filter=refusal(client.search_registered_models, "name ~ 'x'"),
    alias=refusal(client.set_registered_model_alias, "empty", "best", "1"),
)
