"""Datastores and their secrets, and blob storage over the wire as it was recorded (2026-03)."""

import os
import re
import signal
import uuid
from urllib.parse import parse_qs

import pytest
import requests

from phift.emulator.host import lifecycle
from phift.emulator.host.home import Home

API = "2024-07-01-preview"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_the_default_datastore_has_the_recorded_shape(azure):
    document = azure.call("GET", "datastores/workspaceblobstore", api=API).json()
    assert list(document) == ["id", "name", "type", "properties", "systemData"]
    assert document["id"] == f"{azure.workspace}/datastores/workspaceblobstore"
    assert document["type"] == "Microsoft.MachineLearningServices/workspaces/datastores"
    properties = document["properties"]
    assert list(properties) == [
        "description",
        "tags",
        "properties",
        "isDefault",
        "credentials",
        "subscriptionId",
        "resourceGroup",
        "datastoreType",
        "accountName",
        "containerName",
        "endpoint",
        "protocol",
        "serviceDataAccessAuthIdentity",
    ]
    assert properties["description"] is properties["tags"] is properties["properties"] is None
    assert properties["isDefault"] is True
    assert properties["credentials"] == {"credentialsType": "AccountKey"}
    assert properties["containerName"].startswith("azureml-blobstore-")
    assert GUID.search(properties["containerName"])
    assert set(document["systemData"]) == {"createdAt", "lastModifiedAt", "lastModifiedBy", "lastModifiedByType"}
    older = azure.call("GET", "datastores/WorkspaceBlobStore", api="2022-05-01").json()["properties"]
    assert "subscriptionId" not in older
    assert "resourceGroup" not in older


def test_listing_datastores(azure):
    every = azure.call("GET", "datastores", api=API).json()["value"]
    assert [item["name"] for item in every] == [
        "workspaceblobstore",
        "workspaceartifactstore",
        "workspacefilestore",
        "workspaceworkingdirectory",
    ]
    assert [item["properties"]["isDefault"] for item in every] == [True, False, False, False]
    assert every[1]["properties"]["containerName"] == "azureml"
    query = {"count": "30", "isDefault": "true", "orderByAsc": "false"}
    one = azure.call("GET", "datastores", api=API, **query).json()
    assert list(one) == ["value"]
    assert one["value"] == [azure.call("GET", "datastores/workspaceblobstore", api=API).json()]
    missing = azure.call("GET", "datastores/none", api=API)
    assert missing.status_code == 404
    assert "none" in missing.json()["error"]["message"]


def secrets(azure, body=None, name="workspaceblobstore"):
    return azure.call("POST", f"datastores/{name}/listSecrets", body, api=API)


def blob_url(azure, path):
    account = azure.call("GET", "datastores/workspaceblobstore", api=API).json()["properties"]["accountName"]
    return f"https://{account}.blob.core.windows.net/{path}"


def container(azure):
    return azure.call("GET", "datastores/workspaceblobstore", api=API).json()["properties"]["containerName"]


def test_secrets_are_a_signature_or_the_key(azure):
    answer = secrets(azure, {"expirableSecret": True, "expireAfterHours": 1}).json()
    assert list(answer) == ["secretsType", "sasToken"]
    assert answer["secretsType"] == "Sas"
    assert answer["sasToken"].startswith("?sv=")
    fields = parse_qs(answer["sasToken"].lstrip("?"))
    assert list(fields) == ["sv", "sig", "se", "srt", "ss", "sp"]
    assert (fields["srt"], fields["ss"], fields["sp"]) == (["co"], ["bf"], ["rcuwdl"])
    key = secrets(azure).json()
    assert key["secretsType"] == "AccountKey"
    assert len(key["key"]) == 88
    assert secrets(azure, {"expirableSecret": False}).json() == key
    assert secrets(azure, {"expirableSecret": True, "expireAfterHours": 0}).status_code == 400


def test_identity_based_datastores_have_no_secrets(azure):
    azure.admin("PUT", "/storage", {"identityBasedDatastores": True})
    try:
        document = azure.call("GET", "datastores/workspaceblobstore", api=API).json()
        assert document["properties"]["credentials"] == {"credentialsType": "None"}
        refused = secrets(azure, {"expirableSecret": True})
        assert refused.status_code == 400
        assert refused.json()["error"]["message"] == "No secrets for credentials of type None."
        assert refused.json()["error"]["code"] == "UserError"
        assert (
            azure.call("GET", azure.workspace, api=API).json()["properties"]["systemDatastoresAuthMode"] == "identity"
        )
    finally:
        azure.admin("PUT", "/storage", {"identityBasedDatastores": False})


def test_without_shared_keys_secrets_are_handed_out_but_refused(azure):
    azure.admin("PUT", "/storage", {"allowSharedKeyAccess": False})
    try:
        sas = secrets(azure, {"expirableSecret": True}).json()["sasToken"]
        url = blob_url(azure, "azureml") + sas + "&restype=container&comp=list&prefix=ExperimentRun/&include=metadata"
        answer = azure.session.get(url, headers={"x-ms-version": "2026-02-06"})
        assert answer.status_code == 403
        assert answer.headers["x-ms-error-code"] == "KeyBasedAuthenticationNotPermitted"
        assert answer.headers["Content-Type"] == "application/xml"
        assert "x-ms-version" not in answer.headers
        assert "x-ms-request-id" not in answer.headers
        start = (
            b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?><Error><Code>KeyBasedAuthenticationNotPermitted</Code>'
            b"<Message>Key based authentication is not permitted on this storage account.\nRequestId:"
        )
        assert answer.content.startswith(start)
    finally:
        azure.admin("PUT", "/storage", {"allowSharedKeyAccess": True})


def test_an_upload_as_recorded(azure):
    sas = secrets(azure, {"expirableSecret": True}).json()["sasToken"]
    url = blob_url(azure, f"{container(azure)}/LocalUpload/{uuid.uuid4().hex}/model.pkl")
    version = {"x-ms-version": "2026-02-06", "Accept": "application/xml"}
    absent = azure.session.head(url + sas, headers=version)
    assert absent.status_code == 404
    assert absent.headers["x-ms-error-code"] == "BlobNotFound"
    assert absent.headers["x-ms-version"] == "2026-02-06"
    put = azure.session.put(
        url + sas,
        data=b"hello world",
        headers={
            **version,
            "x-ms-blob-type": "BlockBlob",
            "If-None-Match": "*",
            "Content-Type": "application/octet-stream",
        },
    )
    assert put.status_code == 201
    told = {"ETag", "Last-Modified", "Content-MD5", "x-ms-content-crc64", "x-ms-request-server-encrypted"}
    assert [name for name in told if name not in put.headers] == []
    assert (put.headers["Content-Length"], put.headers["x-ms-version"]) == ("0", "2026-02-06")
    marks = {"x-ms-meta-upload_status": "completed", "x-ms-meta-name": "m", "x-ms-meta-version": "1"}
    marked = azure.session.put(url + "?comp=metadata&" + sas[1:], headers={**version, **marks})
    assert marked.status_code == 200
    assert marked.headers["ETag"] != put.headers["ETag"]
    head = azure.session.head(url + sas, headers=version)
    expected = {
        "ETag": marked.headers["ETag"],
        "Content-Length": "11",
        "Content-Type": "application/octet-stream",
        "Content-MD5": put.headers["Content-MD5"],
        "Accept-Ranges": "bytes",
        "x-ms-blob-type": "BlockBlob",
        **marks,
        "x-ms-lease-state": "available",
        "x-ms-lease-status": "unlocked",
        "x-ms-server-encrypted": "true",
        "x-ms-access-tier": "Hot",
        "x-ms-access-tier-inferred": "true",
        "x-ms-version": "2026-02-06",
    }
    assert {name: head.headers.get(name) for name in expected} == expected
    part = azure.session.get(url + sas, headers={**version, "x-ms-range": "bytes=0-33554431"})
    assert (part.status_code, part.content) == (206, b"hello world")
    assert part.headers["Content-Range"] == "bytes 0-10/11"
    assert part.headers["x-ms-blob-content-md5"] == put.headers["Content-MD5"]
    assert "Content-MD5" not in part.headers


def test_a_stranger_s_account_is_not_answered_with_our_data(azure):
    answer = azure.session.get("https://someoneelse.blob.core.windows.net/azureml?restype=container&comp=list")
    assert answer.status_code == 404
    assert "someoneelse" in answer.text


def test_datastores_of_the_user_s_own(azure):
    body = {
        "properties": {
            "datastoreType": "AzureBlob",
            "accountName": "other",
            "containerName": "things",
            "credentials": {
                "credentialsType": "AccountKey",
                "secrets": {"secretsType": "AccountKey", "key": "c2VjcmV0"},
            },
        }
    }
    made = azure.call("PUT", "datastores/mine", body, api=API)
    assert made.status_code == 201
    assert "c2VjcmV0" not in made.text
    assert azure.call("PUT", "datastores/mine", body, api=API).status_code == 200
    assert secrets(azure, {"expirableSecret": True}, "mine").json() == {"secretsType": "AccountKey", "key": "c2VjcmV0"}
    assert "c2VjcmV0" not in azure.call("GET", "datastores", api=API).text
    assert azure.call("DELETE", "datastores/mine", api=API).status_code == 200
    assert azure.call("DELETE", "datastores/mine", api=API).status_code == 204
    assert azure.call("GET", "datastores/mine", api=API).status_code == 404
    assert azure.call("DELETE", "datastores/workspaceblobstore", api=API).status_code == 400
    assert azure.call("PUT", "datastores/mine", {"properties": {}}, api=API).status_code == 400


def test_a_killed_emulator_keeps_acknowledged_blobs(home):
    def session(connection):
        client = requests.Session()
        client.trust_env, client.verify = False, connection.ca_file
        client.proxies = {"https": connection.proxy_url}
        return client

    connection = lifecycle.ensure(home, idle_seconds=600)
    with session(connection) as client:
        token = client.post(
            f"https://login.microsoftonline.com/{connection.tenant_id}/oauth2/v2.0/token",
            data={
                "client_id": connection.client_id,
                "client_secret": connection.client_secret,
                "grant_type": "client_credentials",
                "scope": "https://storage.azure.com/.default",
            },
        ).json()["access_token"]
        account = Home(home).identity().storage_account
        url = f"https://{account}.blob.core.windows.net/azureml/kept"
        headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2026-02-06"}
        body = os.urandom(1_000_000)
        put = client.put(url, data=body, headers={**headers, "x-ms-blob-type": "BlockBlob"})
        assert put.status_code == 201
        os.kill(lifecycle.status(home)["pid"], signal.SIGKILL)
    connection = lifecycle.ensure(home, idle_seconds=600)
    with session(connection) as client:
        got = client.get(url, headers=headers)
        assert (got.status_code, got.headers["ETag"]) == (200, put.headers["ETag"])
        assert got.content == body


@pytest.mark.parametrize("path", ["azureml/a%2F..%2F..%2F..%2Fetc%2Fpasswd", "azureml/../x", "azureml/%00"])
def test_odd_names_stay_inside_the_store(azure, path):
    sas = secrets(azure, {"expirableSecret": True}).json()["sasToken"]
    request = requests.Request("PUT", blob_url(azure, "x") + sas, data=b"1", headers={"x-ms-blob-type": "BlockBlob"})
    prepared = azure.session.prepare_request(request)
    prepared.url = blob_url(azure, path) + sas
    answer = azure.session.send(prepared, proxies=azure.session.proxies, verify=azure.session.verify)
    assert answer.status_code in (201, 400)
