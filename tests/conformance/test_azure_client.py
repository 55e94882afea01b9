"""phift's own Azure client against the emulator: identity, REST, blobs and faults over real HTTP."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phift.azure import blob_upload
from phift.azure.blob import BlobStore
from phift.azure.blob_auth import DatastoreAuth, SharedKeyAuth
from phift.azure.connect import connect
from phift.azure.credentials import CachedCredential, LocalCredential
from phift.azure.session import Azure
from phift.azure.transport import Http
from phift.emulator.host import lifecycle
from phift.errors import AzureError, ConflictError, NotFoundError, UnreachableError

API = "2024-10-01"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("emulator")


@pytest.fixture(scope="module")
def connection(home: Path) -> Iterator[lifecycle.Connection]:
    yield lifecycle.ensure(home)
    lifecycle.stop(home)


@pytest.fixture(scope="module")
def azure(connection: lifecycle.Connection) -> Iterator[Azure]:
    session = connect(None, local=connection)
    yield session
    session.close()


def test_a_local_session_does_not_look_at_the_environment(
    connection: lifecycle.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    monkeypatch.setenv("NO_PROXY", "*")
    azure = connect(None, local=connection)
    assert azure.local
    assert azure.location == "eastus"
    assert len(azure.document()["properties"]["workspaceId"]) == 36
    azure.close()


def test_a_cloud_session_that_lands_in_the_emulator_goes_no_further(
    connection: lifecycle.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, connection.proxy_url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", connection.ca_file)
    monkeypatch.setenv("NO_PROXY", "localhost")
    credential = CachedCredential(LocalCredential(connection, Http(None, connection)))
    session = Azure(connect(None, local=connection).workspace, Http(credential), credential)
    with pytest.raises(AzureError) as caught:
        session.document()
    assert caught.value.code == "EmulatorOnCloudTarget"


def test_certificates_are_verified(connection: lifecycle.Connection, tmp_path: Path) -> None:
    import certifi

    with pytest.raises(UnreachableError) as caught:
        connect(None, local=replace(connection, ca_file=certifi.where())).document()
    assert caught.value.code == "CertificateRefused"
    with pytest.raises(AzureError, match="cannot read the certificates"):
        connect(None, local=replace(connection, ca_file=str(tmp_path / "none.pem"))).document()


def test_registry_and_data_plane_are_found(azure: Azure) -> None:
    newest = azure.registry("azureml").get(
        "models/Phi-3-mini-4k-instruct/versions",
        "2021-10-01-dataplanepreview",
        **{"$orderBy": "createdtime desc", "$top": 1},
    )
    assert newest["value"][0]["id"].startswith("azureml://registries/azureml/models/Phi-3-mini-4k-instruct/versions/")
    with pytest.raises(NotFoundError):
        azure.data_plane.get(f"history/v1.0{azure.workspace.arm_id}/runs/none/details", "v1.0")
    with pytest.raises(AzureError) as caught:
        azure.registry("nobodys")
    assert caught.value.code == "UnAuthorizedRegistryAccess"


def test_one_session_serves_many_threads(azure: Azure) -> None:
    def ask(number: int) -> str:
        azure.blobs.put(f"threads/{number}", str(number).encode())
        azure.arm.get(azure.workspace.arm_id, API)
        return azure.blobs.get(f"threads/{number}").decode()

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(48))) == [str(n) for n in range(48)]


def test_a_missing_compute_is_not_found_though_the_answer_is_empty(azure: Azure) -> None:
    with pytest.raises(NotFoundError) as caught:
        azure.arm.get(f"{azure.workspace.arm_id}/computes/none", API)
    assert caught.value.status == 404
    assert "api-version" not in str(caught.value)


def test_blobs_can_be_written_read_listed_and_deleted(azure: Azure) -> None:
    blobs = azure.blobs
    names = ["tree/a b&c=d.txt", "tree/sub/x", "tree/sub/y", "tree/ünï"]
    for name in names:
        blobs.put(name, name.encode(), metadata={"phift_digest": "0"})
    assert sorted(blobs.list("tree/")) == sorted(names)
    assert sorted(blobs.list("tree/", "/")) == sorted(["tree/a b&c=d.txt", "tree/sub/", "tree/ünï"])
    assert [blobs.get(n).decode() for n in names] == names
    assert blobs.get(names[0], offset=5) == b"a b&c=d.txt"
    assert blobs.get(names[0], offset=500) == b""
    head = blobs.head(names[1])
    assert head is not None
    assert (head["size"], head["metadata"], head["type"]) == (10, {"phift_digest": "0"}, "BlockBlob")
    assert blobs.uri("a/b") == "azureml://datastores/workspaceblobstore/paths/a/b"
    with pytest.raises(ConflictError) as caught:
        blobs.put(names[1], b"", if_none_match=True)
    assert caught.value.code == "BlobAlreadyExists"
    assert blobs.delete(names[1])
    assert not blobs.delete(names[1])
    assert blobs.head(names[1]) is None
    with pytest.raises(NotFoundError):
        blobs.get(names[1])


def test_appending_again_what_was_appended_changes_nothing(azure: Azure) -> None:
    blobs = azure.blobs
    end = blobs.append("append/log", b"one\n", position=0)
    assert blobs.append("append/log", b"two\n", position=end) == 8
    assert blobs.append("append/log", b"two\n", position=end) == 8
    assert blobs.get("append/log") == b"one\ntwo\n"
    with pytest.raises(ConflictError):
        blobs.append("append/log", b"other\n", position=end)
    assert blobs.append("append/log", b"end\n") == 12


def test_an_upload_is_skipped_when_the_content_is_there(azure: Azure, tmp_path: Path) -> None:
    path = tmp_path / "small.jsonl"
    path.write_bytes(b"{}\n" * 100)
    seen: list[tuple[int, int]] = []
    assert azure.blobs.upload(path, "data/small.jsonl", progress=lambda *p: seen.append(p))
    assert not azure.blobs.upload(path, "data/small.jsonl", progress=lambda *p: seen.append(p))
    assert seen == [(300, 300), (300, 300)]
    path.write_bytes(b"[]\n" * 100)
    assert azure.blobs.upload(path, "data/small.jsonl")
    assert azure.blobs.get("data/small.jsonl") == path.read_bytes()


def test_a_cut_off_upload_is_taken_up_where_it_was(
    azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(1_000_003))
    blobs = azure.blobs
    sent: list[str] = []
    limit = [4]
    real = blobs.request

    def request(method: str, name: str, **options: Any) -> Any:
        query = options.get("query") or {}
        if query.get("comp") == "block":
            if len(sent) >= limit[0]:
                raise AzureError("cut off")
            sent.append(query["blockid"])
        return real(method, name, **options)

    monkeypatch.setattr(blobs, "request", request)
    with pytest.raises(AzureError, match="cut off"):
        blob_upload.upload(blobs, path, "data/large.bin", block=100_000, workers=2)
    assert blobs.head("data/large.bin") is None
    limit[0] = 100
    seen: list[int] = []
    assert blob_upload.upload(
        blobs, path, "data/large.bin", block=100_000, workers=4, progress=lambda done, _: seen.append(done)
    )
    assert len(sent) == len(set(sent)) == 11
    assert seen[-1] == 1_000_003
    assert blobs.get("data/large.bin") == path.read_bytes()


def test_a_reading_session_writes_no_blob_and_no_resource(azure: Azure) -> None:
    reading = azure.read_only()
    assert reading.location == azure.location
    for write in (
        lambda: reading.blobs.put("x", b""),
        lambda: reading.blobs.delete("x"),
        lambda: reading.blobs.append("x", b""),
        lambda: reading.blobs.acquire_lease("x", 15),
        lambda: reading.arm.put(f"{azure.workspace.arm_id}/computes/x", API, {}),
        lambda: reading.data_plane.patch("x", "", {}),
    ):
        with pytest.raises(AzureError, match="read-only"):
            write()
    assert reading.blobs.head("x") is None


def test_an_address_with_its_own_signature_is_read_without_a_token(azure: Azure) -> None:
    azure.blobs.put("logs/std.txt", b"line one\nline two\n")
    store: Any = azure.blobs
    url, _ = store._auth.current().sign("GET", f"{store._auth.url}/logs/std.txt", {})
    assert azure.fetch(url) == b"line one\nline two\n"
    assert azure.fetch(url, offset=9) == b"line two\n"
    assert azure.fetch(url, offset=18) == b""
    missing, _ = store._auth.current().sign("GET", f"{store._auth.url}/logs/none.txt", {})
    assert azure.fetch(missing) == b""


@pytest.fixture
def storage(connection: lifecycle.Connection) -> Iterator[Any]:
    """Sets switches of the storage account, and sets them back."""
    before = lifecycle.request(connection, "GET", "/storage")
    yield lambda **switches: lifecycle.request(connection, "PUT", "/storage", switches)
    lifecycle.request(connection, "PUT", "/storage", before)


def exercise(blobs: BlobStore, name: str) -> None:
    """Each kind of request that a signature covers."""
    blobs.put(f"auth/{name} é&=+.txt", b"12345", metadata={"phift_digest": name})
    assert f"auth/{name} é&=+.txt" in set(blobs.list(f"auth/{name} ", "/"))
    assert blobs.get(f"auth/{name} é&=+.txt", offset=3) == b"45"
    lease = blobs.acquire_lease(f"auth/{name} é&=+.txt", 15)
    blobs.set_metadata(f"auth/{name} é&=+.txt", {"a": "b"}, lease=lease)
    blobs.release_lease(f"auth/{name} é&=+.txt", lease)
    blobs.append(f"auth/{name}.log", b"line\n")
    assert blobs.delete(f"auth/{name} é&=+.txt")


def test_an_account_key_signs_every_kind_of_request(azure: Azure) -> None:
    store: Any = azure.blobs
    path = f"{azure.workspace.arm_id}/datastores/workspaceblobstore"
    secret = azure.arm.post(f"{path}/listSecrets", API, {}).body
    assert secret["secretsType"] == "AccountKey"
    assert secret["key"] not in repr(azure.arm.post(f"{path}/listSecrets", API, {}))
    auth = DatastoreAuth(azure.arm, path, azure.arm.get(path, API)["properties"])
    auth._auth, auth._until = SharedKeyAuth(auth.account, secret["key"]), float("inf")
    exercise(BlobStore(store._http, auth, "workspaceblobstore"), "key")


def test_a_workspace_without_keys_is_used_with_the_users_token(connection: lifecycle.Connection, storage: Any) -> None:
    storage(identityBasedDatastores=True, allowSharedKeyAccess=False)
    azure = connect(None, local=connection)
    exercise(azure.blobs, "token")
    azure.close()


def test_keys_refused_in_mid_session_give_way_to_the_token(connection: lifecycle.Connection, storage: Any) -> None:
    azure = connect(None, local=connection)
    exercise(azure.blobs, "before")
    storage(allowSharedKeyAccess=False)
    exercise(azure.blobs, "after")
    azure.close()


def test_a_missing_data_role_is_said_with_a_remedy(connection: lifecycle.Connection, storage: Any) -> None:
    storage(identityBasedDatastores=True, allowSharedKeyAccess=False, dataRoleAssigned=False)
    azure = connect(None, local=connection)
    with pytest.raises(AzureError, match="not authorized") as caught:
        azure.blobs.get("x")
    assert caught.value.code == "AuthorizationPermissionMismatch"
    assert "Storage Blob Data Contributor" in caught.value.remedy
    azure.close()


@pytest.fixture
def fault(connection: lifecycle.Connection) -> Iterator[Any]:
    """Asks for faults, and ends them."""
    yield lambda pattern, **how: lifecycle.request(connection, "POST", "/faults", {"pattern": pattern, **how})
    lifecycle.request(connection, "DELETE", "/faults")


def test_throttling_server_errors_and_dropped_connections_pass(azure: Azure, fault: Any) -> None:
    fault("GET management.*computes/none", status=429, headers={"Retry-After": "1"})
    fault("GET management.*computes/none", status=503)
    fault("GET management.*computes/none", drop=True)
    started = time.monotonic()
    with pytest.raises(NotFoundError):
        azure.arm.get(f"{azure.workspace.arm_id}/computes/none", API)
    assert time.monotonic() - started > 1


def test_a_write_whose_answer_is_lost_is_done_once(azure: Azure, fault: Any) -> None:
    fault("PUT .*computes/lost", drop=True, after=True)
    fault("PUT .*lost/log.*appendblock", drop=True, after=True, offset=1)
    fault("PUT .*lost/leased.*comp=lease", drop=True, after=True)
    settings = {
        "computeType": "AmlCompute",
        "properties": {"vmSize": "Standard_DS3_v2", "scaleSettings": {"maxNodeCount": 1}},
    }
    answer = azure.arm.put(
        f"{azure.workspace.arm_id}/computes/lost", API, {"location": "eastus", "properties": settings}
    )
    assert answer.status in {200, 201}
    blobs = azure.blobs
    end = blobs.append("lost/log", b"one\n", position=0)
    end = blobs.append("lost/log", b"two\n", position=end)
    assert (end, blobs.get("lost/log")) == (8, b"one\ntwo\n")
    blobs.put("lost/leased", b"")
    blobs.release_lease("lost/leased", blobs.acquire_lease("lost/leased", 15))


def test_an_action_whose_answer_is_lost_is_not_repeated(azure: Azure, fault: Any) -> None:
    fault("POST .*jobs/none/cancel", drop=True, count=0)
    with pytest.raises(UnreachableError) as caught:
        azure.arm.post(f"{azure.workspace.arm_id}/jobs/none/cancel", API)
    assert caught.value.code == "NoAnswer"
