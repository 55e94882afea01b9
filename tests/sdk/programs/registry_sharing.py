"""A model of one workspace is shared through a registry and served in another workspace, by azure-ai-ml alone."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from azure.ai.ml import Input, MLClient, command
from azure.ai.ml.dsl import pipeline
from azure.ai.ml.entities import (
    CodeConfiguration,
    CommandComponent,
    Data,
    Environment,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    Model,
    Registry,
    RegistryRegionDetails,
    SystemCreatedAcrAccount,
    SystemCreatedStorageAccount,
    Workspace,
)
from azure.ai.ml.exceptions import ValidationException
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import EnvironmentCredential

SCORE = """
import json, os
from pathlib import Path

def init():
    global words
    words = next(Path(os.environ["AZUREML_MODEL_DIR"]).rglob("words.txt")).read_text()

def run(raw):
    return {"said": words, "to": json.loads(raw)["to"]}
"""


def tell(cell: str, **values: Any) -> None:
    print(json.dumps({"cell": cell, **values}, default=str), flush=True)


def wait_for(client: MLClient, name: str) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        status = client.jobs.get(name).status
        if status in ("Completed", "Failed", "Canceled"):
            return str(getattr(status, "value", status))
        time.sleep(0.5)
    return "running"


subscription, group = os.environ["AZURE_SUBSCRIPTION_ID"], os.environ["AZURE_RESOURCE_GROUP"]
credential = EnvironmentCredential()
home = MLClient(credential, subscription, group, os.environ["AZURE_WORKSPACE_NAME"])

# two workspaces in two regions
for name, region in (("team-a", "eastus"), ("team-b", "westeurope")):
    home.workspaces.begin_create(Workspace(name=name, location=region, description=f"of {name}")).result()
tell("workspaces", names=sorted(each.name for each in home.workspaces.list()))
team_a = MLClient(credential, subscription, group, "team-a")
team_b = MLClient(credential, subscription, group, "team-b")

# a registry in both
details = [
    RegistryRegionDetails(
        location=region,
        storage_config=SystemCreatedStorageAccount(storage_account_hns=False, storage_account_type="Standard_LRS"),
        acr_config=[SystemCreatedAcrAccount(acr_account_sku="Premium")],
    )
    for region in ("eastus", "westeurope")
]
made = home.registries.begin_create(
    Registry(name="shared-models", location="eastus", replication_locations=details, tags={"of": "all"})
).result()
tell(
    "registry",
    name=made.name,
    regions=[each.location for each in made.replication_locations],
    listed=[each.name for each in home.registries.list()],
)
registry = MLClient(credential, registry_name="shared-models")

# team A registers a model and data, and shares them
folder = Path("words")
folder.mkdir()
(folder / "words.txt").write_text("hello from A")
model = team_a.models.create_or_update(Model(name="words", version="1", path=str(folder), tags={"by": "a"}))
rows = team_a.data.create_or_update(Data(name="rows", version="1", path=str(folder / "words.txt"), type="uri_file"))
plain = team_a.environments.create_or_update(Environment(name="plain", version="1", image="python:3.11"))
shared = team_a.models.share(
    "words", "1", share_with_name="words-shared", share_with_version="3", registry_name="shared-models"
)
tell("model", id=shared.id, tags=shared.tags, path=shared.path)
shared_rows = team_a.data.share(
    "rows", "1", share_with_name="rows", share_with_version="1", registry_name="shared-models"
)
shared_plain = team_a.environments.share(
    "plain", "1", share_with_name="plain", share_with_version="1", registry_name="shared-models"
)
tell("assets", data=shared_rows.id, environment=shared_plain.id, image=shared_plain.image)

# what is created in the registry itself
uploaded = registry.models.create_or_update(Model(name="uploaded", version="1", path=str(folder), type="custom_model"))
registry.environments.create_or_update(Environment(name="own", version="1", image="python:3.12"))
registry.data.create_or_update(Data(name="files", version="1", path=str(folder), type="uri_folder"))
Path("src").mkdir()
Path("src/step.py").write_text("print('a step')")
component = registry.components.create_or_update(
    CommandComponent(
        name="step",
        version="1",
        code="src",
        command="python step.py",
        environment="azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
    )
)
Path("src/other.py").write_text("print('another step')")
of_a = team_a.components.create_or_update(
    CommandComponent(name="of_a", version="2", code="src", command="python other.py", environment="azureml:plain:1")
)
brought = registry.components.create_or_update(team_a.components.get("of_a", "2"))
tell("brought", id=brought.id, code=brought.code, environment=brought.environment)
registry.models.download("words-shared", "3", download_path="down")
tell(
    "created",
    models=sorted(each.name for each in registry.models.list()),
    latest=registry.models.get("uploaded", label="latest").version,
    component=component.id,
    image=registry.environments.get("own", label="latest").image,
    data=registry.data.get("files", version="1").id,
    downloaded=[path.read_text() for path in Path("down").rglob("words.txt")],
)
registry.models.archive("uploaded", "1")
tell(
    "archived",
    active=[each.version for each in registry.models.list("uploaded")],
    stage=registry.models.get("uploaded", "1").stage,
)
try:
    team_a.models.share(
        "words", "1", share_with_name="words-shared", share_with_version="3", registry_name="shared-models"
    )
except ValidationException as error:
    tell("twice", error=type(error).__name__)
try:
    MLClient(credential, registry_name="azureml").models.create_or_update(
        Model(name="m", version="1", path=str(folder))
    )
except HttpResponseError as error:
    tell("public", status=error.status_code)

# team B serves it
Path("score").mkdir()
Path("score/score.py").write_text(SCORE)
endpoint = ManagedOnlineEndpoint(name="words-b", auth_mode="key")
served = team_b.online_endpoints.begin_create_or_update(endpoint).result()
team_b.online_deployments.begin_create_or_update(
    ManagedOnlineDeployment(
        name="blue",
        endpoint_name="words-b",
        model="azureml://registries/shared-models/models/words-shared/versions/3",
        environment="azureml://registries/shared-models/environments/plain/versions/1",
        code_configuration=CodeConfiguration(code="score", scoring_script="score.py"),
        instance_type="Standard_DS3_v2",
        instance_count=1,
    )
).result()
Path("request.json").write_text(json.dumps({"to": "b"}))
answer = team_b.online_endpoints.invoke("words-b", deployment_name="blue", request_file="request.json")
tell("answer", uri=served.scoring_uri, said=json.loads(answer))

# a job of team B takes the shared data; a workspace elsewhere takes nothing
job = team_b.jobs.create_or_update(
    command(
        command="cat ${{inputs.rows}}",
        environment="azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
        inputs={"rows": Input(type="uri_file", path="azureml://registries/shared-models/data/rows/versions/1")},
    )
)
status = wait_for(team_b, job.name)


@pipeline()
def stepping() -> None:
    registry.components.get("step", "1")()
    registry.components.get("of_a")()


steps = team_b.jobs.create_or_update(stepping(), compute="serverless")
tell("job", input=job.inputs["rows"].path, status=status, steps=wait_for(team_b, steps.name))
home.workspaces.begin_create(Workspace(name="team-c", location="japaneast")).result()
team_c = MLClient(credential, subscription, group, "team-c")
team_c.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name="words-c", auth_mode="key")).result()
try:
    team_c.online_deployments.begin_create_or_update(
        ManagedOnlineDeployment(
            name="blue",
            endpoint_name="words-c",
            model="azureml://registries/shared-models/models/words-shared/versions/3",
            environment="azureml://registries/shared-models/environments/plain/versions/1",
            code_configuration=CodeConfiguration(code="score", scoring_script="score.py"),
            instance_type="Standard_DS3_v2",
            instance_count=1,
        )
    ).result()
except HttpResponseError as error:
    tell("elsewhere", message=error.message)

# all is deleted
team_b.online_endpoints.begin_delete("words-b").result()
home.registries.begin_delete(name="shared-models").result()
for name in ("team-a", "team-b", "team-c"):
    home.workspaces.begin_delete(name, delete_dependent_resources=True).result()
try:
    home.workspaces.get("team-a")
except ResourceNotFoundError as error:
    tell("deleted", left=[each.name for each in home.workspaces.list()], code=error.error.code if error.error else "")
