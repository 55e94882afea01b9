"""`phift import`: what exists becomes a spec whose first plan only adopts; then nothing changes until the spec does."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from inprocess import InProcess, hurried
from support import REPOSITORY

from phift import phases
from phift.azure.facts import RemoteFacts
from phift.azure.session import Azure
from phift.errors import RefusedError, UsageError
from phift.kinds.shared.monitor import SETTINGS_API, settings_path
from phift.lock import read_lock
from phift.phases import ApplyOptions, ImportedSpec, Request
from phift.plan.action import Action
from phift.plan.model import Plan
from phift.spec import yaml12
from phift.spec.tree import plain

API = "2024-10-01"
MODEL = "azureml://registries/azureml/models/Phi-3-mini-4k-instruct/versions/{}"
SIZE = "Standard_NC24ads_A100_v4"
SERVING = sorted(p for p in (REPOSITORY / "configs").glob("*.yaml") if re.search("^endpoint:", p.read_text(), re.M))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[InProcess]:
    with hurried():
        home = InProcess(tmp_path / "home")
        yield home
        home.close()


@pytest.fixture
def azure(world: InProcess) -> Azure:
    return world.azure()


def make(azure: Azure, path: str, body: dict[str, Any], api: str = API) -> None:
    whole = path if path.startswith("/") else f"{azure.workspace.arm_id}/{path}"
    azure.arm.put(whole, api, {"location": azure.location, **body})
    deadline = time.monotonic() + 60
    while azure.arm.get(whole, api)["properties"].get("provisioningState", "Succeeded") != "Succeeded":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def model(azure: Azure) -> str:
    return MODEL.format(RemoteFacts(azure).newest("models", "azureml", MODEL.split("/")[5]))


def made(azure: Azure, endpoint: str, traffic: Mapping[str, int], **properties: Any) -> None:
    """An endpoint with a deployment for each name of the traffic, as others make it."""
    body = {"identity": {"type": "SystemAssigned"}, "tags": {"of": "others"}}
    settings = {"authMode": "Key", "description": "ours: all"}
    make(azure, f"onlineEndpoints/{endpoint}", {**body, "properties": settings})
    for name in traffic:
        sent = {"endpointComputeType": "Managed", "model": model(azure), "instanceType": SIZE, **properties}
        whole = {"sku": {"name": "Default", "capacity": 2}, "tags": {"color": name}, "properties": sent}
        make(azure, f"onlineEndpoints/{endpoint}/deployments/{name}", whole)
    if any(traffic.values()):
        make(azure, f"onlineEndpoints/{endpoint}", {**body, "properties": {**settings, "traffic": dict(traffic)}})


def imported(world: InProcess, folder: Path, endpoint: str, **options: Any) -> tuple[ImportedSpec, Request]:
    found = phases.import_endpoint(world.azure(), endpoint, target="local", **options)
    path = folder / f"{found.stack}.yaml"
    phases.write_imported(path, found)
    return found, Request(path)


def changes(plan: Plan) -> dict[str, Action]:
    return {str(r.address): r.action for r in plan.resources if r.action is not Action.NO_OP}


def applied(world: InProcess, request: Request) -> None:
    plan = phases.plan(request, world.connector)
    result = phases.apply(plan, request, world.connector, listener=lambda event: None, options=ApplyOptions())
    assert result.exit_code == 0


def traffic(azure: Azure, endpoint: str) -> dict[str, int]:
    properties = azure.arm.get(f"{azure.workspace.arm_id}/onlineEndpoints/{endpoint}", API)["properties"]
    return {name: share for name, share in properties["traffic"].items() if share}


def deployments(azure: Azure, endpoint: str) -> list[str]:
    path = f"{azure.workspace.arm_id}/onlineEndpoints/{endpoint}/deployments"
    return sorted(one["name"] for one in azure.arm.list(path, API))


def edit(request: Request, old: str, new: str) -> None:
    text = request.path.read_text(encoding="utf-8")
    assert text.count(old) == 1, text
    request.path.write_text(text.replace(old, new), encoding="utf-8")


ADOPTED = {"endpoint.main": Action.ADOPT, "deployment.main": Action.ADOPT}


def test_the_name_is_kept_until_the_deployment_changes(world: InProcess, azure: Azure, tmp_path: Path) -> None:
    variables = {"LEVEL": "1", "API_TOKEN": "hf_abcdefghijklmnopqrst", "TEXT": "{{ a }}\n{% b %}"}
    made(azure, "kept", {"blue": 100}, environmentVariables=variables, requestSettings={"requestTimeout": "PT90S"})
    mark = len(world.requests)
    found, request = imported(world, tmp_path, "kept")
    assert {method for method, url, _ in world.requests[mark:] if "login." not in url} == {"GET"}
    text = request.path.read_text(encoding="utf-8")
    assert "API_TOKEN: {secret: env:API_TOKEN}" in text
    assert any("API_TOKEN" in note for note in found.notes)
    assert "hf_abc" not in text + "".join(found.notes)
    plan = phases.plan(request, world.connector)
    assert changes(plan) == ADOPTED
    assert all(not resource.visible_changes for resource in plan.resources)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("API_TOKEN", variables["API_TOKEN"])
        applied(world, request)
        assert (deployments(azure, "kept"), traffic(azure, "kept")) == (["blue"], {"blue": 100})
        live = azure.arm.get(f"{azure.workspace.arm_id}/onlineEndpoints/kept/deployments/blue", API)["properties"]
        assert {name: live["environmentVariables"][name] for name in variables} == variables
        assert not phases.plan(request, world.connector).changes_something
        # Neither what is updated in place nor another clone changes the name; the import may leave the spec.
        edit(request, "instance_count: 2", "instance_count: 3")
        edit(request, "adopt: {endpoint: true, deployment: true}\n", "")
        assert changes(phases.plan(request, world.connector)) == {"deployment.main": Action.UPDATE}
        clone = tmp_path / "clone"
        clone.mkdir()
        for name in (request.path.name, "phift.lock"):
            shutil.copy(tmp_path / name, clone)
        assert changes(phases.plan(Request(clone / request.path.name), world.connector)) == {
            "deployment.main": Action.UPDATE
        }
        edit(request, 'LEVEL: "1"', 'LEVEL: "2"')
        plan = phases.plan(request, world.connector)
        assert changes(plan) == {
            "deployment.main": Action.CREATE,
            "traffic.main": Action.SHIFT,
            "deployment.blue": Action.DELETE,
        }
        applied(world, request)
        (new,) = deployments(azure, "kept")
        assert re.fullmatch("d-[0-9a-f]{8}", new)
        assert traffic(azure, "kept") == {new: 100}
        assert not phases.plan(request, world.connector).changes_something
    removal = phases.destroy_plan(request, world.connector)
    phases.apply(removal, request, world.connector, listener=lambda event: None, options=ApplyOptions())
    assert "kept" not in [one["name"] for one in azure.arm.list(f"{azure.workspace.arm_id}/onlineEndpoints", API)]


def test_of_several_deployments_the_others_are_left_alone(world: InProcess, azure: Azure, tmp_path: Path) -> None:
    made(azure, "several", {"blue": 90, "green": 10})
    found, request = imported(world, tmp_path, "several")
    assert any("green (10 %" in note for note in found.notes)
    plan = phases.plan(request, world.connector)
    assert changes(plan) == ADOPTED
    assert [d.code for d in plan.warnings if d.code == "traffic-diverted"]
    applied(world, request)
    assert not phases.plan(request, world.connector).changes_something
    assert traffic(azure, "several") == {"blue": 90, "green": 10}
    edit(request, "instance_count: 2", "instance_count: 2\n  environment_variables: {A: b}")
    applied(world, request)
    (new,) = set(deployments(azure, "several")) - {"green"}
    assert traffic(azure, "several") == {new: 90, "green": 10}


def test_equal_shares_need_a_choice(world: InProcess, azure: Azure, tmp_path: Path) -> None:
    made(azure, "equal", {"blue": 50, "green": 50})
    with pytest.raises(UsageError, match="2 deployments with 50 %"):
        phases.import_endpoint(azure, "equal", target="local")
    _, request = imported(world, tmp_path, "equal", deployment="green", name="chosen")
    assert changes(phases.plan(request, world.connector)) == ADOPTED
    with pytest.raises(UsageError, match="does not have a deployment red"):
        phases.import_endpoint(azure, "equal", deployment="red", target="local")


def test_without_traffic_the_split_is_left_to_the_author(world: InProcess, azure: Azure, tmp_path: Path) -> None:
    made(azure, "idle", {"blue": 0})
    _, request = imported(world, tmp_path, "idle")
    assert "rollout: {traffic: unmanaged}" in request.path.read_text(encoding="utf-8")
    assert changes(phases.plan(request, world.connector)) == ADOPTED
    applied(world, request)
    assert not phases.plan(request, world.connector).changes_something
    assert traffic(azure, "idle") == {}


def scaling(azure: Azure, endpoint: str, rule: dict[str, Any] | None = None) -> str:
    """An autoscale setting of blue with a name of its own."""
    target = f"{azure.workspace.arm_id}/onlineEndpoints/{endpoint}/deployments/blue"
    trigger = {
        "metricName": "CpuUtilizationPercentage",
        "metricResourceUri": target,
        "timeGrain": "PT1M",
        "statistic": "Average",
        "timeWindow": "PT10M",
        "timeAggregation": "Average",
        "operator": "GreaterThan",
        "threshold": 70,
    } | (rule or {})
    action = {"direction": "Increase", "type": "ChangeCount", "value": "1", "cooldown": "PT5M"}
    profile = {
        "name": "usual",
        "capacity": {"minimum": "2", "maximum": "4", "default": "2"},
        "rules": [{"metricTrigger": trigger, "scaleAction": action}],
    }
    night = {
        "name": "night",
        "capacity": {"minimum": "1", "maximum": "2", "default": "1"},
        "rules": [],
        "fixedDate": {"timeZone": "UTC", "start": "2027-01-01T22:00:00", "end": "2027-01-02T06:00:00"},
    }
    body = {
        "name": "scale-blue",
        "enabled": True,
        "targetResourceUri": target,
        "targetResourceLocation": azure.location,
        "profiles": [profile, night],
    }
    path = f"{settings_path(azure.workspace)}/scale-blue"
    azure.arm.put(path, SETTINGS_API, {"location": azure.location, "tags": {}, "properties": body})
    return path


def test_an_autoscale_setting_keeps_its_name(world: InProcess, azure: Azure, tmp_path: Path) -> None:
    made(azure, "scaled", {"blue": 100})
    scaling(azure, "scaled")
    _, request = imported(world, tmp_path, "scaled")
    text = request.path.read_text(encoding="utf-8")
    assert "instance_count" not in text
    assert "{metric: CpuUtilizationPercentage, above: 70, add: 1, window_minutes: 10}" in text
    assert read_lock(tmp_path / "phift.lock").stack("scaled").deployment is not None
    plan = phases.plan(request, world.connector)
    assert changes(plan) == {**ADOPTED, "autoscale.main": Action.ADOPT}
    applied(world, request)
    assert not phases.plan(request, world.connector).changes_something
    assert [one["name"] for one in azure.arm.list(settings_path(azure.workspace), SETTINGS_API)] == ["scale-blue"]
    edit(request, "  autoscale:", "  environment_variables: {A: b}\n  autoscale:")
    applied(world, request)
    (setting,) = azure.arm.list(settings_path(azure.workspace), SETTINGS_API)
    (new,) = deployments(azure, "scaled")
    assert setting["name"].startswith(f"scaled-{new}-")
    assert not phases.plan(request, world.connector).changes_something


def test_a_setting_that_a_spec_cannot_express_is_left_alone(world: InProcess, azure: Azure, tmp_path: Path) -> None:
    made(azure, "odd", {"blue": 100})
    scaling(azure, "odd", {"timeGrain": "PT90S"})
    found, request = imported(world, tmp_path, "odd")
    assert any("autoscale setting scale-blue is left out" in note for note in found.notes)
    assert "instance_count: {initial: 2}" in request.path.read_text(encoding="utf-8")
    assert changes(phases.plan(request, world.connector)) == ADOPTED
    applied(world, request)
    assert not phases.plan(request, world.connector).changes_something


def test_what_differs_from_the_spec_is_shown_before_it_is_adopted(
    world: InProcess, azure: Azure, tmp_path: Path
) -> None:
    made(azure, "moved", {"blue": 100})
    _, request = imported(world, tmp_path, "moved")
    path = f"{azure.workspace.arm_id}/onlineEndpoints/moved/deployments/blue"
    body = azure.arm.get(path, API)
    body["properties"]["model"] = re.sub("[0-9]+$", "14", body["properties"]["model"])
    make(azure, path, {key: body[key] for key in ("sku", "tags", "properties")})
    plan = phases.plan(request, world.connector)
    assert changes(plan) == ADOPTED
    (change,) = next(r.visible_changes for r in plan.resources if str(r.address) == "deployment.main")
    assert (change.path, str(change.live)[-3:]) == ("model", "/14")


def test_a_destroy_before_the_first_apply_deletes_nothing(world: InProcess, azure: Azure, tmp_path: Path) -> None:
    made(azure, "early", {"blue": 100})
    _, request = imported(world, tmp_path, "early")
    plan = phases.destroy_plan(request, world.connector)
    assert not plan.changes_something


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            {"endpoint": {"tags": {"phift.stack": "shop", "phift.source": "github.com/a/b#s.yaml"}}},
            "stack shop of github",
        ),
        ({"deployment": {"tags": {"phift.stack": "shop"}}}, "deployment blue .* stack shop"),
    ],
)
def test_refused(world: InProcess, azure: Azure, change: dict[str, dict[str, Any]], why: str) -> None:
    made(azure, "theirs", {"blue": 100})
    path = f"{azure.workspace.arm_id}/onlineEndpoints/theirs"
    for what, patch in change.items():
        azure.arm.patch(path if what == "endpoint" else f"{path}/deployments/blue", API, patch)
    with pytest.raises(RefusedError, match=why):
        phases.import_endpoint(azure, "theirs", target="local")


def test_not_found(azure: Azure, tmp_path: Path) -> None:
    for name in ("nothing", "../computes", "a b", ""):
        with pytest.raises(UsageError, match="not found"):
            phases.import_endpoint(azure, name, target="local")
    make(azure, "onlineEndpoints/empty", {"identity": {"type": "SystemAssigned"}, "properties": {"authMode": "Key"}})
    with pytest.raises(RefusedError, match="no deployment"):
        phases.import_endpoint(azure, "empty", target="local")
    for name, remedy in (("emtpy", "Did you mean empty?"), ("full", "To list what exists, run `az ml online-endpoint")):
        with pytest.raises(UsageError, match="not found") as caught:
            phases.import_endpoint(azure, name, target="local")
        assert caught.value.remedy.startswith(remedy)


@pytest.mark.usefixtures("seed_hub")
@pytest.mark.parametrize("config", SERVING, ids=lambda path: path.stem)
def test_every_example_comes_back(config: Path, world: InProcess, tmp_path: Path) -> None:
    """Made by phift, stripped of its tags as by an outsider, and imported."""
    folder = tmp_path / "configs"
    shutil.copytree(REPOSITORY / "configs", folder)
    spec = folder / config.name
    root, _ = yaml12.parse(spec.read_text(encoding="utf-8"), config.name)
    assert root is not None
    values = plain(root)
    values.pop("tests", None)  # nothing answers in this process
    if values.pop("finetune", None):
        values = {key: value for key, value in values.items() if key not in ("base_model", "data", "compute")}
        values |= {"model": model(world.azure()), "targets": {"local": {"default": True}}}
        values["deployment"]["instance_type"] = SIZE
    spec.write_text(json.dumps(values), encoding="utf-8")
    request = Request(spec, "local")
    applied(world, request)
    azure = world.azure()
    (endpoint,) = azure.arm.list(f"{azure.workspace.arm_id}/onlineEndpoints", API)
    stripped(azure, endpoint)
    for one in azure.arm.list(f"{endpoint['id']}/deployments", API):
        stripped(azure, one)
    for one in azure.arm.list(settings_path(azure.workspace), SETTINGS_API):
        stripped(azure, one, SETTINGS_API)
    _, again = imported(world, tmp_path, endpoint["name"])
    plan = phases.plan(again, world.connector)
    assert set(changes(plan).values()) == {Action.ADOPT}, plan.to_dict()
    assert all(not resource.visible_changes for resource in plan.resources)
    applied(world, again)
    assert not phases.plan(again, world.connector).changes_something
    phases.load(again)


def stripped(azure: Azure, raw: Mapping[str, Any], api: str = API) -> None:
    tags = {name: value for name, value in raw["tags"].items() if not name.startswith("phift.")}
    body = {key: raw[key] for key in ("location", "identity", "kind", "sku", "properties") if raw.get(key)}
    make(azure, raw["id"], {**body, "tags": tags}, api)


def test_a_size_that_the_model_does_not_allow_runs_on(world: InProcess, azure: Azure, tmp_path: Path) -> None:
    made(azure, "small", {"blue": 100}, instanceType="Standard_DS3_v2")
    _, request = imported(world, tmp_path, "small")
    assert changes(phases.plan(request, world.connector)) == ADOPTED
    applied(world, request)
    assert not phases.plan(request, world.connector).changes_something
    edit(request, "instance_count: 2", "instance_count: 2\n  environment_variables: {A: b}")
    with pytest.raises(RefusedError, match="Standard_DS3_v2 is not allowed"):
        phases.plan(request, world.connector)
