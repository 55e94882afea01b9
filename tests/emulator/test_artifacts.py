"""The artifact service as raw REST programs and azureml-mlflow ask it. Jobs are rehearsed here."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from phift.emulator.host import lifecycle
from tests.emulator.client import Azure
from tests.emulator.test_job_nodes import children
from tests.emulator.test_job_submission import pipeline, put_data, served, submit, wait

__all__ = ["served"]
HOST = "eastus.api.azureml.ms"
EXECUTION_LOG = "logs/azureml/executionlogs.txt"


@pytest.fixture
def job(azure: Azure) -> str:
    put_data(azure)
    if azure.call("GET", "jobs/files", api="2024-01-01-preview").status_code == 404:
        submit(azure, "files", pipeline(max_steps="4"))
    assert wait(azure, "files")["properties"]["status"] == "Completed"
    return "files"


def ask(azure: Azure, route: str, body: Any = None, /, *, method: str = "", **query: str) -> requests.Response:
    """A request to the artifact service; route: absolute, or below its artifacts."""
    base = "" if route.startswith(("/history/", "/artifact/")) else f"/artifact/v2.0{azure.workspace}/artifacts"
    return azure.session.request(
        method or ("POST" if body else "GET"),
        f"https://{HOST}{base}{route}",
        params=query,
        headers={"Authorization": f"Bearer {azure.token()}"},
        **({"data": body} if isinstance(body, bytes) else {"json": body}),
    )


def paths(azure: Azure, container: str, **query: str) -> list[str]:
    """All artifacts of a container, read page after page by continuationToken, as raw REST programs do."""
    found: list[str] = []
    token = ""
    while True:
        page = ask(azure, f"/ExperimentRun/{container}", continuationToken=token, **query).json()
        found += [each["path"] for each in page["value"]]
        token = page["continuationToken"] or ""
        if not token:
            return found


def content(azure: Azure, uri: str) -> bytes:
    answer = azure.session.get(uri)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_a_jobs_log_is_listed_and_read_by_its_signed_url(azure: Azure, job: str) -> None:
    assert EXECUTION_LOG in paths(azure, f"dcid.{job}")
    [document] = ask(azure, f"/ExperimentRun/dcid.{job}", path="logs/azureml/exec").json()["value"]
    assert document["artifactId"] == f"ExperimentRun/dcid.{job}/{EXECUTION_LOG}"
    assert document["dataPath"]["dataStoreName"] == "workspaceartifactstore"
    information = ask(azure, f"/ExperimentRun/dcid.{job}/contentinfo", path=EXECUTION_LOG).json()
    text = content(azure, information["contentUri"])
    assert b"The pipeline run is Completed" in text
    assert ask(azure, f"/ExperimentRun/dcid.{job}/content", path=EXECUTION_LOG).content == text
    older = ask(azure, f"/content/ExperimentRun/dcid.{job}/{EXECUTION_LOG}")
    assert older.content == text, "the path in the URL, as older clients send it"
    older = ask(azure, f"/contentinfo/ExperimentRun/dcid.{job}/{quote(EXECUTION_LOG)}")
    assert older.json()["path"] == EXECUTION_LOG


def test_run_history_shows_the_same_files(azure: Azure, job: str) -> None:
    [node] = children(azure, job)
    step = children(azure, node["runId"])[-1]
    base = f"/history/v1.0{azure.workspace}/experiments/tests/runs/{step['runId']}/artifacts"
    listed = ask(azure, base).json()["value"]
    assert [each["path"] for each in listed] == ["user_logs/std_log.txt"]
    information = ask(azure, f"{base}/contentinfo", path="user_logs/std_log.txt").json()
    assert content(azure, information["contentUri"]) == content(
        azure, ask(azure, f"{base}/artifacturi/user_logs/std_log.txt").json()
    )
    [under] = ask(azure, f"{base}/prefix/contentinfo/user_logs/").json()["value"]
    assert under["path"] == "user_logs/std_log.txt"
    missing = ask(azure, f"{base}/contentinfo", path="nothing.txt")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "UserError")
    nobody = ask(azure, base.replace(step["runId"], "nobody"))
    assert nobody.status_code == 404


def test_a_reused_step_shows_the_files_of_the_run_that_it_reuses(azure: Azure) -> None:
    put_data(azure)
    body = pipeline(max_steps="5")
    del body["properties"]["settings"]["force_rerun"]
    for name in ("original", "again"):
        submit(azure, name, body)
        wait(azure, name)
    step = children(azure, children(azure, "again")[0]["runId"])[0]
    assert step["properties"]["azureml.isreused"] == "true"
    base = f"/history/v1.0{azure.workspace}/experimentids/{step['experimentId']}/runs/{step['runId']}/artifacts"
    [log] = ask(azure, base).json()["value"]
    assert log["container"] == step["dataContainerId"]


def test_files_are_announced_and_then_uploaded_as_the_plug_in_does(azure: Azure, job: str) -> None:
    from azure.storage.blob import BlobClient

    names = ["outputs/a.txt", "outputs/b c.txt"]
    body = {"paths": [{"path": name, "tags": {"of": "a test"}} for name in names]}
    result = ask(azure, f"/ExperimentRun/dcid.{job}/batch/metadata", body).json()
    assert (list(result["artifacts"]), result["errors"]) == (names, {})
    assert set(names) <= set(paths(azure, f"dcid.{job}"))
    assert ask(azure, f"/ExperimentRun/dcid.{job}/content", path=names[0]).status_code == 404, "nothing is there yet"
    for name in names:
        uri = result["artifactContentInformation"][name]["contentUri"]
        client = BlobClient.from_blob_url(
            uri, proxies=azure.session.proxies, connection_verify=azure.connection.ca_file
        )
        client.upload_blob(name.encode())
    for name in names:
        information = ask(azure, f"/ExperimentRun/dcid.{job}/contentinfo", path=name).json()
        assert (content(azure, information["contentUri"]), information["tags"]) == (name.encode(), {"of": "a test"})
    again = ask(azure, f"/ExperimentRun/dcid.{job}/batch/metadata", body).json()
    assert again["errors"][names[0]]["error"]["message"] == (
        f"Resource Conflict: ArtifactId ExperimentRun/dcid.{job}/{names[0]} already exists."
    )


def test_pages_follow_by_token_and_by_link(azure: Azure) -> None:
    for number in range(5):
        answer = ask(azure, "/ExperimentRun/dcid.paged/content", str(number).encode(), path=f"f{number}.txt")
        assert answer.status_code == 200, answer.text
    names = [f"f{number}.txt" for number in range(5)]
    assert paths(azure, "dcid.paged", pageSize="2") == names
    page = ask(azure, "/ExperimentRun/dcid.paged", pageSize="3").json()
    following = azure.session.get(page["nextLink"], headers={"Authorization": f"Bearer {azure.token()}"}).json()
    assert [each["path"] for each in page["value"] + following["value"]] == names
    assert (following["nextLink"], following["continuationToken"]) == (None, None)
    assert paths(azure, "dcid.nobody") == [], "a container that does not exist is empty"


def test_ids_are_looked_up_together(azure: Azure, job: str) -> None:
    known, unknown = f"ExperimentRun/dcid.{job}/{EXECUTION_LOG}", "ExperimentRun/dcid.none/x"
    result = ask(azure, "/batch/metadata", {"artifactIds": [known, unknown, "short"]}).json()
    assert list(result["artifacts"]) == [known]
    assert "sig=" in result["artifactContentInformation"][known]["contentUri"]
    assert list(result["errors"]) == [unknown, "short"]
    plain = ask(azure, "/storageuri/batch/metadata", {"artifactIds": [known]}).json()
    assert "sig=" not in plain["artifactContentInformation"][known]["contentUri"]


def test_an_upload_in_the_place_of_another_is_refused_unless_it_is_allowed(azure: Azure) -> None:
    def upload(data: str, **query: str) -> requests.Response:
        return ask(azure, "/LocalUpload/mine/content", data.encode(), path="x.txt", **query)

    assert upload("1").status_code == 200
    assert upload("2").status_code == 409
    assert upload("3", allowOverwrite="true").status_code == 200
    assert ask(azure, "/LocalUpload/mine/content", path="x.txt").content == b"3"


def test_an_artifact_registered_with_a_data_path_is_read_from_there(azure: Azure) -> None:
    put_data(azure)
    place = {"dataStoreName": "workspaceblobstore", "relativePath": "data/train.jsonl"}
    body = {"origin": "Dataset", "container": "mine", "path": "t.jsonl", "dataPath": place}
    assert ask(azure, "/register", body).json()["dataPath"]["dataStoreName"] == "workspaceblobstore"
    assert b'"messages"' in ask(azure, "/Dataset/mine/content", path="t.jsonl").content
    body["dataPath"] = {"dataStoreName": "none", "relativePath": "x"}
    assert ask(azure, "/register", {**body, "path": "u"}).status_code == 404
    assert ask(azure, "/Dataset/mine/metadata", path="u").status_code == 404, "a refused one is not kept"
    assert ask(azure, "/Dataset/mine/batch", method="DELETE").status_code == 501


def test_announced_artifacts_outlive_the_process(home: Path) -> None:
    azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    body = {"paths": [{"path": "kept.txt"}]}
    assert ask(azure, "/ExperimentRun/dcid.kept/batch/metadata", body).status_code == 200
    azure.admin("POST", "/faults", {"pattern": "^GET .*dcid.kept", "kill": True})
    with pytest.raises(requests.RequestException):
        ask(azure, "/ExperimentRun/dcid.kept")
    assert paths(Azure(lifecycle.ensure(home, idle_seconds=600)), "dcid.kept") == ["kept.txt"]
