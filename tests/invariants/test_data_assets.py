"""Data that exists in the workspace as a source of rows: read, prepared and uploaded as phift's own; never written."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support import Project, actions, row, writes

from phift import phases
from phift.azure.session import Azure
from phift.azure.stores import WorkspaceStores
from phift.data.blobs import blob_files
from phift.errors import AzureError, InvalidSpecError, PhiftError, RefusedError, StalePlanError
from phift.lock import read_lock
from phift.spec import DatastoreRef

CSV = "question,answer\nWhat is 1?,one\nWhat is 2?,two\n"


def rows(word: str, count: int = 3) -> str:
    return "".join(row(f"{word} {n}?", str(n), n) + "\n" for n in range(count))


class Outsider:
    """Somebody else in the workspace: uploads files and registers data assets by the service's API."""

    def __init__(self, azure: Azure, folder: str) -> None:
        self.azure = azure
        self.folder = f"others/{folder}"

    def upload(self, name: str, text: str) -> str:
        path = f"{self.folder}/{name}"
        self.azure.blobs.put(path, text.encode())
        return path

    def upload_without_md5(self, name: str, text: str) -> str:
        """In blocks, as uploaders of large files do: the service then keeps no MD5."""
        path = f"{self.folder}/{name}"
        block = base64.b64encode(b"block-0").decode()
        store, body = self.azure.blobs, text.encode()
        store.request("PUT", path, query={"comp": "block", "blockid": block}, content=body)
        listed = f"<BlockList><Latest>{block}</Latest></BlockList>".encode()
        store.request("PUT", path, query={"comp": "blocklist"}, content=listed)
        return path

    def register(self, name: str, version: str, kind: str, path: str, store: str = "workspaceblobstore") -> str:
        uri = path if "://" in path else f"azureml://datastores/{store}/paths/{path}"
        body = {"properties": {"dataType": kind, "dataUri": uri}}
        self.azure.arm.put(f"{self.azure.workspace.arm_id}/data/{name}/versions/{version}", "2024-10-01", body)
        return f"azureml:{name}:{version}"

    def state(self, name: str, version: str) -> tuple[Any, list[tuple[str, str]]]:
        """The asset's document and the blobs of the folder, to see that nobody touched them."""
        document = self.azure.arm.get(f"{self.azure.workspace.arm_id}/data/{name}/versions/{version}", "2024-10-01")
        blobs = self.azure.blobs
        heads = {path: blobs.head(path) for path in blobs.list(self.folder)}
        return document, [(path, head["etag"]) for path, head in heads.items() if head]


@pytest.fixture
def outsider(project: Project) -> Outsider:
    return Outsider(project.embedded.azure(), project.stack)


def trains_on(project: Project, source: str) -> None:
    project.edit("train: {path: train.jsonl}", f"train: {source}")


def test_the_life_of_a_stack_on_an_asset(project: Project, outsider: Outsider) -> None:
    name = f"{project.stack}-qa"
    asset = outsider.register(name, "1", "uri_file", outsider.upload("qa.jsonl", rows("first")))
    before = outsider.state(name, "1")
    trains_on(project, f"{{asset: {asset}}}")

    plan = project.plan()
    assert actions(plan)["data.train"] == "create"
    train = next(r for r in plan.resources if str(r.address) == "data.train")
    assert train.details["source"] == asset
    project.applied()
    assert not project.plan().changes_something

    # The rows are phift's own, and the training reads those.
    azure = project.embedded.azure()
    (job,) = project.jobs()
    document = azure.arm.get(f"{azure.workspace.arm_id}/jobs/{job['name']}", "2024-10-01")
    assert "/others/" not in str(document["properties"])
    assert outsider.state(name, "1") == before

    outsider.upload("qa.jsonl", rows("second"))
    changed = actions(project.plan())
    assert changed["data.train"] == "create"
    assert changed["job.finetune"] == "run"

    outsider.upload("qa.jsonl", rows("first"))  # the same bytes, uploaded again
    assert not project.plan().changes_something
    after = outsider.state(name, "1")
    mark = project.embedded.mark()
    project.destroy(archive=True)
    assert outsider.state(name, "1") == after
    touched = [w for w in writes(project.embedded.since(mark)) if name in w or "/others/" in w]
    assert touched == []


def test_a_plan_reads_properties_and_the_head_alone(project: Project, outsider: Outsider) -> None:
    asset = outsider.register(f"{project.stack}-big", "1", "uri_file", outsider.upload("big.jsonl", rows("q", 40_000)))
    trains_on(project, asset)
    mark = project.embedded.mark()
    project.plan()
    reads = [r for r in project.embedded.since(mark) if "/others/" in r["path"]]
    assert sorted(r["method"] for r in reads) == ["GET", "HEAD"]


@pytest.mark.parametrize("kind", ["uri_folder", "mltable"])
def test_a_folder_is_its_files_in_order_of_name(project: Project, outsider: Outsider, kind: str) -> None:
    outsider.upload("b.csv", CSV.replace("What", "Which"))
    outsider.upload("a.csv", CSV)
    outsider.upload("_SUCCESS", "")
    outsider.upload("notes.txt", "not data")
    if kind == "mltable":
        table = "paths:\n  - pattern: ./*.csv\ntransformations:\n  - read_delimited:\n      delimiter: ','\n"
        outsider.upload("MLTable", table + "      encoding: utf8\n      header: all_files_same_headers\n")
    asset = outsider.register(f"{project.stack}-f", "1", kind, f"{outsider.folder}/")
    source = f"{{asset: {asset}, messages: {{user: '{{{{ question }}}}', assistant: '{{{{ answer }}}}'}}}}"
    trains_on(project, source)
    project.applied()
    azure = project.embedded.azure()
    versions = list(azure.arm.list(f"{azure.workspace.arm_id}/data/{project.stack}-train/versions", "2024-10-01"))
    blob = str(versions[0]["properties"]["dataUri"]).partition("/paths/")[2]
    text = azure.blobs.get(blob).decode()
    asked = [line.split('"')[3] for line in text.splitlines()]
    assert asked == ["What is 1?", "What is 2?", "Which is 1?", "Which is 2?"]
    assert not project.plan().changes_something


def test_a_path_in_a_datastore(project: Project, outsider: Outsider) -> None:
    path = outsider.upload("direct.jsonl", rows("direct"))
    trains_on(project, f"{{path: azureml://datastores/workspaceblobstore/paths/{path}}}")
    first = project.plan()
    project.edit("{path: azureml:", "{asset: azureml:")
    assert actions(first) == actions(project.plan())
    account, _, container = azure_place(project).partition("/")
    project.edit(
        f"{{asset: azureml://datastores/workspaceblobstore/paths/{path}}}",
        f"{{path: 'wasbs://{container}@{account}.blob.core.windows.net/{path}'}}",
    )
    second = project.plan()
    assert [r.identity for r in first.resources] == [r.identity for r in second.resources]


def azure_place(project: Project) -> str:
    return project.embedded.azure().blobs.place


def test_a_blob_without_md5_is_known_by_its_etag(project: Project, outsider: Outsider) -> None:
    path = outsider.upload_without_md5("large.jsonl", rows("large"))
    trains_on(project, f"{{asset: azureml://datastores/workspaceblobstore/paths/{path}}}")
    plan = project.plan()
    assert any("no MD5" in note and "large.jsonl" in note for note in plan.notes)
    project.applied()
    assert not project.plan().changes_something
    outsider.upload_without_md5("large.jsonl", rows("large"))
    assert actions(project.plan())["data.train"] == "create"


def test_a_label_is_pinned(project: Project, outsider: Outsider) -> None:
    name = f"{project.stack}-l"
    outsider.register(name, "1", "uri_file", outsider.upload("v1.jsonl", rows("one")))
    trains_on(project, f"{{asset: 'azureml:{name}@latest'}}")
    project.applied()
    outsider.register(name, "2", "uri_file", outsider.upload("v2.jsonl", rows("two")))
    plan = project.plan()
    assert not plan.changes_something
    assert any("now version 2; phift.lock pins 1" in note for note in plan.notes)
    pinned = read_lock(project.folder / "phift.lock").stack(project.stack).data
    assert pinned is not None
    assert pinned.assets == {"train": {"requested": f"azureml:{name}@latest", "version": "1"}}
    phases.lock(project.request, project.embedded.connector, upgrade=True)
    assert actions(project.plan())["data.train"] == "create"


def said(project: Project) -> tuple[str, str, str]:
    with pytest.raises(InvalidSpecError) as caught:
        project.plan()
    (found,) = caught.value.diagnostics
    assert found.mark is not None
    return found.code, found.summary, found.remedy


def test_what_is_not_there(project: Project, outsider: Outsider) -> None:
    name = f"{project.stack}-m"
    trains_on(project, f"{{asset: azureml:{name}:1}}")
    code, summary, _ = said(project)
    assert (code, summary) == ("data-asset", f"data asset {name} not found in the workspace")
    outsider.register(name, "3", "uri_file", f"{outsider.folder}/nothing.jsonl")
    _, summary, remedy = said(project)
    assert summary == f"data asset {name} has no version 1"
    assert remedy == "Versions: 3."
    project.edit(f"{name}:1", f"{name}:3")
    code, summary, _ = said(project)
    assert code == "data-missing-file"
    assert "not found in datastore" in summary


def test_an_empty_folder_and_another_datastore(project: Project, outsider: Outsider) -> None:
    name = f"{project.stack}-e"
    outsider.register(name, "1", "uri_folder", f"{outsider.folder}/empty/")
    trains_on(project, f"{{asset: azureml:{name}:1}}")
    assert said(project)[0] == "data-empty"
    outsider.register(name, "2", "uri_file", "a.jsonl", store="workspacefilestore")
    project.edit(f"{name}:1", f"{name}:2")
    assert said(project)[1] == "unsupported type of datastore workspacefilestore: AzureFile"
    outsider.register(name, "3", "uri_file", "a.jsonl", store="nowhere")
    project.edit(f"{name}:2", f"{name}:3")
    code, summary, remedy = said(project)
    assert (code, summary) == ("data-datastore", "datastore nowhere not found in the workspace")
    assert "workspaceblobstore" in remedy
    outsider.register(name, "4", "uri_file", "https://example.org/a.jsonl")
    project.edit(f"{name}:3", f"{name}:4")
    assert "not a path in a datastore" in said(project)[1]


def test_a_wrong_md5_is_found(project: Project, outsider: Outsider) -> None:
    path = f"{outsider.folder}/wrong.jsonl"
    outsider.upload("wrong.jsonl", rows("wrong"))
    wrong = base64.b64encode(hashlib.md5(b"other", usedforsecurity=False).digest()).decode()
    outsider.azure.blobs.request(
        "PUT", path, query={"comp": "properties"}, headers={"x-ms-blob-content-md5": wrong}, content=b""
    )
    trains_on(project, f"{{asset: azureml://datastores/workspaceblobstore/paths/{path}}}")
    plan, before = project.plan(), project.embedded.mark()
    with pytest.raises(PhiftError, match="does not match the MD5"):
        project.apply(plan)
    assert writes(project.embedded.since(before)) == []


def test_under_a_data_root_nothing_but_its_files_is_read(project: Project, outsider: Outsider) -> None:
    asset = outsider.register(f"{project.stack}-r", "1", "uri_file", outsider.upload("r.jsonl", rows("r")))
    trains_on(project, f"{{asset: {asset}}}")
    answer = project.run("plan", "spec.yaml", "--data-root", str(project.folder))
    assert answer.returncode == 1
    assert "is outside the data root" in answer.stderr


def test_columns_and_samples_of_a_parquet_file(project: Project, outsider: Outsider) -> None:
    """The plan recognises the columns by the footer, and apply counts the rows before it takes some."""
    file = io.BytesIO()
    texts = [f"Tell me about {n}." for n in range(5000)]
    pq.write_table(
        pa.table({"instruction": texts, "input": [""] * 5000, "output": [f"{n} is a number." for n in range(5000)]}),
        file,
    )
    path = f"{outsider.folder}/t.parquet"
    outsider.azure.blobs.put(path, file.getvalue())
    asset = outsider.register(f"{project.stack}-p", "1", "uri_file", path)
    trains_on(project, f"{{asset: {asset}, take: 40}}")
    mark = project.embedded.mark()
    plan = project.plan()
    assert len([r for r in project.embedded.since(mark) if "/others/" in r["path"]]) == 2
    train = next(r for r in plan.resources if str(r.address) == "data.train")
    assert train.details["messages"] == "mapped from columns"
    project.applied(plan=plan)
    azure = project.embedded.azure()
    (version,) = azure.arm.list(f"{azure.workspace.arm_id}/data/{project.stack}-train/versions", "2024-10-01")
    assert version["properties"]["properties"]["phift.rows"] == "40"


def test_a_datastore_of_data_lake_storage(project: Project, outsider: Outsider) -> None:
    path = outsider.upload("lake.jsonl", rows("lake"))
    account, _, container = azure_place(project).partition("/")
    properties = {"datastoreType": "AzureDataLakeGen2", "accountName": account, "filesystem": container}
    body = {"properties": {**properties, "credentials": {"credentialsType": "None"}}}
    arm_id = outsider.azure.workspace.arm_id
    outsider.azure.arm.put(f"{arm_id}/datastores/lake_{project.stack[:2]}", "2024-10-01", body)
    trains_on(project, f"{{asset: azureml://datastores/lake_{project.stack[:2]}/paths/{path}}}")
    assert actions(project.plan())["data.train"] == "create"


def test_a_datastore_that_may_not_be_read(project: Project, outsider: Outsider) -> None:
    asset = outsider.register(f"{project.stack}-d", "1", "uri_file", outsider.upload("d.jsonl", rows("d")))
    trains_on(project, f"{{asset: {asset}}}")
    fault = {"pattern": f"HEAD .*{outsider.folder}.*", "status": 403, "code": "AuthorizationPermissionMismatch"}
    project.embedded.admin("POST", "/faults", {**fault, "count": 20})
    try:
        with pytest.raises(AzureError) as caught:
            project.plan()
    finally:
        project.embedded.admin("DELETE", "/faults")
    assert caught.value.status == 403
    assert "cannot read datastore workspaceblobstore" in str(caught.value)
    assert caught.value.remedy


def test_a_download_is_tried_again(project: Project, outsider: Outsider) -> None:
    asset = outsider.register(f"{project.stack}-a", "1", "uri_file", outsider.upload("a.jsonl", rows("a", 60_000)))
    trains_on(project, f"{{asset: {asset}}}")
    plan = project.plan()
    project.embedded.admin("POST", "/faults", {"pattern": f"GET .*{outsider.folder}.*", "status": 503, "count": 2})
    try:
        project.applied(plan=plan)
    finally:
        project.embedded.admin("DELETE", "/faults")
    # Nothing of it stays on the disk but the prepared rows.
    files = project.embedded.home.parent.rglob("*-*.jsonl")
    assert not [path for path in files if "downloads" in str(path)]


def test_a_blob_that_changes_under_an_apply_stops_it(project: Project, outsider: Outsider) -> None:
    asset = outsider.register(f"{project.stack}-s", "1", "uri_file", outsider.upload("s.jsonl", rows("s")))
    trains_on(project, f"{{asset: {asset}}}")
    plan = project.plan()
    outsider.upload("s.jsonl", rows("t"))
    with pytest.raises(StalePlanError):
        project.apply(plan=plan)


def test_a_stack_that_pins_nothing_of_these_has_the_lock_it_had(project: Project) -> None:
    project.applied()
    data = (project.folder / "phift.lock").read_text().partition("data:")[2]
    assert data.split() == ["preparation:", "1", "revisions:", "{}"]


def test_findings_name_the_file_in_the_asset(project: Project, outsider: Outsider) -> None:
    outsider.upload("sub/a.jsonl", rows("a"))
    outsider.upload("sub/b.jsonl", rows("b") + "not JSON\n")
    asset = outsider.register(f"{project.stack}-n", "1", "uri_folder", f"{outsider.folder}/")
    trains_on(project, f"{{asset: {asset}}}")
    with pytest.raises(RefusedError) as caught:
        project.apply()
    (found,) = caught.value.diagnostics
    assert str(found.mark).startswith(f"{asset}/sub/b.jsonl:4")


def test_a_blob_that_changes_while_it_is_read(project: Project, outsider: Outsider) -> None:
    path = outsider.upload("live.jsonl", rows("one"))
    stores = WorkspaceStores(outsider.azure)
    found = blob_files(DatastoreRef("workspaceblobstore", path), stores)
    outsider.upload("live.jsonl", rows("two"))
    with pytest.raises(StalePlanError, match="has changed since it was planned"):
        found.columns()
    outsider.azure.blobs.delete(path)
    with pytest.raises(StalePlanError):
        found.columns()
