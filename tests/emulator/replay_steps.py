"""What must be there before a recorded request makes sense: steps that entries name under `given`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tests.emulator.replay import ENTRIES, Replay
from tests.emulator.serving import model_files

__all__ = ["STEPS", "prepare"]

STORE = "azureml://datastores/workspaceblobstore/paths"
_SECONDS = 60.0
_ENDED = {"Completed", "Failed", "Canceled"}

Step = Callable[[Replay, dict[str, Any]], None]


def prepare(replay: Replay, entry: dict[str, Any]) -> None:
    """Takes the entry's steps, in order."""
    for name in entry.get("given", []):
        if name in STEPS:
            STEPS[name](replay, entry)
            continue
        earlier = ENTRIES[name]
        replay.send(earlier)
        assert replay.answer.status_code == earlier["status"], f"{name}: {replay.answer.text}"


def _call(replay: Replay, method: str, path: str, body: Any = None, *, api: str, **more: Any) -> Any:
    answer = replay.azure.call(method, path, replay.filled(body), api=api, **more)
    assert answer.status_code < 300, answer.text
    return answer


def _blob(replay: Replay, path: str, content: bytes) -> None:
    headers = {
        "Authorization": f"Bearer {replay.azure.token('https://storage.azure.com')}",
        "x-ms-blob-type": "BlockBlob",
        "x-ms-version": "2026-02-06",
    }
    url = f"https://{replay['account']}.blob.core.windows.net/{replay['container']}/{path}"
    assert replay.azure.session.put(url, data=content, headers=headers).status_code == 201


def _until(ask: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if found := ask():
            return found
        time.sleep(0.02)
    raise AssertionError("not in time")


# blobs


def sas(replay: Replay, entry: dict[str, Any]) -> None:
    secrets = _call(
        replay,
        "POST",
        "datastores/workspaceblobstore/listSecrets",
        {"expirableSecret": True, "expireAfterHours": 1},
        api="2024-07-01-preview",
    )
    replay.variables["sas"] = secrets.json()["sasToken"]


def shared_key_off(replay: Replay, entry: dict[str, Any]) -> None:
    replay.azure.admin("PUT", "/storage", {"allowSharedKeyAccess": False})


# assets


def same_request(replay: Replay, entry: dict[str, Any]) -> None:
    assert replay.send(entry).status_code == entry["status"], replay.answer.text


def only_this(replay: Replay, entry: dict[str, Any]) -> None:
    """An empty workspace."""
    replay.azure.admin("POST", "/reset")


def code(replay: Replay, entry: dict[str, Any]) -> None:
    """A code asset: the place is asked for, one script put there, the version registered by its hash."""
    name = replay["code"]
    pending = _call(
        replay,
        "POST",
        f"codes/{name}/versions/1/startPendingUpload",
        {"pendingUploadType": "TemporaryBlobReference"},
        api="2023-04-01",
    ).json()["blobReferenceForConsumption"]
    base, _, signature = pending["credential"]["sasUri"].partition("?")
    script = b"def init():\n    pass\n\ndef run(data):\n    return [1.5, 2.5]\n"
    headers = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2026-02-06", "If-None-Match": "*"}
    answer = replay.azure.session.put(f"{base}/onlinescoring/score.py?{signature}", data=script, headers=headers)
    assert answer.status_code == 201, answer.text
    body = {
        "properties": {
            "properties": {"hash_sha256": "{hash}", "hash_version": "202208"},
            "isAnonymous": True,
            "isArchived": False,
            "codeUri": f"{pending['blobUri']}/onlinescoring",
        }
    }
    _call(replay, "PUT", f"codes/{name}/versions/1", body, api="2023-04-01")


def environment(replay: Replay, entry: dict[str, Any]) -> None:
    body = {"properties": {"image": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04", "isAnonymous": False}}
    _call(replay, "PUT", f"environments/{replay['environment']}/versions/1", body, api="2023-04-01-preview")


def anonymous_environment(replay: Replay, entry: dict[str, Any]) -> None:
    body = {"properties": {"image": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04", "isAnonymous": True}}
    path = f"environments/CliV2AnonymousEnvironment/versions/{replay['hash32']}"
    _call(replay, "PUT", path, body, api="2023-04-01-preview")


def model(replay: Replay, entry: dict[str, Any]) -> None:
    name = replay["model"]
    for file, content in model_files().items():
        _blob(replay, f"models/{name}/{file}", content)
    body = {"properties": {"modelType": "mlflow_model", "modelUri": f"{STORE}/models/{name}"}}
    _call(replay, "PUT", f"models/{name}/versions/1", body, api="2023-08-01-preview")


def anonymous_model(replay: Replay, entry: dict[str, Any]) -> None:
    body = {"properties": {"modelType": "custom_model", "modelUri": f"{STORE}/x", "isAnonymous": True}}
    _call(replay, "PUT", f"models/{replay['hash32']}/versions/1", body, api="2023-08-01-preview")


def component(replay: Replay, entry: dict[str, Any], command: str = "echo") -> None:
    spec = {
        "name": "{component}",
        "version": "1",
        "type": "command",
        "command": command,
        "environment": "azureml:AzureML-sklearn-1.5:1",
        "inputs": {"component_in_number": {"type": "number", "default": 10.99}},
        "outputs": {"component_out_path_1": {"type": "uri_folder"}},
    }
    body = {"properties": {"componentSpec": spec}}
    _call(replay, "PUT", f"components/{replay['component']}/versions/1", body, api="2024-01-01-preview")


def failing_component(replay: Replay, entry: dict[str, Any]) -> None:
    """The recorded jobs failed for want of an image, which nothing here builds."""
    component(replay, entry, "exit 1")


def registered_component(replay: Replay, entry: dict[str, Any]) -> None:
    """The component that the entry is going to read, with its scalars as a client sends them."""
    spec = {
        "$schema": "https://azuremlschemas.azureedge.net/development/commandComponent.schema.json",
        "name": "{name}",
        "version": "1",
        "display_name": "CommandComponentBasic",
        "is_deterministic": True,
        "type": "command",
        "description": "This is the basic command component",
        "tags": {"tag": "tagvalue", "owner": "sdkteam"},
        "inputs": {"component_in_number": {"type": "number", "default": 10.99, "description": "A number"}},
        "code": "azureml:{WS}/codes/{guid}/versions/1",
        "environment": "azureml:{WS}/environments/{guid}/versions/1",
        "command": "echo Hello World & echo ${{inputs.component_in_number}}",
        "_source": "YAML.COMPONENT",
    }
    properties = {
        "properties": {"client_component_hash": "{guid}"},
        "tags": {"tag": "tagvalue", "owner": "sdkteam"},
        "isAnonymous": False,
        "isArchived": False,
        "componentSpec": spec,
    }
    _call(
        replay, "PUT", f"components/{replay['name']}/versions/1", {"properties": properties}, api="2024-01-01-preview"
    )


# compute and jobs


def compute(replay: Replay, entry: dict[str, Any]) -> None:
    properties = {"vmSize": "Standard_DS3_v2", "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 2}}
    body = {"location": "eastus", "properties": {"computeType": "AmlCompute", "properties": properties}}
    _call(replay, "PUT", f"computes/{replay['compute']}", body, api="2023-08-01-preview")
    path = f"computes/{replay['compute']}"
    _until(lambda: _call(replay, "GET", path, api="2023-08-01-preview").json()["properties"]["computeLocation"])


def faithful_pace(replay: Replay, entry: dict[str, Any]) -> None:
    replay.azure.admin("PUT", "/settings", {"pace": "faithful"})


def settled(replay: Replay, entry: dict[str, Any]) -> None:
    """The last operation has succeeded."""
    document = replay.azure.wait(replay.answer, _SECONDS)
    assert document["status"] == "Succeeded", document


def training_data(replay: Replay, entry: dict[str, Any]) -> None:
    """Of each replay its own, or what one has trained would be reused by the next."""
    answer = {"role": "assistant", "content": replay["name"]}
    row = json.dumps({"messages": [{"role": "user", "content": "Hi"}, answer]})
    _blob(replay, "recorded/train.jsonl", row.encode() + b"\n")


def failing_training(replay: Replay, entry: dict[str, Any]) -> None:
    earlier = ENTRIES["training"]
    tags = {"rehearsal.fail": "chat_completion_finetune: out of memory"}
    properties = {**earlier["request"]["body"]["properties"], "tags": tags}
    replay.send({"request": {**earlier["request"], "body": {"properties": properties}}})
    assert replay.answer.status_code == 201, replay.answer.text


def _status(replay: Replay) -> str:
    document = _call(replay, "GET", f"jobs/{replay['name']}", api="2024-01-01-preview").json()
    return str(document["properties"]["status"])


def running(replay: Replay, entry: dict[str, Any]) -> None:
    _until(lambda: _status(replay) == "Running")


def begun(replay: Replay, entry: dict[str, Any]) -> None:
    _until(lambda: _status(replay) not in ("NotStarted", "Starting"))


def ended(replay: Replay, entry: dict[str, Any]) -> None:
    _until(lambda: _status(replay) in _ENDED)


def _children(replay: Replay, run: str) -> list[dict[str, Any]]:
    path = f"/history/v1.0{replay['WS']}/runs/{run}/children"
    answer = _call(replay, "GET", path, api="v1.0", host=f"{replay['location']}.api.azureml.ms")
    found: list[dict[str, Any]] = answer.json()["value"]
    return found


def child(replay: Replay, entry: dict[str, Any]) -> None:
    replay.variables["child"] = _children(replay, replay["name"])[0]["runId"]


def inner_child(replay: Replay, entry: dict[str, Any]) -> None:
    """The run whose children are steps."""
    replay.variables["parent"] = _children(replay, replay["name"])[0]["runId"]


def reused_step(replay: Replay, entry: dict[str, Any]) -> None:
    """The training again, under another name; the last step of either."""
    original = _children(replay, _children(replay, replay["name"])[0]["runId"])[-1]
    replay.variables |= {"original": original["runId"], "earlier": replay["name"], "name": replay["again"]}
    replay.send(ENTRIES["training"])
    ended(replay, entry)
    [node] = _children(replay, replay["name"])
    replay.variables |= {"node": node["runId"], "child": _children(replay, node["runId"])[-1]["runId"]}


def output_asset(replay: Replay, entry: dict[str, Any]) -> None:
    path = f"/history/v1.0{replay['WS']}/rundata"
    host = f"{replay['location']}.api.azureml.ms"
    answer = _call(replay, "POST", path, {"runId": "{name}", "selectRunMetadata": True}, api="v1.0", host=host)
    outputs = answer.json()["runMetadata"]["outputs"]
    replay.variables["asset"] = outputs["job_out_path_1"]["assetId"]


# serving


def plain_endpoint(replay: Replay, entry: dict[str, Any]) -> None:
    _endpoint(replay, replay["name"])


def served_endpoint(replay: Replay, entry: dict[str, Any]) -> None:
    _endpoint(replay, replay["endpoint"])
    settled(replay, entry)


def _endpoint(replay: Replay, name: str, **traffic: Any) -> None:
    body = {
        "location": "{location}",
        "tags": {},
        "identity": {"type": "SystemAssigned"},
        "properties": {"authMode": "Key", "properties": {}, **traffic},
    }
    replay.answer = _call(replay, "PUT", f"onlineEndpoints/{name}", body, api="2022-02-01-preview")


def all_traffic(replay: Replay, entry: dict[str, Any]) -> None:
    _endpoint(replay, replay["endpoint"], traffic={replay["name"]: 100})
    settled(replay, entry)


def endpoint_key(replay: Replay, entry: dict[str, Any]) -> None:
    path = f"onlineEndpoints/{replay['endpoint']}/listKeys"
    replay.variables["key"] = _call(replay, "POST", path, api="2022-02-01-preview").json()["primaryKey"]


def created_registry(replay: Replay, entry: dict[str, Any]) -> None:
    path = "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.MachineLearningServices/registries/{registry}"
    body = {"location": "{location}", "properties": {"regionDetails": [{"location": "{location}"}]}}
    started = _call(replay, "PUT", replay.filled(path), body, api="2022-10-01-preview")
    assert replay.azure.wait(started)["status"] == "Succeeded"


_FUNCTIONS = (
    created_registry,
    sas,
    shared_key_off,
    same_request,
    only_this,
    code,
    environment,
    anonymous_environment,
    model,
    anonymous_model,
    component,
    failing_component,
    registered_component,
    compute,
    faithful_pace,
    settled,
    training_data,
    failing_training,
    running,
    begun,
    ended,
    child,
    inner_child,
    reused_step,
    output_asset,
    plain_endpoint,
    served_endpoint,
    all_traffic,
    endpoint_key,
)
STEPS: dict[str, Step] = {step.__name__.replace("_", " "): step for step in _FUNCTIONS}
"""By the name that entries use."""
assert not set(STEPS) & (set(ENTRIES) - {"code", "environment", "model", "component", "compute"})
