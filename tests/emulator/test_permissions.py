"""Roles: what they allow, which action each request needs, and that it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from phift.emulator.compose import ROUTES
from phift.emulator.core.actions import action_of, scope_of
from phift.emulator.core.roles import Roles, built_in
from phift.emulator.core.routing import Host
from phift.emulator.core.store import Store
from phift.emulator.host import lifecycle
from phift.errors import EmulatorError
from tests.emulator.client import Azure
from tests.emulator.serving import Serving

ML = "Microsoft.MachineLearningServices"
WS = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
DEPLOYMENTS = "Microsoft.Resources/deployments"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"


@pytest.fixture
def roles(tmp_path: Path) -> Iterator[Roles]:
    store = Store(tmp_path / "store.sqlite3")
    yield Roles(store)
    store.close()


@pytest.mark.parametrize(
    ("method", "template", "action"),
    [
        ("GET", f"{WS}/computes", f"{ML}/workspaces/computes/read"),
        ("HEAD", f"{WS}/computes/{{name}}", f"{ML}/workspaces/computes/read"),
        ("PATCH", f"{WS}/computes/{{name}}", f"{ML}/workspaces/computes/write"),
        ("POST", f"{WS}/datastores/{{name}}/listSecrets", f"{ML}/workspaces/datastores/listSecrets/action"),
        ("DELETE", f"{WS}/data/{{name}}/versions/{{v}}", f"{ML}/workspaces/data/versions/delete"),
        ("POST", f"{WS}/onlineEndpoints/{{e}}/token", f"{ML}/workspaces/onlineEndpoints/token/action"),
        ("GET", f"/subscriptions/{{s}}/providers/{ML}/locations/{{l}}/usages", f"{ML}/locations/usages/read"),
        ("GET", f"{WS}/onlineEndpoints/e/providers/Microsoft.Insights/metrics", "Microsoft.Insights/metrics/read"),
        ("GET", "/subscriptions/{s}", "Microsoft.Resources/subscriptions/read"),
        ("PUT", "/subscriptions/{s}/resourceGroups/{g}", "Microsoft.Resources/subscriptions/resourceGroups/write"),
        ("GET", f"{WS}/providers/Microsoft.Authorization/permissions", None),
        ("GET", "/subscriptions/{s}/resourceGroups/{g}/deployments/{d}/operations", f"{DEPLOYMENTS}/operations/read"),
        ("PUT", f"/subscriptions/{{s}}/resourceGroups/{{g}}/providers/{DEPLOYMENTS}/{{d}}", f"{DEPLOYMENTS}/write"),
        ("GET", f"/subscriptions/{{s}}/providers/{ML}/locations/{{l}}/mfeOperationsStatus/{{operation}}", None),
    ],
)
def test_the_action_follows_from_the_path(method: str, template: str, action: str | None) -> None:
    assert action_of(method, template) == action


def test_every_route_of_the_resource_manager_has_an_action() -> None:
    for route in ROUTES:
        if route.host is Host.ARM:
            action = action_of(route.method, route.path)
            assert action is None or (action.count("/") > 1 and "{" not in action), route.path


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/subscriptions/s", "/subscriptions/s"),
        ("/subscriptions/s/resourceGroups/g", "/subscriptions/s/resourceGroups/g"),
        (f"{WS}/computes/c", f"{WS}/computes/c"),
        (f"{WS}/computes", WS),
        (f"{WS}/computes/c/listNodes", f"{WS}/computes/c"),
        (
            f"{WS}/onlineEndpoints/e/providers/microsoft.insights/metrics",
            f"{WS}/onlineEndpoints/e/providers/microsoft.insights",
        ),
    ],
)
def test_a_refusal_names_the_resource(path: str, scope: str) -> None:
    assert scope_of(path) == scope


ALLOWED = {
    "Owner": {"workspaces/write", "workspaces/computes/write", "workspaces/jobs/cancel/action"},
    "Contributor": {"workspaces/write", "workspaces/computes/write", "workspaces/jobs/cancel/action"},
    "Reader": set(),
    "Monitoring Reader": set(),
    "AzureML Data Scientist": {
        "workspaces/jobs/cancel/action",
        "workspaces/jobs/write",
        "workspaces/onlineEndpoints/write",
    },
    "AzureML Compute Operator": {"workspaces/computes/write", "workspaces/computes/delete"},
    "AzureML Registry User": {"registries/assets/write"},
}
READS = {"Owner", "Contributor", "Reader", "Monitoring Reader", "AzureML Data Scientist"}
ACTIONS = sorted(set().union(*ALLOWED.values()) | {"workspaces/computes/delete", "workspaces/listKeys/action"})


@pytest.mark.parametrize("role", sorted(ALLOWED))
def test_built_in_roles_allow_what_azure_says(roles: Roles, role: str) -> None:
    roles.assign([role.upper()])
    assert roles.assigned == [role]
    allowed = {action for action in ACTIONS if roles.allows(f"{ML}/{action}")}
    if role in ("Owner", "Contributor"):
        assert allowed == set(ACTIONS)
    else:
        assert allowed >= ALLOWED[role]
        assert not allowed - ALLOWED[role] - {"workspaces/listKeys/action"}
        assert not roles.allows(f"{ML}/workspaces/listKeys/action")
    assert roles.allows(f"{ML}/workspaces/read") is (role in READS)
    assert roles.allows("Microsoft.Authorization/roleAssignments/write") is (role == "Owner")
    assert not roles.allows_data(f"{BLOBS}/read"), "no role of the control plane reads data"


def test_an_exception_holds_for_its_own_role_alone(roles: Roles) -> None:
    roles.assign([{"actions": ["*"], "notActions": ["*/delete"]}])
    assert not roles.allows("Any.Thing/it/DELETE")
    roles.assign([{"actions": ["*"], "notActions": ["*/delete"]}, {"actions": ["any.thing/*"]}])
    assert roles.allows("Any.Thing/it/delete")
    assert not roles.allows("Other.Thing/it/delete")


@pytest.mark.parametrize(
    "wrong", [None, "Owner", ["Emperor"], [{"actions": "*"}], [{"action": ["*"]}], [{"actions": [1]}], [5]]
)
def test_what_is_not_a_role_changes_nothing(roles: Roles, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"role|must be a list"):
        roles.assign(wrong)
    assert roles.assigned == ["Owner", "Storage Blob Data Contributor"]


Assign = Callable[..., Any]


@pytest.fixture
def assign(azure: Azure) -> Iterator[Assign]:
    yield lambda *roles: azure.admin("PUT", "/roles", {"roles": list(roles)})
    azure.admin("PUT", "/roles", {"roles": ["Owner", "Storage Blob Data Contributor"]})


def test_the_permissions_are_told_at_every_scope(azure: Azure, assign: Assign) -> None:
    custom = {"actions": ["*/read"], "notActions": ["*/models/read"], "dataActions": [], "notDataActions": []}
    assign("Contributor", custom)
    subscription = f"/subscriptions/{azure.connection.subscription_id}"
    group = f"{subscription}/resourceGroups/{azure.connection.resource_group}"
    scopes = (subscription, group, azure.workspace, f"{azure.workspace}/computes/c")
    for scope in (
        *scopes,
        f"{azure.workspace}/onlineEndpoints/e/deployments/d",
        f"{group}/providers/Microsoft.Storage/a/b",
    ):
        for api in ("2015-07-01", "2018-07-01", "2022-04-01"):
            answer = azure.call("GET", f"{scope}/providers/Microsoft.Authorization/permissions", api=api)
            assert answer.status_code == 200, scope
            assert answer.json()["value"] == [
                {
                    "actions": ["*"],
                    "dataActions": [],
                    "notDataActions": [],
                    "notActions": list(built_in()["Contributor"]["notActions"]),
                },
                custom,
            ]
    assign()
    answer = azure.call("GET", f"{azure.workspace}/providers/Microsoft.Authorization/permissions", api="2022-04-01")
    assert (answer.status_code, answer.json()) == (200, {"value": []})


def test_a_caller_without_the_action_is_refused(azure: Azure, assign: Assign) -> None:
    assign("Reader")
    assert azure.call("GET", "computes").status_code == 200
    refused = azure.call("PUT", "computes/mine", {"properties": {}})
    client = azure.connection.client_id
    assert (refused.status_code, refused.headers["x-ms-failure-cause"]) == (403, "gateway")
    error = refused.json()["error"]
    assert error["code"] == "AuthorizationFailed"
    assert error["message"].startswith(f"The client '{client}' with object id '")
    assert error["message"].endswith(
        f"' does not have authorization to perform action '{ML}/workspaces/computes/write' over scope "
        f"'{azure.workspace}/computes/mine' or the scope is invalid. If access was recently granted, please refresh "
        "your credentials."
    )
    assert azure.call("POST", "datastores/workspaceblobstore/listSecrets").status_code == 403
    assert azure.call("DELETE", "jobs/none").status_code == 403
    assign("AzureML Data Scientist")
    assert azure.call("POST", "datastores/workspaceblobstore/listSecrets").status_code == 200
    assert azure.call("PUT", "computes/mine", {"properties": {}}).status_code == 403
    assert azure.call("GET", azure.workspace).status_code == 200
    assign()
    assert azure.call("GET", azure.workspace).status_code == 403


def test_data_needs_a_role_of_its_own(azure: Azure, assign: Assign) -> None:
    properties = azure.call("GET", "datastores/workspaceblobstore", api="2024-07-01-preview").json()["properties"]
    url = f"https://{properties['accountName']}.blob.core.windows.net/{properties['containerName']}"
    headers = {"Authorization": f"Bearer {azure.token('https://storage.azure.com')}", "x-ms-version": "2024-11-04"}

    def put(name: str = "permitted") -> int:
        sent = {**headers, "x-ms-blob-type": "BlockBlob"}
        return azure.session.put(f"{url}/{name}", data=b"x", headers=sent).status_code

    def listed() -> int:
        return azure.session.get(url, params={"restype": "container", "comp": "list"}, headers=headers).status_code

    assert (put(), listed()) == (201, 200)
    assign("Owner")
    refused = azure.session.get(f"{url}/permitted", headers=headers)
    assert (refused.status_code, refused.headers["x-ms-error-code"]) == (403, "AuthorizationPermissionMismatch")
    assert (put(), listed()) == (403, 403)
    assert azure.session.put(f"{url}-own?restype=container", headers=headers).status_code == 201, (
        "a container is a resource"
    )
    assign("Storage Blob Data Reader")
    assert azure.session.get(f"{url}/permitted", headers=headers).status_code == 200
    assert (put(), listed()) == (403, 200)
    assert azure.session.delete(f"{url}-own?restype=container", headers=headers).status_code == 403
    assign({"dataActions": [f"{BLOBS}/add/action"]})
    assert (put(), put("added")) == (403, 201), "what is there is not overwritten"
    assert azure.session.delete(f"{url}/permitted", headers=headers).status_code == 403
    assign("Storage Blob Data Contributor")
    assert azure.session.delete(f"{url}-own?restype=container", headers=headers).status_code == 202
    keyed = azure.admin("GET", "/roles")
    assert keyed["roles"] == ["Storage Blob Data Contributor"]


def test_scoring_with_a_token_needs_the_action(azure: Azure, assign: Assign) -> None:
    serving = Serving(azure)
    serving.ok(serving.put_endpoint("guarded", mode="AADToken"))
    url = "https://guarded.eastus.inference.ml.azure.com/score"
    headers = {"Authorization": f"Bearer {azure.token('https://ml.azure.com')}"}
    assert azure.session.post(url, json={}, headers=headers).status_code == 404, "no deployment has traffic"
    assign("Reader")
    assert azure.session.post(url, json={}, headers=headers).status_code == 403
    assign({"actions": [f"{ML}/workspaces/onlineEndpoints/score/action"]})
    assert azure.session.post(url, json={}, headers=headers).status_code == 404


def test_roles_survive_a_restart_and_not_a_reset(home: Path) -> None:
    client = Azure(lifecycle.ensure(home, idle_seconds=600))
    with client.session:
        client.admin("PUT", "/roles", {"roles": ["Reader"]})
        with pytest.raises(EmulatorError, match="Emperor"):
            client.admin("PUT", "/roles", {"roles": ["Emperor"]})
    lifecycle.stop(home)
    client = Azure(lifecycle.ensure(home, idle_seconds=600))
    with client.session:
        assert client.admin("GET", "/roles")["roles"] == ["Reader"]
        client.admin("POST", "/reset")
        assert client.admin("GET", "/roles")["roles"] == ["Owner", "Storage Blob Data Contributor"]
