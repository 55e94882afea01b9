"""Jobs that run commands, as tests submit them: bodies, blobs, code and components."""

from __future__ import annotations

import uuid
from typing import Any

from tests.emulator.client import Azure
from tests.emulator.test_job_submission import API, STORE, history, submit, wait

__all__ = [
    "COMMAND_API",
    "STD_LOG",
    "anonymous",
    "blob",
    "children",
    "code",
    "command",
    "log",
    "pipeline",
    "put_blob",
    "read",
    "run_command",
]

COMMAND_API = "2024-01-01-preview"
STD_LOG = "user_logs/std_log.txt"


def command(text: str, **more: Any) -> dict[str, Any]:
    """The body of a command job. more: further members of its properties."""
    return {
        "properties": {
            "jobType": "Command",
            "command": text,
            "environmentId": "azureml:AzureML-sklearn-1.5:1",
            "experimentName": "commands",
            "isArchived": False,
            **more,
        }
    }


def run_command(azure: Azure, name: str, text: str, **more: Any) -> dict[str, Any]:
    """The properties of a command job that has ended."""
    submit(azure, name, command(text, **more))
    found: dict[str, Any] = wait(azure, name)["properties"]
    return found


def log(azure: Azure, run: str, name: str = STD_LOG) -> str:
    return azure.session.get(history(azure, f"{run}/details")["logFiles"][name]).text


def children(azure: Azure, run: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = history(azure, f"{run}/children")["value"]
    return found


def _url(azure: Azure, store: str, path: str) -> str:
    properties = azure.call("GET", f"datastores/{store}", api="2024-10-01-preview").json()["properties"]
    return f"https://{properties['accountName']}.blob.core.windows.net/{properties['containerName']}/{path}"


def _headers(azure: Azure) -> dict[str, str]:
    return {"Authorization": f"Bearer {azure.token('https://storage.azure.com')}", "x-ms-version": "2025-01-05"}


def put_blob(azure: Azure, path: str, content: bytes) -> str:
    """Store a blob in the default datastore; returns its URI."""
    headers = {**_headers(azure), "x-ms-blob-type": "BlockBlob"}
    assert azure.session.put(_url(azure, "workspaceblobstore", path), data=content, headers=headers).status_code == 201
    return f"{STORE}/{path}"


def blob(azure: Azure, path: str, store: str = "workspaceblobstore") -> bytes | None:
    """A blob's content; None if it does not exist."""
    answer = azure.session.get(_url(azure, store, path), headers=_headers(azure))
    return answer.content if answer.status_code in (200, 206) else None


def read(azure: Azure, path: str, store: str = "workspaceblobstore") -> str:
    content = blob(azure, path, store)
    assert content is not None, path
    return content.decode()


def code(azure: Azure, **files: str) -> str:
    """Register a code asset of these files (`a_py` is a.py); returns its id."""
    name = str(uuid.uuid4())
    sent = azure.call("POST", f"codes/{name}/versions/1/startPendingUpload", {}, api="2023-04-01")
    place = sent.json()["blobReferenceForConsumption"]
    base, _, signature = place["credential"]["sasUri"].partition("?")
    for file, text in files.items():
        url = f"{base}/src/{file.replace('_py', '.py')}?{signature}"
        headers = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2025-01-05"}
        assert azure.session.put(url, data=text.encode(), headers=headers).status_code == 201
    body = {"properties": {"codeUri": f"{place['blobUri']}/src", "properties": {"hash_sha256": name}}}
    made = azure.call("PUT", f"codes/{name}/versions/1", body, api="2023-04-01")
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def anonymous(azure: Azure, text: str, **spec: Any) -> str:
    """Register an anonymous command component, or one of another type; returns its id."""
    body = {"type": "command", "command": text, "environment": "azureml:AzureML-sklearn-1.5:1", **spec}
    properties = {"componentSpec": body, "isAnonymous": True}
    path = f"components/azureml_anonymous/versions/{uuid.uuid4()}"
    made = azure.call("PUT", path, {"properties": properties}, api=API)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def pipeline(nodes: dict[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The body of a pipeline job. nodes: as they are sent, by name; `type` is command unless it is given."""
    jobs = {name: {"name": name, "type": "command", **node} for name, node in nodes.items()}
    return {"properties": {"jobType": "Pipeline", "experimentName": "pipelines", "jobs": jobs, **more}}
