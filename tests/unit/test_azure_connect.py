"""Which workspace, with which credential, and what a wrong answer leads to; nothing here touches a network."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from phift.azure.blob_auth import DatastoreAuth, SasAuth, SharedKeyAuth, shared_key_signature
from phift.azure.connect import connect, find_workspace
from phift.azure.credentials import CachedCredential
from phift.azure.rest import ARM_SCOPE, Answer, Rest
from phift.azure.retry import Retry
from phift.azure.transport import EMULATOR_HEADER, Http
from phift.errors import AuthenticationError, AzureError, UsageError
from phift.workspace import WorkspaceId

CONFIG = {"subscription_id": "s", "resource_group": "rg", "workspace_name": "ws"}


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.mark.parametrize(
    "place", ["config.json", ".azureml/config.json", "../config.json", "../../.azureml/config.json"]
)
def test_config_json_is_found_where_the_sdk_finds_it(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "project" / "deep"
    folder.mkdir(parents=True)
    write(folder / place, CONFIG)
    assert find_workspace({}, folder) == WorkspaceId("s", "rg", "ws")


def test_the_hidden_folder_wins_and_scopes_are_understood(tmp_path: Path) -> None:
    write(tmp_path / "config.json", {**CONFIG, "workspace_name": "plain"})
    write(tmp_path / ".azureml/config.json", {"Scope": WorkspaceId("a", "b", "c").arm_id, "Id": None})
    assert find_workspace({}, tmp_path) == WorkspaceId("a", "b", "c")


def test_the_environment_wins_over_the_file_when_it_is_complete(tmp_path: Path) -> None:
    write(tmp_path / "config.json", CONFIG)
    environ = {"AZURE_SUBSCRIPTION_ID": "e", "AZURE_RESOURCE_GROUP": "f", "AZUREML_ARM_WORKSPACE_NAME": "g"}
    assert find_workspace(environ, tmp_path) == WorkspaceId("e", "f", "g")
    del environ["AZURE_RESOURCE_GROUP"]
    assert find_workspace(environ, tmp_path) == WorkspaceId("s", "rg", "ws")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no workspace configured"),
        ("{", "is not valid JSON"),
        ("[]", "does not contain a JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ({"subscription_id": "s"}, "resource_group, workspace_name missing"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, content: object, words: str) -> None:
    if content is not None:
        write(tmp_path / "config.json", content)
    with pytest.raises(UsageError, match=words) as caught:
        find_workspace({}, tmp_path)
    assert caught.value.remedy


def test_connecting_sends_nothing(tmp_path: Path) -> None:
    azure = connect(WorkspaceId("s", "rg", "ws"), cwd=tmp_path, environ={})
    assert not azure.local
    assert azure.workspace.label == "rg/ws"
    assert azure.workspace.arm_id.endswith(
        "/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
    )


class Credential:
    def __init__(self, life: float = 3600) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.life = life

    def get_token(self, *scopes: str, **_: Any) -> Any:
        from azure.core.credentials import AccessToken

        self.asked.append(scopes)
        return AccessToken(f"token-{len(self.asked)}", int(time.time() + self.life))


def test_tokens_are_asked_for_once_a_scope_and_again_before_they_end() -> None:
    inner = Credential()
    cached = CachedCredential(inner)
    assert cached.get_token("a").token == cached.get_token("a").token == "token-1"
    assert cached.get_token("b").token == "token-2"
    assert cached.get_token("a", claims="new").token == "token-3"
    short = Credential(life=200)
    ending = CachedCredential(short)
    ending.get_token("a")
    ending.get_token("a")
    assert len(short.asked) == 2


def test_a_credential_chain_that_fails_is_one_clear_error() -> None:
    from azure.core.exceptions import ClientAuthenticationError

    class Nobody:
        def get_token(self, *_: str, **__: Any) -> Any:
            raise ClientAuthenticationError(
                "DefaultAzureCredential failed to retrieve a token.\nAttempted credentials:\n"
                "\tManagedIdentityCredential: authentication unavailable.\n"
                "\tEnvironmentCredential: AADSTS7000222: the secret has expired. client_secret=hush\n"
                "To mitigate this issue, please refer to https://aka.ms/x: y"
            )

    with pytest.raises(AuthenticationError, match="no usable Azure credential found") as caught:
        CachedCredential(Nobody()).get_token("a")
    text = str(caught.value)
    assert "az login" in text
    assert "AADSTS7000222" in text
    assert "ManagedIdentity" not in text
    assert "hush" not in text
    assert "aka.ms" not in text
    assert len(text.splitlines()) < 8


class Answers:
    """An azure-core transport that answers from a list."""

    def __init__(self, *answers: tuple[int, dict[str, str], bytes] | Exception) -> None:
        self._answers: Iterator[Any] = iter(answers)
        self.requests: list[Any] = []

    def __enter__(self) -> Answers:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def close(self) -> None:
        return None

    def send(self, request: Any, **_: Any) -> Any:
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        status, headers, content = answer

        class Response:
            status_code = status

            def __init__(self) -> None:
                from azure.core.utils import CaseInsensitiveDict

                self.headers = CaseInsensitiveDict(headers)

            def read(self) -> bytes:
                return content

        return Response()


class NoPause:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        return None


class Route:
    proxy_url = "http://127.0.0.1:1"
    ca_file = "ca.pem"


def rest(answers: Answers, *, local: bool = False, read_only: bool = False) -> Rest:
    credential = CachedCredential(Credential())
    http = Http(credential, Route() if local else None, retry=Retry(clock=NoPause()), transport=answers)  # type: ignore[arg-type]
    return Rest(http, "https://management.azure.com", ARM_SCOPE, read_only=read_only)


EMULATED = {EMULATOR_HEADER: "0.1.0"}


def test_an_emulator_behind_a_cloud_target_is_refused() -> None:
    with pytest.raises(AzureError, match="a request meant for Azure") as caught:
        rest(Answers((200, EMULATED, b"{}"))).get("x", "1")
    assert caught.value.code == "EmulatorOnCloudTarget"


def test_a_local_target_that_is_not_the_emulator_is_refused() -> None:
    with pytest.raises(AzureError, match="target local was answered") as caught:
        rest(Answers((200, {}, b"{}")), local=True).get("x", "1")
    assert caught.value.code == "NotTheEmulator"
    assert rest(Answers((200, EMULATED, b'{"a": 1}')), local=True).get("x", "1") == {"a": 1}


def test_requests_carry_token_version_agent_and_id() -> None:
    answers = Answers((200, {}, b"{}"))
    rest(answers).get("/subscriptions/s", "2024-10-01", **{"$top": 1, "absent": None})
    (request,) = answers.requests
    assert request.url == "https://management.azure.com/subscriptions/s?%24top=1&api-version=2024-10-01"
    assert request.headers["Authorization"] == "Bearer token-1"
    assert request.headers["User-Agent"].startswith("phift/")
    assert len(request.headers["x-ms-client-request-id"]) == 36


def test_writes_are_repeated_and_actions_are_not() -> None:
    from azure.core.exceptions import ServiceResponseError

    lost = ServiceResponseError("dropped")
    assert rest(Answers(lost, (503, {}, b""), (201, {}, b"{}"))).put("x", "1", {}).status == 201
    assert rest(Answers(lost, (200, {}, b'{"value": 1}'))).post("x/listSecrets", "1").body == {"value": 1}
    answers = Answers(lost, (200, {}, b"{}"))
    with pytest.raises(AzureError):
        rest(answers).post("x/cancel", "1")
    assert len(answers.requests) == 1


def test_lists_follow_their_links_but_not_to_other_hosts() -> None:
    first = json.dumps({"value": [{"n": 1}], "nextLink": "https://management.azure.com/next?skip=1"}).encode()
    answers = Answers((200, {}, first), (200, {}, b'{"value": [{"n": 2}]}'))
    assert [item["n"] for item in rest(answers).list("x", "1")] == [1, 2]
    assert answers.requests[1].url == "https://management.azure.com/next?skip=1"
    foreign = json.dumps({"value": [], "nextLink": "https://evil.example/next"}).encode()
    with pytest.raises(AzureError, match=r"evil\.example"):
        list(rest(Answers((200, {}, foreign))).list("x", "1"))


@pytest.mark.parametrize("method", ["put", "patch", "post", "delete"])
def test_a_reading_session_sends_no_write(method: str) -> None:
    answers = Answers()
    arguments = ("x", "1") if method in {"post", "delete"} else ("x", "1", {})
    with pytest.raises(AzureError, match="is read-only"):
        getattr(rest(answers, read_only=True), method)(*arguments)
    assert answers.requests == []
    reading = rest(Answers((200, {}, b"{}")), read_only=True)
    assert isinstance(reading.post("x/listSecrets", "1"), Answer)


KEY = base64.b64encode(b"0123456789abcdef").decode()


@pytest.mark.parametrize(
    ("method", "url", "headers"),
    [
        ("GET", "https://acc.blob.core.windows.net/c?restype=container&comp=list&prefix=a%20b&delimiter=%2F", {}),
        ("HEAD", "https://acc.blob.core.windows.net/c/deep/na%20me.txt", {}),
        ("PUT", "https://acc.blob.core.windows.net/c/b", {"x-ms-blob-type": "BlockBlob", "Content-Length": "5"}),
        (
            "PUT",
            "https://acc.blob.core.windows.net/c/b?comp=block&blockid=YQ%3D%3D",
            {"Content-MD5": "x", "x-ms-lease-id": "1"},
        ),
        ("PUT", "https://acc.blob.core.windows.net/c/b?comp=lease", {"Content-Length": "0", "If-None-Match": "*"}),
    ],
)
def test_signatures_are_those_of_the_storage_sdk(method: str, url: str, headers: dict[str, str]) -> None:
    from azure.core.pipeline import PipelineContext, PipelineRequest
    from azure.core.pipeline.transport import HttpRequest
    from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy

    auth = SharedKeyAuth("acc", KEY, now=lambda: datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    _, signed = auth.sign(method, url, headers)
    request = HttpRequest(method, url, headers={**headers, "x-ms-date": signed["x-ms-date"]})
    SharedKeyCredentialPolicy("acc", KEY).on_request(PipelineRequest(request, PipelineContext(None)))
    assert signed["Authorization"] == request.headers["Authorization"]
    assert KEY not in repr(auth)
    assert (
        shared_key_signature("acc", KEY, method, url, {**headers, "x-ms-date": "other"}) not in signed["Authorization"]
    )


class Arm:
    """The one call DatastoreAuth makes."""

    def __init__(self, *secrets: Any) -> None:
        self.secrets: Iterator[Any] = iter(secrets)
        self.asked = 0

    def post(self, path: str, api_version: str, body: Any = None) -> Answer:
        self.asked += 1
        secret = next(self.secrets)
        if isinstance(secret, Exception):
            raise secret
        return Answer(200, {}, secret)


def datastore(arm: Arm, kind: str, now: list[float] | None = None) -> DatastoreAuth:
    moment = now or [0.0]
    document = {"accountName": "acc", "containerName": "c", "credentials": {"credentialsType": kind}}
    return DatastoreAuth(arm, "ds", document, now=lambda: moment[0])  # type: ignore[arg-type]


def test_every_kind_of_datastore_leads_to_an_authorisation() -> None:
    sas = datastore(Arm({"secretsType": "Sas", "sasToken": "?sig=hush"}), "Sas").current()
    assert sas.sign("GET", "https://x/b?comp=list", {})[0] == "https://x/b?comp=list&sig=hush"
    assert "hush" not in repr(sas)
    assert isinstance(datastore(Arm({"secretsType": "AccountKey", "key": KEY}), "AccountKey").current(), SharedKeyAuth)
    assert datastore(Arm(), "None").current().scope == "https://storage.azure.com/.default"
    no_secrets = AzureError("No secrets for credentials of type None.", status=400)
    assert datastore(Arm(no_secrets), "AccountKey").current().scope == "https://storage.azure.com/.default"


def test_a_sas_is_replaced_before_it_ends_and_once_when_refused() -> None:
    now = [0.0]
    arm = Arm(*[{"secretsType": "Sas", "sasToken": f"sig={n}"} for n in range(3)])
    auth = datastore(arm, "Sas", now)
    first = auth.current()
    assert auth.current() is first
    now[0] = 3001
    second = auth.current()
    assert second is not first
    third = auth.instead_of(second, AzureError("no", status=403, code="AuthenticationFailed"))
    assert isinstance(third, SasAuth)
    assert arm.asked == 3


def test_an_account_that_refuses_keys_gets_the_users_token() -> None:
    auth = datastore(Arm({"secretsType": "AccountKey", "key": KEY}), "AccountKey")
    refused = AzureError("no", status=403, code="KeyBasedAuthenticationNotPermitted")
    token = auth.instead_of(auth.current(), refused)
    assert token is not None
    assert token.scope
    assert auth.current() is token
    assert auth.instead_of(token, refused) is None
