"""Shared by tests of online endpoints: models made without training, documents and requests as clients send them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import requests

from phift.emulator.runtime.foundation import WEIGHTS
from tests.emulator.client import Azure

API = "2023-04-01-preview"
SIZE = "Standard_F4s_v2"
MLMODEL = """\
flavors:
  python_function: {loader_module: mlflow.transformers}
  transformers: {components: [tokenizer], model_binary: model, task: text-generation, inference_task: llm/v1/chat}
"""
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def model_files() -> dict[str, bytes]:
    """The stand-in as an MLflow model, by relative name."""
    files = {"MLmodel": MLMODEL.encode()}
    for path in WEIGHTS.iterdir():
        if path.suffix in (".json", ".jinja", ".safetensors"):
            folder = "components/tokenizer" if path.name in _TOKENIZER else "model"
            files[f"{folder}/{path.name}"] = path.read_bytes()
    return files


def write_model(folder: Path) -> Path:
    for name, content in model_files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


class Serving:
    """Online endpoints over HTTP."""

    def __init__(self, azure: Azure) -> None:
        self.azure = azure
        datastore = azure.call("GET", "datastores/workspaceblobstore", api="2024-07-01-preview").json()["properties"]
        self._blobs = f"https://{datastore['accountName']}.blob.core.windows.net/{datastore['containerName']}"

    # assets

    def upload(self, prefix: str, files: dict[str, bytes]) -> None:
        token = self.azure.token("https://storage.azure.com")
        headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2024-11-04", "x-ms-blob-type": "BlockBlob"}
        for name, content in files.items():
            url = f"{self._blobs}/{prefix}/{name}"
            answer = self.azure.session.put(url, data=content, headers=headers)
            assert answer.status_code == 201, answer.text

    def model(self, name: str, files: dict[str, bytes] | None = None, kind: str = "mlflow_model") -> str:
        """Registers version 1; its id."""
        self.upload(f"models/{name}", model_files() if files is None else files)
        uri = f"azureml://datastores/workspaceblobstore/paths/models/{name}"
        body = {"properties": {"modelType": kind, "modelUri": uri}}
        answer = self.azure.call("PUT", f"models/{name}/versions/1", body, api="2023-08-01-preview")
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["id"])

    def code(self, name: str, script: str) -> str:
        """Registers a code asset with one script, score.py; its id."""
        self.upload(f"code/{name}", {"score.py": script.encode()})
        body = {"properties": {"codeUri": f"{self._blobs}/code/{name}"}}
        answer = self.azure.call("PUT", f"codes/{name}/versions/1", body, api="2023-04-01")
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["id"])

    # control plane

    def put_endpoint(self, name: str, *, api: str = API, mode: str = "Key", **properties: Any) -> requests.Response:
        body = {
            "location": "eastus",
            "identity": {"type": "SystemAssigned"},
            "tags": {"a": "b"},
            "properties": {"authMode": mode, "properties": {"mine": "1"}, **properties},
        }
        return self.azure.call("PUT", f"onlineEndpoints/{name}", body, api=api)

    def endpoint(self, name: str, **properties: Any) -> dict[str, Any]:
        """Made or changed, and waited for; its document."""
        self.ok(self.put_endpoint(name, **properties))
        return self.get(name)

    def get(self, name: str, deployment: str = "", api: str = API) -> dict[str, Any]:
        path = f"onlineEndpoints/{name}" + (f"/deployments/{deployment}" if deployment else "")
        answer = self.azure.call("GET", path, api=api)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def put_deployment(
        self, endpoint: str, name: str, model: str, *, size: str = SIZE, capacity: int = 1, **properties: Any
    ) -> requests.Response:
        body = {
            "location": "eastus",
            "tags": {},
            "properties": {"endpointComputeType": "Managed", "instanceType": size, "model": model, **properties},
            "sku": {"name": "Default", "capacity": capacity},
        }
        return self.azure.call("PUT", f"onlineEndpoints/{endpoint}/deployments/{name}", body, api=API)

    def deployment(self, endpoint: str, name: str, model: str, **more: Any) -> dict[str, Any]:
        """Made or changed, and waited for; its document."""
        self.ok(self.put_deployment(endpoint, name, model, **more))
        return self.get(endpoint, name)

    def ok(self, started: requests.Response, seconds: float = 120.0) -> None:
        """Waits for an operation that is to succeed."""
        assert started.status_code in (200, 201, 202), started.text
        document = self.azure.wait(started, seconds)
        assert document["status"] == "Succeeded", document

    def failed(self, started: requests.Response, seconds: float = 120.0) -> dict[str, Any]:
        """Waits for an operation that is to fail; its error."""
        assert started.status_code in (200, 201, 202), started.text
        document = self.azure.wait(started, seconds)
        assert document["status"] == "Failed", document
        error: dict[str, Any] = document["error"]
        return error

    def delete(self, path: str) -> requests.Response:
        return self.azure.call("DELETE", f"onlineEndpoints/{path}", api=API)

    def logs(self, endpoint: str, name: str, **body: Any) -> str:
        answer = self.azure.call("POST", f"onlineEndpoints/{endpoint}/deployments/{name}/getLogs", body, api=API)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["content"])

    def key(self, endpoint: str) -> str:
        answer = self.azure.call("POST", f"onlineEndpoints/{endpoint}/listKeys", api=API)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["primaryKey"])

    # data plane

    def score(
        self, endpoint: str, body: Any, *, key: str | None = None, deployment: str = "", **headers: str
    ) -> requests.Response:
        sent = {"Authorization": f"Bearer {self.key(endpoint) if key is None else key}", **headers}
        if deployment:
            sent["azureml-model-deployment"] = deployment
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        sent.setdefault("Content-Type", "application/json")
        return self.azure.session.post(
            f"https://{endpoint}.eastus.inference.ml.azure.com/score", data=data, headers=sent
        )


def chat(text: str, **parameters: Any) -> dict[str, Any]:
    message = {"role": "user", "content": text}
    return {"input_data": {"input_string": [message], "parameters": {"max_new_tokens": 16, **parameters}}, "params": {}}


def refused(answer: requests.Response) -> dict[str, Any]:
    """The problem inside the envelope of a 400 of online endpoints."""
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["code"] == "BadRequest"
    assert error["details"][0]["code"].startswith("InferencingClient")
    document: dict[str, Any] = json.loads(error["details"][0]["message"])
    assert document["title"] == "One or more validation errors occurred."
    return document


def until(condition: Any, seconds: float = 60.0) -> Any:
    """Waits for a true value and returns it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("not in time")
