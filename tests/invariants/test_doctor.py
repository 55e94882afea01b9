"""phift doctor: read-only, says which facts hold, and records nothing that identifies anybody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from inprocess import InProcess, hurried
from worlds import spec_text

from phift import phases
from phift.phases import ApplyOptions, Request, Result
from phift.phases.recording import redacted, redacted_path
from phift.views import doctor as view

OWN = ["Owner", "Storage Blob Data Contributor"]
GUID = "8e37bf63-79ab-43aa-8224-facbfb25b5da"


class Recording(InProcess):
    """Also keeps the queries of requests."""

    def __init__(self, home: Path) -> None:
        self.urls: list[tuple[str, str]] = []
        super().__init__(home)

    def ask(self, method: str, url: str, headers: list[tuple[bytes, bytes]], content: bytes) -> tuple[int, Any, bytes]:
        self.urls.append((method, url))
        return super().ask(method, url, headers, content)


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Recording, Request]]:
    """A workspace with a stack that serves."""
    folder = tmp_path_factory.mktemp("doctor")
    row = {
        "prompt": "a?",
        "prompt_id": "1",
        "messages": [{"role": "user", "content": "a?"}, {"role": "assistant", "content": "b"}],
    }
    (folder / "train.jsonl").write_text((json.dumps(row) + "\n") * 3, encoding="utf-8")
    spec = spec_text("private-name", tags={"customer": "contoso"}, finetune={"parameters": {"max_steps": 3}})
    (folder / "spec.yaml").write_text(spec, encoding="utf-8")
    request = Request(folder / "spec.yaml")
    with hurried():
        home = Recording(folder / "home")
        try:
            plan = phases.plan(request, home.connector)
            result = phases.apply(plan, request, home.connector, listener=lambda event: None, options=ApplyOptions())
            assert result.exit_code == 0
            yield home, request
        finally:
            home.close()


def test_it_reads_only_and_every_fact_holds(applied: tuple[Recording, Request]) -> None:
    home, request = applied
    mark = len(home.requests)
    found = phases.doctor(request, home.connector)
    sent = [(method, url) for method, url, _ in home.requests[mark:] if "login.microsoftonline.com" not in url]
    assert {method for method, _ in sent} == {"GET"}
    assert {f.name: f.seen for f in found.facts if f.result is not Result.HOLDS} == {}
    names = {fact.name for fact in found.facts}
    assert {"tag-limits", "metric-endpoint-RequestsPerMinute", "permissions-workspace", "component-interface"} <= names
    assert not found.differs


def test_it_checks_the_api_versions_that_an_apply_writes_with(applied: tuple[Recording, Request]) -> None:
    home, request = applied
    facts = {fact.name for fact in phases.doctor(request, home.connector).facts}
    place = re.compile(r"/workspaces/[^/]+/(?:onlineEndpoints/[^/]+/(?=d))?(\w+)/[^?]*\?.*api-version=([0-9a-z-]+)")
    found = (place.search(url) for method, url in home.urls if method in ("PUT", "PATCH", "DELETE"))
    written = {f"api-version-{match[1]}-{match[2]}" for match in found if match}
    assert len(written) >= 6
    assert written <= facts


def test_what_cannot_be_read_is_not_checked(applied: tuple[Recording, Request]) -> None:
    home, request = applied
    provider = "Microsoft.MachineLearningServices"
    unreadable = [f"{provider}/locations/*/read", f"{provider}/workspaces/datastores/read"]
    home.inside(lambda: home.emulator.roles.assign([{"actions": ["*"], "notActions": unreadable}, *OWN[1:]]))
    try:
        found = phases.doctor(request, home.connector)
    finally:
        home.inside(lambda: home.emulator.roles.assign(OWN))
    unread = {fact.name: fact.seen for fact in found.facts if fact.result is not Result.HOLDS}
    size = "Standard_NC24ads_A100_v4"
    names = {f"size-{size}", f"price-{size}", f"quota-{size}", "default-datastore"}
    assert unread == dict.fromkeys(names, "HTTP 403 AuthorizationFailed")
    assert not found.differs


def test_serverless_sizes_and_a_served_model_are_checked(applied: tuple[Recording, Request]) -> None:
    home, request = applied
    folder = request.path.parent
    serverless = {"finetune": "serverless:Standard_NC48ads_A100_v4", "other_steps": "serverless:Standard_E8s_v3"}
    (folder / "serverless.yaml").write_text(spec_text("serverless", compute=serverless), encoding="utf-8")
    served = "azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest"
    blocks = dict.fromkeys(("base_model", "data", "compute", "finetune"))
    (folder / "served.yaml").write_text(spec_text("served", model=served, **blocks), encoding="utf-8")
    facts = {fact.name for fact in phases.doctor(Request(folder / "serverless.yaml"), home.connector).facts}
    assert {"quota-Standard_NC48ads_A100_v4", "price-Standard_E8s_v3", "size-Standard_NC24ads_A100_v4"} <= facts
    facts = {fact.name for fact in phases.doctor(Request(folder / "served.yaml"), home.connector).facts}
    assert "model-serving-list" in facts
    assert "model-allow-list" not in facts


def test_the_recording_identifies_nobody(applied: tuple[Recording, Request]) -> None:
    home, request = applied
    text = view.json(phases.doctor(request, home.connector))
    here = home.emulator.workspace
    private = (
        here.subscription_id, here.resource_group, here.workspace_id, here.tenant_id, here.storage_account,
        here.container, "private-name", "customer", "contoso", "https://", "azureml://", "/subscriptions/",
    )  # fmt: skip
    assert [word for word in private if word.lower() in text.lower()] == []
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}", text)
    recorded = json.loads(text)
    assert {exchange["host"] for exchange in recorded["exchanges"]} == {"management.azure.com", "registry"}
    paths = [exchange["path"] for exchange in recorded["exchanges"]]
    assert "subscriptions/*/resourceGroups/*/providers/Microsoft.MachineLearningServices/workspaces/*" in paths
    assert text == view.json(phases.doctor(request, home.connector)), "requests are recorded in one order"


def test_a_fact_that_does_not_hold_is_reported(applied: tuple[Recording, Request]) -> None:
    home, request = applied
    home.inside(lambda: home.emulator.roles.assign(["Reader"]))
    try:
        found = phases.doctor(request, home.connector)
    finally:
        home.inside(lambda: home.emulator.roles.assign(OWN))
    differing = [fact for fact in found.facts if fact.result is Result.DIFFERS]
    assert [fact.name for fact in differing] == ["roles-resource-group", "roles-workspace"]
    assert "jobs/write" in differing[0].seen
    assert found.differs
    text = view.text(found)
    assert "differs      the roles at the workspace allow" in text
    assert text.splitlines()[-1].endswith("2 differ.")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"id": f"/subscriptions/{GUID}/x"}, {"id": "<arm id>"}),
        ({"name": "my-endpoint"}, {"name": "<text of 11>"}),
        ({"tags": {"owner": "a@b.c"}}, {"tags": {"<name 1>": "<text of 5>"}}),
        ({"tags": {"phift.stack": "s"}}, {"tags": {"phift.stack": "<text of 1>"}}),
        ({"tags": {"Stage": "secret project"}}, {"tags": {"<name 1>": "<text of 14>"}}),
        ({"environmentVariables": {"CODE": "hunter2"}}, {"environmentVariables": {"<name 1>": "<text of 7>"}}),
        (
            {"properties": {"properties": {"stage": "secret project", "phift.x": "a"}}},
            {"properties": {"properties": {"<name 1>": "<text of 14>", "phift.x": "<text of 1>"}}},
        ),
        (
            {"properties": {"properties": {"vmSize": "Standard_D2_v2", "nodes": 1}}},
            {"properties": {"properties": {"vmSize": "Standard_D2_v2", "nodes": 1}}},
        ),
        ({"traffic": {"blue": 100}}, {"traffic": {"<name 1>": 100}}),
        ({"vmSize": "Standard_D2_v2", "state": GUID}, {"vmSize": "Standard_D2_v2", "state": "<id>"}),
        ({"type": "https://host/x"}, {"type": "<url>"}),
        ({"key": "AccountKey=abc"}, {"key": "<text of 14>"}),
        ({"createdAt": "2026-01-01T00:00:00Z"}, {"createdAt": "<time>"}),
        ({GUID: {"clientId": GUID}}, {"<name 1>": {"clientId": "<id>"}}),
        ({"a b/c": 1}, {"<name 1>": 1}),
        ({"value": list(range(30))}, {"value": [*range(20), "<10 more>"]}),
    ],
)  # fmt: skip
def test_values_are_shown_as_what_they_are(given: Any, shown: Any) -> None:
    assert redacted(given) == shown


def test_names_of_the_service_are_kept_where_they_are_asked_for() -> None:
    assert redacted({"value": [{"name": "Standard_D2_v2"}]}, names=True) == {"value": [{"name": "Standard_D2_v2"}]}
    assert redacted({"value": [{"name": GUID}]}, names=True) == {"value": [{"name": "<id>"}]}


def test_paths_keep_types_and_no_names() -> None:
    path = f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/w"
    below = "onlineEndpoints/e/providers/microsoft.insights/metricDefinitions"
    assert redacted_path(f"{path}/{below}") == (
        "subscriptions/*/resourceGroups/*/providers/Microsoft.MachineLearningServices/workspaces/*/onlineEndpoints/*"
        "/providers/microsoft.insights/metricDefinitions"
    )
    assert redacted_path("models/secret-model/versions/3") == "models/*/versions/*"
