"""What is in a body, a token or a query and cannot be read: refused where it is parsed, in the service's envelope."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phift.emulator.compose import ROUTES
from phift.emulator.core.body import parse_json
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.members import TYPES
from phift.emulator.core.routing import Host, Route
from phift.emulator.core.shapes import first_mismatch
from phift.emulator.host.home import Home
from tests.emulator.client import Azure
from tests.emulator.serving import Serving

API = "2023-04-01"
STORE = "azureml://datastores/workspaceblobstore/paths"


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"[" * 100_000, "nested deeper than the maximum of 64"),
        (b'{"a":' * 100_000, "nested deeper than the maximum of 64"),
        (nested(66), "nested deeper than the maximum of 64"),
        (b"{", "is not JSON"),
        (b"NaN", "NaN is not a number"),
        (b"[-Infinity]", "-Infinity is not a number"),
        (b"1e999", "too large for a number"),
        (b"9" * 5000, "is not JSON"),
        (b"[9223372036854775808]", "Int64"),
        (b'{"a": -9223372036854775809}', "Int64"),
        (b'["\\ud800"]', "unpaired surrogate"),
        (b'{"\\udfff": 1}', "unpaired surrogate"),
        (b'["\xed\xa0\x80"]', "unpaired surrogate"),
        (b'["\xff"]', "is not JSON"),
    ],
)
def test_what_is_no_json_of_ours(body: bytes, why: str) -> None:
    with pytest.raises(ServiceError, match="RequestInvalid") as caught:
        parse_json(body)
    assert caught.value.status == 400
    assert why in caught.value.message


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (nested(65), json.loads(nested(65))),
        (b'["\xf0\x9f\x98\x80", "\\ud83d\\ude00"]', ["😀", "😀"]),
        (b"[9223372036854775807, -9223372036854775808, 1e300, true]", [2**63 - 1, -(2**63), 1e300, True]),
        ('{"ä": null}'.encode("utf-16"), {"ä": None}),
        ('{"ä": null}'.encode("utf-8-sig"), {"ä": None}),
    ],
)
def test_what_is(body: bytes, value: Any) -> None:
    assert parse_json(body) == value


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        ({"properties": 5}, "DataVersion", ("properties", "Error converting value 5 to an object. Path 'properties'.")),
        ({"Tags": "x"}, "OnlineEndpoint", ("Tags", "Error converting value \"x\" to an object. Path 'Tags'.")),
        (
            {"properties": {"inputs": {"a": [1]}}},
            "PipelineJobResource",
            ("properties.inputs.a", "Error converting value [1] to an object. Path 'properties.inputs.a'."),
        ),
        ({"values": {}}, "ResolveRequest", ("values", "Error converting value {} to an array. Path 'values'.")),
        (
            {"values": ["a", 2]},
            "ResolveRequest",
            ("values[1]", "Error converting value 2 to a string. Path 'values[1]'."),
        ),
        (
            {"values": [None]},
            "ResolveRequest",
            ("values[0]", "Error converting value null to a value. Path 'values[0]'."),
        ),
        ({"properties": None}, "DataVersion", None),
        ({"properties": {"jobs": {"a": None}, "other": 1}}, "PipelineJobResource", None),
        (None, "LogsRequest", None),
        ([], "LogsRequest", ("", "Error converting value [] to an object. Path ''.")),
    ],
)
def test_the_first_mismatch_is_told_with_its_path(body: Any, kind: str, told: tuple[str, str] | None) -> None:
    assert first_mismatch(body, kind) == told


def test_a_long_value_is_shortened() -> None:
    found = first_mismatch({"properties": "x" * 5000}, "DataVersion")
    assert found is not None
    assert len(found[1]) < 150


def test_every_kind_of_the_table_is_known() -> None:
    plain = {"", "text", "object", "scalar"}
    for name, members in TYPES.items():
        for member, kind in members.items():
            inner = kind[1:-1] if kind[:1] in "{[" and kind else kind
            assert inner in plain or inner in TYPES, f"{name}.{member}: {kind}"


ASSETS = {
    "data/d/versions/1": {"dataType": "uri_file", "dataUri": "azureml://x"},
    "models/m/versions/1": {"modelUri": f"{STORE}/x"},
    "environments/e/versions/1": {"image": "i"},
    "components/c/versions/1": {"componentSpec": {"type": "command"}},
    "codes/c/versions/1": {"codeUri": "https://x"},
    "datastores/s": {"datastoreType": "AzureBlob"},
    "onlineEndpoints/ends": {"authMode": "Key"},
    "jobs/j": {"jobType": "Command", "command": "x", "environmentId": "y"},
}


@pytest.mark.parametrize("path", ASSETS)
@pytest.mark.parametrize(
    ("member", "value"), [("tags", "x"), ("tags", [1]), ("properties", 5), ("properties", ["a"]), ("", 7), ("", [1])]
)
def test_wrong_kinds_in_what_all_have(azure: Azure, path: str, member: str, value: Any) -> None:
    """In `properties`, and in place of it."""
    inner = {**ASSETS[path], member: value} if member else value
    body = {"properties": inner}
    if path.startswith("onlineEndpoints") and member == "tags":
        body = {"tags": value, "properties": ASSETS[path]}
    answer = azure.call("PUT", path, body, api="2023-08-01-preview")
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["code"] in ("UserError", "RequestInvalid")
    assert error["message"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "computes/gpu", {"properties": {"computeType": "AmlCompute", "properties": {"scaleSettings": 5}}}),
        ("PUT", "computes/gpu", {"identity": "x", "properties": {"computeType": "AmlCompute", "properties": {}}}),
        (
            "PUT",
            "computes/gpu",
            {"properties": {"computeType": "AmlCompute", "properties": {"userAccountCredentials": 1}}},
        ),
        ("PUT", "jobs/j", {"properties": {"jobType": "Pipeline", "jobs": {"a": {"inputs": [1]}}}}),
        ("PUT", "jobs/j", {"properties": {"jobType": "Pipeline", "jobs": {"a": 5}}}),
        ("PUT", "jobs/j", {"properties": {"jobType": "Pipeline", "jobs": {"a": {"componentId": {}}}}}),
        (
            "PUT",
            "components/c/versions/1",
            {"properties": {"componentSpec": {"type": "command", "inputs": {"a": "x"}}}},
        ),
        ("PUT", "datastores/s", {"properties": {"datastoreType": "x", "credentials": {"credentialsType": ["a"]}}}),
        ("PUT", "datastores/s", {"properties": {"datastoreType": "x", "credentials": "x"}}),
        ("PUT", "datastores/b%C3%A4d", {"properties": {"datastoreType": "x"}}),
        ("PUT", "data/d%00/versions/1", {"properties": ASSETS["data/d/versions/1"]}),
        ("POST", "datastores/workspaceblobstore/listSecrets", [1]),
        ("POST", "codes/c/versions/1/startPendingUpload", "x"),
        ("PUT", "data/d", {"properties": {"tags": ["a"]}}),
        ("PUT", "environments/e/versions/1", {"properties": {"image": "i", "condaFile": "? [a]\n: b"}}),
        ("PUT", "environments/e/versions/1", {"properties": {"image": "i", "condaFile": "a: &x [*x]"}}),
        ("PUT", "environments/e/versions/1", {"properties": {"image": "i", "condaFile": 5}}),
        ("GET", "data/none/versions/%C2%B2?", None),
    ],
)
def test_wrong_kinds_elsewhere(azure: Azure, method: str, path: str, body: Any) -> None:
    answer = azure.call(method, path, body, api=API)
    assert answer.status_code in (400, 404), answer.text
    assert answer.json()["error"]["code"]


def test_dates_in_a_conda_file_are_kept_as_text(azure: Azure) -> None:
    body = {"properties": {"image": "i", "condaFile": "a: 2001-01-01"}}
    answer = azure.call("PUT", "environments/dated/versions/1", body, api=API)
    assert json.loads(answer.json()["properties"]["condaFile"]) == {"a": "2001-01-01"}


def test_a_model_whose_mlmodel_is_none_has_no_flavors(azure: Azure) -> None:
    serving = Serving(azure)
    for name, text in {"tag": b"!!python/none x", "list": b"[1]", "flavour": b"flavors: {a: [1], b: {1: 2}}"}.items():
        serving.model(f"odd-{name}", {"MLmodel": text})
        flavors = azure.call("GET", f"models/odd-{name}/versions/1", api=API).json()["properties"]["flavors"]
        assert flavors == ({"b": {"data": {"1": "2"}}} if name == "flavour" else {})


def test_assets_that_lead_to_each_other_are_told(azure: Azure) -> None:
    for name, other in (("here", "there"), ("there", "here")):
        body = {"properties": {"dataType": "uri_file", "dataUri": f"azureml:{other}:1"}}
        assert azure.call("PUT", f"data/{name}/versions/1", body, api=API).status_code == 201
    answer = azure.session.post(
        f"https://eastus.api.azureml.ms/data/v1.0{azure.workspace}/dataversion/batchGetResolvedUris",
        json={"values": ["azureml:here:1"]},
        headers={"Authorization": f"Bearer {azure.token()}"},
    )
    assert (answer.status_code, "circular asset reference" in answer.text) == (400, True)


@pytest.mark.parametrize("top", ["²", "9" * 5000, "-1", "x", "٣", "0"])
def test_numbers_in_queries_that_are_none_are_ignored(azure: Azure, top: str) -> None:
    assert azure.call("GET", "data", api=API, **{"$top": top, "$skip": top}).status_code == 200
    assert azure.admin("GET", "/requests?count=x")["value"]


def test_an_api_version_in_other_digits_is_none(azure: Azure) -> None:
    assert azure.call("GET", "data", api="2023-04-0١").status_code == 400


@pytest.mark.parametrize(
    "header", [b"Bearer \xe4\xf6.\xfc.x", b"Bearer a.b.\xff", b"\xff", b"SharedKey a:\xe4", b"Bearer"]
)
@pytest.mark.parametrize(
    "url",
    [
        "https://management.azure.com/subscriptions/x/providers/Microsoft.MachineLearningServices/workspaces",
        "https://eastus.api.azureml.ms/history/v1.0/subscriptions/s/resourceGroups/r/providers/"
        "Microsoft.MachineLearningServices/workspaces/w/runs/x",
        "https://ACCOUNT.blob.core.windows.net/?comp=list",
        "https://none.eastus.inference.ml.azure.com/score",
    ],
)
def test_tokens_that_are_no_text(azure: Azure, url: str, header: bytes) -> None:
    account = Home(Path(azure.admin("GET", "/status")["home"])).identity().storage_account
    answer = azure.session.get(
        f"{url.replace('ACCOUNT', account)}&api-version=2024-10-01" if "?" in url else f"{url}?api-version=2024-10-01",
        headers={"Authorization": header, "x-ms-version": "2021-08-06"},
    )
    assert answer.status_code in (400, 401, 403, 404), answer.text


def test_a_signature_that_is_no_ascii(azure: Azure) -> None:
    account = Home(Path(azure.admin("GET", "/status")["home"])).identity().storage_account
    query = "?comp=list&sv=2021-08-06&sr=c&sp=l&se=2099-01-01&sig=%C3%A4"
    assert azure.session.get(f"https://{account}.blob.core.windows.net/{query}").status_code == 403


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"grant_type=\xff", b"[" * 100_000, b"", b"client_id=%ff&client_secret=%ff"]
)
def test_forms_that_are_no_text(azure: Azure, body: bytes) -> None:
    url = f"https://login.microsoftonline.com/{azure.connection.tenant_id}/oauth2/v2.0/token"
    answer = azure.session.post(url, data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 400
    assert answer.json()["error_codes"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/faults", {"pattern": 5, "status": 500}),
        ("POST", "/faults", {"pattern": "a{99999999999}", "status": 500}),
        ("POST", "/faults", {"pattern": "x", "status": "500"}),
        ("POST", "/faults", {"pattern": "x", "status": 99}),
        ("POST", "/faults", {"pattern": "x", "status": 500, "headers": {"a": "b\r\nc: d"}}),
        ("POST", "/faults", {"pattern": "x", "status": 500, "headers": {"a": "日"}}),
        ("POST", "/faults", {"pattern": "x", "delay": 10**9}),
        ("POST", "/faults", {"pattern": "x", "drop": 1}),
        ("PUT", "/settings", {"pace": ["fast"]}),
        ("PUT", "/settings", {"speed": 10**30}),
        ("PUT", "/quota", {"dedicatedCores": -1}),
        ("PUT", "/assumed", [1]),
    ],
)
def test_admin_requests_say_what_is_wrong(azure: Azure, method: str, path: str, body: Any) -> None:
    answer = azure.session.request(method, f"http://127.0.0.1:{azure.connection.port}{path}", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"]


def test_variables_that_no_process_can_have_are_refused(azure: Azure) -> None:
    serving = Serving(azure)
    serving.endpoint("variables")
    for name, value in (("", "x"), ("a=b", "x"), ("a\x00", "x"), ("a", "x\x00")):
        answer = serving.put_deployment("variables", "blue", "azureml:x:1", environmentVariables={name: value})
        assert answer.status_code == 400
        assert "is not a valid environment variable" in answer.text


def test_nobody_learns_a_name_without_a_token(azure: Azure) -> None:
    """Of account, container, subscription and workspace, from any route; the tenant's is in challenges, as on Azure."""
    identity = Home(Path(azure.admin("GET", "/status")["home"])).identity()
    names = {
        Host.ARM: "management.azure.com",
        Host.LOGIN: "login.microsoftonline.com",
        Host.BLOB: "someaccount.blob.core.windows.net",
        Host.DATA_PLANE: "eastus.api.azureml.ms",
        Host.INFERENCE: "someendpoint.eastus.inference.ml.azure.com",
        Host.TELEMETRY: "dc.services.visualstudio.com",
    }
    routes: list[Route] = [route for route in ROUTES if route.host in names]
    secrets = (identity.storage_account, identity.container, identity.workspace_id, identity.subscription_id)
    assert len(routes) > 100
    for route in routes:
        path = route.path.replace(":path}", "}")
        for name in route.names:
            path = path.replace(f"{{{name}}}", "x")
        url = f"https://{names[route.host]}{path}?api-version=2024-10-01"
        answer = azure.session.request(route.method, url, json={}, headers={"x-ms-version": "2021-08-06"})
        told = f"{answer.text} {answer.headers}"
        assert not [secret for secret in secrets if secret in told], f"{route.method} {url}: {told}"
        if route.host is Host.BLOB:
            assert answer.status_code in (404, 501)
