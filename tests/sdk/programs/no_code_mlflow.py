"""From training to an answer without a scoring script: scikit-learn, MLflow and azure-ai-ml. It knows nothing of phift.

Needs: config.json (MLClient.from_config) in the working folder, into which the model is written.
Prints one JSON line a cell.
"""

import json
import time
import warnings
from pathlib import Path

import mlflow
import pandas
from azure.ai.ml import Input, MLClient, command
from azure.ai.ml.constants import AssetTypes
from azure.ai.ml.entities import ManagedOnlineDeployment, ManagedOnlineEndpoint, Model, OnlineRequestSettings
from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

TRAIN = """
import sys
import mlflow, pandas
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

table = pandas.read_csv(sys.argv[2])
rows, kinds = table[["length", "width"]], table["kind"]
mlflow.sklearn.save_model(
    LogisticRegression().fit(rows, kinds),
    "model",
    signature=infer_signature(rows, kinds),
    pip_requirements=["scikit-learn", "mlflow"],
)
mlflow.log_artifacts("model", "model")
"""


def tell(cell, **values):
    print(json.dumps({"cell": cell, **values}, default=str), flush=True)


# training

warnings.filterwarnings("ignore")
rows = pandas.DataFrame({"length": [1.0, 1.2, 1.4, 4.8, 5.0, 5.5], "width": [0.1, 0.3, 0.2, 1.9, 2.0, 2.2]})
kinds = pandas.Series([0, 0, 0, 1, 1, 1])
rows.assign(kind=kinds).to_csv("rows.csv", index=False)
classifier = LogisticRegression().fit(rows, kinds)
mlflow.sklearn.save_model(
    classifier, "model", signature=infer_signature(rows, kinds), pip_requirements=["scikit-learn", "mlflow"]
)
tell("trained", score=classifier.score(rows, kinds), files=sorted(path.name for path in Path("model").iterdir()))

# registration

client = MLClient.from_config(credential=DefaultAzureCredential())
registered = client.models.create_or_update(
    Model(name="iris-kinds", path="model", type=AssetTypes.MLFLOW_MODEL, description="Length and width to kind")
)
tell("registered", name=registered.name, version=registered.version, type=registered.type)

# deployment: a model, an instance type, and nothing else

endpoint_name = f"no-code-{int(time.time()) % 10_000_000}"
client.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=endpoint_name, auth_mode="key")).result()
deployment = ManagedOnlineDeployment(
    name="default",
    endpoint_name=endpoint_name,
    model=registered,
    instance_type="Standard_F4s_v2",
    instance_count=1,
    request_settings=OnlineRequestSettings(request_timeout_ms=60_000),
)
made = client.online_deployments.begin_create_or_update(deployment).result()
endpoint = client.online_endpoints.get(endpoint_name)
endpoint.traffic = {"default": 100}
client.begin_create_or_update(endpoint).result()
tell("deployed", state=made.provisioning_state, variables=made.environment_variables)


def ask(body, name=None):
    Path("request.json").write_text(json.dumps(body))
    return json.loads(
        client.online_endpoints.invoke(endpoint_name=endpoint_name, deployment_name=name, request_file="request.json")
    )


table = {"columns": ["length", "width"], "index": [0, 1], "data": [[1.1, 0.2], [5.1, 2.1]]}
tell("answer", kinds=ask({"input_data": table}), local=[int(each) for each in classifier.predict(rows)])
try:
    ask({"input_data": {"columns": ["length"], "data": [[1.0]]}})
except HttpResponseError as error:
    tell("refused", status=error.status_code, text=str(error))
logs = client.online_deployments.get_logs(name="default", endpoint_name=endpoint_name, lines=200)
tell("logs", missing="Model is missing inputs ['width']" in logs)

# the same model, logged by a job

Path("src").mkdir(exist_ok=True)
Path("src", "train.py").write_text(TRAIN)
trained = client.jobs.create_or_update(
    command(
        code="src",
        command="python train.py --rows ${{inputs.rows}}",
        inputs={"rows": Input(type="uri_file", path="rows.csv")},
        environment="azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
    )
)
client.jobs.stream(trained.name)
tell("job", status=client.jobs.get(trained.name).status)
logged = client.models.create_or_update(
    Model(
        name="iris-kinds-logged",
        path=f"azureml://jobs/{trained.name}/outputs/artifacts/paths/model/",
        type=AssetTypes.MLFLOW_MODEL,
    )
)
deployment.name, deployment.model = "logged", logged.id
client.online_deployments.begin_create_or_update(deployment).result()
tell("logged", version=logged.version, job=logged.job_name == trained.name, kinds=ask({"input_data": table}, "logged"))
client.online_endpoints.begin_delete(name=endpoint_name).result()
tell("deleted")
