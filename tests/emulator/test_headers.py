"""Who answers shows in the headers and the envelope; lists continue by a link of the recorded form."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.emulator.client import Azure

UNKNOWN = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g"
OF_PROVIDER = {"x-ms-response-type", "x-request-time", "request-context", "azureml-served-by-cluster"}


def names(answer: requests.Response) -> set[str]:
    return {name.lower() for name in answer.headers}


def group(azure: Azure) -> str:
    return azure.workspace.partition("/providers/")[0]


def test_the_resource_manager_refuses_in_its_own_name(azure: Azure) -> None:
    refused = (
        azure.call("GET", UNKNOWN),
        azure.call("GET", azure.workspace, api=""),
        azure.call("GET", f"{group(azure)}x"),
        azure.session.get(f"https://management.azure.com{azure.workspace}?api-version=2024-10-01"),
    )
    for answer, code in zip(
        refused,
        ("SubscriptionNotFound", "MissingApiVersionParameter", "ResourceGroupNotFound", "AuthenticationFailed"),
        strict=True,
    ):
        assert answer.json() == {"error": {"code": code, "message": answer.json()["error"]["message"]}}
        assert answer.headers["x-ms-failure-cause"] == "gateway"
        assert answer.headers["x-ms-request-id"]
        assert not names(answer) & OF_PROVIDER


def test_the_provider_answers_behind_the_resource_manager(azure: Azure) -> None:
    own = azure.call("GET", group(azure))
    assert "x-ms-request-id" in names(own)
    assert not names(own) & OF_PROVIDER
    workspace, models = azure.call("GET", azure.workspace), azure.call("GET", "models")
    for answer in (workspace, models):
        assert names(answer) >= OF_PROVIDER | {"x-ms-correlation-request-id", "x-msedge-ref", "vary"}
        assert "x-ms-request-id" not in names(answer)
    assert "x-ms-operation-identifier" in names(models)
    assert not {"x-ms-operation-identifier"} & (names(workspace) | names(azure.call("GET", "computes")))
    missing = azure.call("GET", "models/none/versions/1")
    assert missing.status_code == 404
    assert missing.headers["x-ms-response-type"] == "error"
    assert "x-ms-failure-cause" not in names(missing)


@pytest.mark.parametrize("path", ["/discovery", "/nothing"])
def test_the_data_plane_has_none_of_the_resource_managers_headers(azure: Azure, path: str) -> None:
    answer = azure.call("GET", path, host="eastus.api.azureml.ms")
    absent = {"cache-control", "pragma", "expires", "x-ms-correlation-request-id", "x-msedge-ref", "x-ms-request-id"}
    assert not absent & names(answer)
    assert names(answer) >= {"date", "request-context", "x-request-time", "x-ms-response-type"}


def test_every_host_tells_the_time(azure: Azure) -> None:
    hosts = ("management.azure.com", "eastus.api.azureml.ms", "login.microsoftonline.com", "x.blob.core.windows.net")
    for host in (*hosts, "e.eastus.inference.ml.azure.com"):
        answer = azure.session.get(f"https://{host}/")
        assert answer.headers["Date"].endswith(" GMT"), host
    blob = azure.session.get("https://x.blob.core.windows.net/c/b")
    assert blob.headers["Server"]


def test_a_list_continues_by_a_link_with_an_opaque_token(azure: Azure) -> None:
    for name in ("one", "two", "three"):
        body = {"properties": {"dataType": "uri_file", "dataUri": "azureml://datastores/workspaceblobstore/paths/x"}}
        assert azure.call("PUT", f"data/linked/versions/{name}", body).status_code == 201
    url = f"https://management.azure.com{azure.workspace}/data/linked/versions"
    query = "$top=1&$orderBy=createdtime%20desc&api-version=2023-04-01-preview&listViewType=ActiveOnly"
    headers = {"Authorization": f"Bearer {azure.token()}"}
    seen, link = [], f"{url}?{query}"
    while link:
        answer = azure.session.get(link, headers=headers).json()
        seen += [each["name"] for each in answer["value"]]
        assert "nextLink" in answer or len(seen) == 3
        link = answer.get("nextLink", "")
        if link:
            start = f"{url}?api-version=2023-04-01-preview&$top=1&$orderBy=createdtime%20desc&listViewType=ActiveOnly"
            head, found, token = link.partition("&$skipToken=")
            assert (head, found) == (start, "&$skipToken=")
            assert not token.isdigit()
            assert [name for name, _ in parse_qsl(urlsplit(link).query)][-1] == "$skipToken"
    assert seen == ["three", "two", "one"]


@pytest.mark.parametrize("token", ["1", "abc", "MQ", "%FF", "AAAAAAAAMQ"])
def test_tokens_that_no_link_had_are_refused(azure: Azure, token: str) -> None:
    answer = azure.call("GET", "data", **{"$skipToken": token})
    assert (answer.status_code, answer.json()["error"]["target"]) == (400, "$skipToken")
