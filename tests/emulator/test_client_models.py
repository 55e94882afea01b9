"""Every answer is one that the models of Azure's clients describe, or differs as the service was recorded to differ."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from phift.emulator.compose import ROUTES
from phift.emulator.core.environment import EXCHANGES
from phift.emulator.core.exchanges import shape
from phift.emulator.core.routing import LOCATION, SUBSCRIPTION, WS, Host, Route, Router
from phift.emulator.host import lifecycle
from tests.emulator.client import Azure
from tests.emulator.clientmodels import Found, differences, model_of
from tests.emulator.conformance import ALLOWED, allowed, canonical, differences_in, exchanges_of
from tests.emulator.replay import ENTRIES
from tests.sdk.test_programs import notebook_folder, run

ARM, DATA = "arm", "data_plane"
OPERATIONS = yaml.safe_load(Path(__file__).with_name("operations.yaml").read_text(encoding="utf-8"))
PROVIDER = f"{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices"


def test_a_demo_run_answers_as_the_models_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure's notebook in short, and every list of the table of operations in two api-versions."""
    home, log = tmp_path / "home", tmp_path / "exchanges"
    rehearsed = {"PHIFT_EMULATOR_JOBS": "rehearse", "PHIFT_EMULATOR_DEPLOYMENTS": "rehearse", EXCHANGES: str(log)}
    for name, value in rehearsed.items():
        monkeypatch.setenv(name, value)
    folder = notebook_folder(home, tmp_path / "notebook")
    try:
        cells = run(home, folder, "chat_completion.py", MAX_STEPS="4", **rehearsed)
        assert {"job", "registered", "answer"} <= set(cells)
        _ask_more(Azure(lifecycle.ensure(home)), cells)
    finally:
        lifecycle.stop(home)
    exchanges = list(exchanges_of(log))
    assert len({(each["method"], each["path"]) for each in exchanges}) >= 40
    found = differences_in(exchanges)
    assert not {name: where for name, where in found.items() if name not in allowed()}
    assert set(ALLOWED["because"]) <= set(found), "a difference that is allowed is not met any more"


def _ask_more(azure: Azure, cells: dict[str, Any]) -> None:
    """The lists of all groups, and what the notebook does not ask of its job."""
    scope = {"sub": azure.connection.subscription_id, "location": azure.connection.location}
    for row in OPERATIONS:
        for ask in row["asks"] if row["answers"] != "501" else ():
            method, path = ask.replace('"', "").split(" ")
            kind, _, rest = path.rpartition(":")
            base = {"": azure.workspace, "provider": PROVIDER, "locations": LOCATION}[kind].format(**scope)
            for api in ("2024-10-01-preview", "2023-04-01-preview"):
                azure.call(method, base if rest == "." else f"{base}/{rest}", api=api)
    job = str(cells["job"]["name"])
    history = f"/history/v1.0{azure.workspace}"
    host = f"{azure.connection.location}.api.azureml.ms"
    [node] = azure.call("GET", f"{history}/runs/{job}/children", host=host, api="v1.0").json()["value"]
    [step, *_] = azure.call("GET", f"{history}/runs/{node['runId']}/children", host=host, api="v1.0").json()["value"]
    for run_id in (job, node["runId"], step["runId"]):
        azure.call("GET", f"{history}/runs/{run_id}/details", host=host, api="v1.0")
        azure.call("GET", f"{history}/experiments/any/runs/{run_id}/artifacts", host=host, api="v1.0")
        body = {"runId": run_id, "selectRunMetadata": True, "selectRunDefinition": True}
        azure.call("POST", f"{history}/rundata", body, host=host, api="v1.0")
    azure.call("GET", f"{history}/runs/nobody", host=host, api="v1.0")


def test_each_allowed_difference_is_in_the_recording_that_it_names() -> None:
    """The service answered so: the recording has the difference too."""
    router = Router(ROUTES)
    for name, entry in ALLOWED["recorded"].items():
        assert name in _recorded(router, ENTRIES[entry]), f"{entry} does not show: {name}"


def test_the_recordings_differ_in_no_other_way() -> None:
    router = Router(ROUTES)
    found = {name: entry["name"] for entry in ENTRIES.values() for name in _recorded(router, entry)}
    assert not {name: entry for name, entry in found.items() if name not in allowed()}


def _recorded(router: Router, entry: dict[str, Any]) -> set[str]:
    """The differences of a recorded answer from its model."""
    request, body = entry["request"], entry.get("body")
    host = ARM if "host" not in request else DATA
    path = request["path"].replace("{WS}", WS).replace("{LOC}", LOCATION)
    if not isinstance(body, dict) or "{operation}" in path or "blob" in request.get("host", ""):
        return set()
    route, params = router.match(Host(host), request["method"], re.sub(r"\{[^}]*\}", "x", path))
    status = entry.get("status", 200)
    found = model_of(host, request["method"], route.path.replace("{kind}", params.get("kind", "")), status)
    return {canonical(each).name for each in differences(found, _plain(body))} if found else set()


def _plain(value: Any) -> Any:
    """A recorded value with something of their kind in place of patterns; ... for those of any kind."""
    if isinstance(value, dict):
        return ... if "$same" in value else {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in (value[1:] if value and value[0] == "$each" else value)]
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    kinds = {"$int": 1, "$time": "2026-03-01T00:00:00Z", "$timez": "2026-03-01T00:00:00Z", "$map": {}, "$list": []}
    return kinds.get(value.split()[0], ...)


def test_routes_without_a_model_have_a_reason() -> None:
    prefixes = tuple(prefix.replace("{WS}", WS) for prefix in ALLOWED["unmodelled"])
    used = set()
    for route in ROUTES:
        kinds = ("models", "data", "environments", "components") if "{kind}" in route.path else ("",)
        paths = [route.path.replace("{kind}", kind) for kind in kinds]
        if route.host not in (Host.ARM, Host.DATA_PLANE) or (
            route.host is Host.ARM and not _of_machine_learning(route)
        ):
            continue
        if all(model_of(route.host.value, route.method, path, 200) is None for path in paths):
            matching = [prefix for prefix in prefixes if route.path == prefix or route.path.startswith(prefix)]
            assert matching or route.method in ("DELETE", "POST"), f"{route.method} {route.path}"
            used.update(matching)
    assert used == set(prefixes)


def _of_machine_learning(route: Route) -> bool:
    """Whether a route of the resource manager is one of the provider whose clients these are."""
    return route.path.split("/providers/")[-1].startswith("Microsoft.MachineLearningServices/")


@pytest.mark.parametrize(
    ("model", "body", "expected"),
    [
        ("CodeVersion", {"properties": {"codeUri": "x"}}, []),
        ("CodeVersion", {"properties": {"codeUri": "x"}, "more": 1}, ["CodeVersion.more unknown"]),
        ("CodeVersion", {}, ["CodeVersion.properties missing"]),
        ("CodeVersion", {"properties": None}, ["CodeVersion.properties null"]),
        ("CodeVersion", {"properties": {"codeUri": 1}}, ["CodeVersionProperties.codeUri type"]),
        ("CodeVersion", {"properties": {"tags": {"a": 1}}}, ["CodeVersionProperties.tags type"]),
        (
            "CodeVersion",
            {"properties": {"provisioningState": "Fine"}},
            ["CodeVersionProperties.provisioningState value"],
        ),
        ("CodeVersion", {"properties": {}, "systemData": {"createdAt": "noon"}}, ["SystemData.createdAt type"]),
        (
            "JobBase",
            {"properties": {"jobType": "Command"}},
            ["CommandJob.command missing", "CommandJob.environmentId missing"],
        ),
    ],
)
def test_the_check_sees_differences(model: str, body: Any, expected: list[str]) -> None:
    found = differences(Found("azure.ai.ml._restclient.arm_ml_service", model), body)
    assert sorted(each.name for each in found) == expected


def test_the_log_keeps_words_and_no_secrets() -> None:
    answer = {"status": "Succeeded", "at": "2026-03-01T00:00:00.1+00:00", "key": "c2VjcmV0IGtleQ==", "number": 3}
    assert shape(answer) == {**answer, "key": "some text"}
