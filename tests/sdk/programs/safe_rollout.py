"""What Azure's public notebook of safe rollout does, in its order. It knows nothing of phift.

Two models behind one endpoint: blue has the traffic; green is created, asked by name, gets a copy of a tenth of the
traffic, then a tenth of the traffic itself, then all of it; blue is deleted.

Needs: config.json (MLClient.from_config) in the working folder, into which the models and scripts are written.
Prints one JSON line a cell.
"""

import json
import time
from pathlib import Path

import requests
from azure.ai.ml import MLClient
from azure.ai.ml.entities import (
    CodeConfiguration,
    Environment,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    Model,
    OnlineRequestSettings,
)
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential

SCORE = """
import json, os
from pathlib import Path

def init():
    global factor
    folder = Path(os.environ["AZUREML_MODEL_DIR"])
    factor = json.loads(next(folder.rglob("model.json")).read_text())["factor"]

def run(raw_data):
    return [sum(row) * factor for row in json.loads(raw_data)["data"]]
"""


def tell(cell, **values):
    print(json.dumps({"cell": cell, **values}, default=str), flush=True)


for number, factor in ((1, 1), (2, 10)):
    folder = Path(f"model-{number}")
    (folder / "onlinescoring").mkdir(parents=True, exist_ok=True)
    (folder / "model").mkdir(exist_ok=True)
    (folder / "model" / "model.json").write_text(json.dumps({"factor": factor}))
    (folder / "onlinescoring" / "score.py").write_text(SCORE)
Path("conda.yaml").write_text("name: model-env\ndependencies: [python=3.11, {pip: [numpy]}]\n")
Path("sample-request.json").write_text(json.dumps({"data": [[1, 2, 3], [4, 5, 6]]}))

credential = DefaultAzureCredential()
ml_client = MLClient.from_config(credential=credential)
endpoint_name = f"rollout-{int(time.time()) % 10_000_000}"


def deployment(name, number, instances=1):
    return ManagedOnlineDeployment(
        name=name,
        endpoint_name=endpoint_name,
        model=Model(path=f"model-{number}/model/"),
        environment=Environment(
            conda_file="conda.yaml", image="mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:latest"
        ),
        code_configuration=CodeConfiguration(code=f"model-{number}/onlinescoring", scoring_script="score.py"),
        instance_type="Standard_DS3_v2",
        instance_count=instances,
        request_settings=OnlineRequestSettings(request_timeout_ms=60_000, max_concurrent_requests_per_instance=2),
    )


def ask(name):
    answer = ml_client.online_endpoints.invoke(
        endpoint_name=endpoint_name, deployment_name=name, request_file="sample-request.json"
    )
    return json.loads(answer)


def live():
    """The endpoint's own answer. `invoke` does not give it: azure-ai-ml 1.35.2 sends the name of the deployment that
    was last asked for with every later request of the process."""
    answer = requests.post(
        ml_client.online_endpoints.get(endpoint_name).scoring_uri,
        data=Path("sample-request.json").read_bytes(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        timeout=60,
    )
    assert answer.ok, answer.text
    return answer.json()


def requests_of(name):
    """How many requests a deployment has had, by status code, as Azure Monitor counts them."""
    endpoint = ml_client.online_endpoints.get(endpoint_name)
    answer = requests.get(
        f"https://management.azure.com{endpoint.id}/providers/Microsoft.Insights/metrics",
        params={
            "api-version": "2023-10-01",
            "metricnames": "RequestsPerMinute",
            "aggregation": "Total",
            "interval": "PT1M",
            "$filter": f"deployment eq '{name}' and statusCode eq '*'",
        },
        headers={"Authorization": f"Bearer {credential.get_token('https://management.azure.com/.default').token}"},
        timeout=60,
    )
    answer.raise_for_status()
    counts = {}
    for series in answer.json()["value"][0]["timeseries"]:
        status = next(each["value"] for each in series["metadatavalues"] if each["name"]["value"] == "statuscode")
        counts[status] = sum(point.get("total", 0) for point in series["data"])
    return counts


# the endpoint, and blue with all of its traffic

endpoint = ManagedOnlineEndpoint(name=endpoint_name, description="safe rollout", auth_mode="key", tags={"foo": "bar"})
ml_client.online_endpoints.begin_create_or_update(endpoint).result()
key = ml_client.online_endpoints.get_keys(endpoint_name).primary_key
ml_client.online_deployments.begin_create_or_update(deployment("blue", 1)).result()
endpoint.traffic = {"blue": 100}
ml_client.begin_create_or_update(endpoint).result()
tell("blue", answer=live(), traffic=ml_client.online_endpoints.get(endpoint_name).traffic)

scaled = ml_client.online_deployments.begin_create_or_update(deployment("blue", 1, 2)).result()
tell("scaled", instances=scaled.instance_count)

# green, without traffic

ml_client.online_deployments.begin_create_or_update(deployment("green", 2)).result()
tell("green", answer=ask("green"), live=live(), before=requests_of("green"))

# a copy of a tenth of the traffic

endpoint.mirror_traffic = {"green": 10}
ml_client.begin_create_or_update(endpoint).result()
mirrored = ml_client.online_endpoints.get(endpoint_name)
time.sleep(2)
before, sent = requests_of("green").get("200", 0), 0
while requests_of("green").get("200", 0) == before and sent < 400:
    for _ in range(20):
        assert live() == [6, 15]
        sent += 1
copies = requests_of("green").get("200", 0) - before
tell("mirrored", mirror=mirrored.mirror_traffic, traffic=mirrored.traffic, sent=sent, copies=copies)
try:
    endpoint.mirror_traffic = {"green": 60}
    ml_client.begin_create_or_update(endpoint).result()
except HttpResponseError as error:
    tell("refused", text=str(error))

# a tenth of the traffic itself, then all of it

endpoint.mirror_traffic = {"green": 0}
ml_client.begin_create_or_update(endpoint).result()
tell("ended", mirror=ml_client.online_endpoints.get(endpoint_name).mirror_traffic)
endpoint.traffic = {"blue": 90, "green": 10}
ml_client.begin_create_or_update(endpoint).result()
tell("canary", traffic=ml_client.online_endpoints.get(endpoint_name).traffic, answer=live() in ([6, 15], [60, 150]))
endpoint.traffic = {"blue": 0, "green": 100}
ml_client.begin_create_or_update(endpoint).result()
time.sleep(2)
tell("all", traffic=ml_client.online_endpoints.get(endpoint_name).traffic, answer=live())

# blue is no longer needed

ml_client.online_deployments.begin_delete(name="blue", endpoint_name=endpoint_name).result()
left = [each.name for each in ml_client.online_deployments.list(endpoint_name)]
tell("rolled_out", left=left, statuses=sorted({*requests_of("blue"), *requests_of("green")}))
ml_client.online_endpoints.begin_delete(name=endpoint_name).result()
try:
    ml_client.online_endpoints.get(endpoint_name)
except ResourceNotFoundError:
    tell("deleted", gone=True)
