"""What phift.api makes of its arguments, of results and of errors; over a workspace in memory where none is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any, cast

import pytest
from azure.core.credentials import AccessToken
from support import Project
from worlds import World, changes, spec_text

from phift import api
from phift.address import Address
from phift.azure.session import Azure
from phift.azure.sessions import Sessions
from phift.errors import (
    DetachedError,
    InvalidSpecError,
    LeaseHeldError,
    StalePlanError,
    UsageError,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def spec(world: World) -> api.SpecHandle:
    """A handle on a stack of that world."""
    request = world.write("spec.yaml", "asked")
    return replace(api.open_spec(request.path), _sessions=cast(Sessions, world.memory.connect))


def test_opening_reads_and_validates_and_connects_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(spec_text("asked", targets={"prod": {"default": True}}))
    spec = api.open_spec(str(tmp_path / "spec.yaml"))
    assert (spec.path, spec.target, spec.stack) == (tmp_path / "spec.yaml", "prod", "asked")
    assert "secret" not in repr(spec)
    assert "Sessions" not in repr(spec)
    (tmp_path / "spec.yaml").write_text("version: 1\nnam: x\n")
    with pytest.raises(InvalidSpecError) as wrong:
        api.open_spec(tmp_path / "spec.yaml")
    checked = api.validate(tmp_path / "spec.yaml")
    assert not checked.valid
    assert checked.diagnostics == wrong.value.diagnostics
    with pytest.raises(UsageError, match="not a folder"):
        api.open_spec(tmp_path / "spec.yaml", data_root=tmp_path / "nowhere")


def test_values_cannot_be_changed(spec: api.SpecHandle) -> None:
    for value, name in ((spec, "path"), (api.ApplyOptions(), "wait"), (api.validate(spec.path), "stacks")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)
    with pytest.raises(TypeError, match="positional"):
        cast(Callable[..., object], api.ApplyOptions)(4)


def test_every_combination_of_a_matrix_is_validated(tmp_path: Path) -> None:
    text = spec_text("grid", matrix={"rate": [0.1, 0.2]}).replace("0.001", '"{{ vars.rate }}"')
    (tmp_path / "spec.yaml").write_text(text)
    (tmp_path / "train.jsonl").write_text("{}\n")
    checked = api.validate(tmp_path / "spec.yaml", data=False)
    assert len(checked.stacks) == 2, checked.diagnostics
    with pytest.raises(InvalidSpecError):
        api.open_spec(tmp_path / "spec.yaml")
    assert api.open_spec(tmp_path / "spec.yaml", variables={"rate": "0.2"}).stack in checked.stacks


def test_rendering_needs_no_workspace(spec: api.SpecHandle) -> None:
    found = api.render(spec)
    origins = {one.path: str(one.origin) for one in found.entries}
    assert origins["name"] == "spec"
    assert "learning_rate: 0.001" in found.text
    assert found.notes


def test_addresses_are_texts_or_addresses(spec: api.SpecHandle) -> None:
    assert set(changes(api.plan(spec, select=["data.train"]))) == {"data.train"}
    assert set(changes(api.plan(spec, select=[Address("data", "train")]))) == {"data.train"}
    wrong: list[dict[str, Any]] = [{"select": "data.train"}, {"replace": ["train"]}, {"select": ["data.none"]}]
    for arguments in wrong:
        with pytest.raises(UsageError):
            api.plan(spec, **arguments)


@pytest.mark.parametrize(
    "options",
    [
        api.ApplyOptions(parallelism=0),
        api.ApplyOptions(timeouts={"jobs": 1}),
        api.ApplyOptions(timeouts={"job": 0}),
    ],
)
def test_options_that_make_no_sense_are_refused(spec: api.SpecHandle, options: api.ApplyOptions) -> None:
    with pytest.raises(UsageError):
        api.apply(spec, api.plan(spec), options=options)


@pytest.mark.parametrize("arguments", [{}, {"text": "a", "sample": 1}, {"sample": 0}, {"text": "a", "body": {}}])
def test_one_thing_is_asked(spec: api.SpecHandle, arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="one of text, sample and body"):
        api.invoke(spec, **arguments)


def test_a_plan_survives_json_and_is_stale_when_the_spec_moved(spec: api.SpecHandle) -> None:
    plan = api.Plan.from_dict(api.plan(spec).to_dict())
    result = api.apply(spec, plan)
    assert result.ok
    assert (result.added, result.exit_code, dict(result.errors)) == (plan.counts.add, 0, {})
    assert result.outputs["model.finetuned"]["version"]
    assert not api.plan(spec).changes_something
    spec.path.write_text(spec.path.read_text().replace("0.001", "0.002"))
    with pytest.raises(StalePlanError, match="the spec or its data"):
        api.apply(spec, plan)


def test_a_plan_is_rechecked_unless_that_is_declined(spec: api.SpecHandle, world: World) -> None:
    api.apply(spec, api.plan(spec)).raise_for_errors()
    spec.path.write_text(spec.path.read_text().replace("0.001", "0.002"))
    plan = api.plan(spec)
    path = next(path for path in world.memory.documents if path.endswith("/computes/gpu"))
    world.memory.documents[path]["properties"]["properties"]["scaleSettings"]["maxNodeCount"] = 7
    with pytest.raises(StalePlanError, match="changed since"):
        api.apply(spec, plan)
    assert api.apply(spec, plan, recheck=False).ok


def test_a_new_plan_is_applied_without_connecting_again(world: World) -> None:
    connected: list[str] = []

    def connect(loaded: Any) -> Azure:
        connected.append(loaded.stack)
        return world.memory.connect(loaded)

    request = world.write("spec.yaml", "asked")
    spec = replace(api.open_spec(request.path), _sessions=cast(Sessions, connect))
    assert api.apply(spec, api.plan(spec), recheck=False).ok
    assert len(connected) == 1
    assert api.apply(spec, api.plan(spec)).ok
    assert len(connected) == 3, "a recheck reads everything again"
    assert api.destroy(spec).ok
    assert len(connected) == 4
    first = api.plan(spec)
    api.plan(spec)
    assert api.apply(spec, first, recheck=False).ok
    assert len(connected) == 7, "only the last plan is kept"


def test_what_was_stopped_is_a_result_and_raises_when_asked(spec: api.SpecHandle) -> None:
    stop = threading.Event()
    stop.set()
    result = api.apply(spec, api.plan(spec), options=api.ApplyOptions(stop=stop))
    assert (result.ok, result.exit_code) == (False, 8)
    with pytest.raises(DetachedError):
        result.raise_for_errors()


def test_what_fails_is_in_the_result_by_address(spec: api.SpecHandle, world: World) -> None:
    plan = api.plan(spec)
    world.memory.blobs.put("phift/stacks/asked/lease", b"")
    world.memory.blobs.acquire_lease("phift/stacks/asked/lease", 60)
    result = api.apply(spec, plan)
    assert result.exit_code == LeaseHeldError.exit_code
    assert set(map(type, result.errors.values())) == {LeaseHeldError}
    assert "compute.finetune" in result.errors
    with pytest.raises(LeaseHeldError):
        result.raise_for_errors()


class Given:
    """A credential of the caller's."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.asked += scopes
        return AccessToken("token", 2**40)


def test_the_callers_credential_signs_in_and_a_session_is_kept(tmp_path: Path) -> None:
    place = {"subscription_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "resource_group": "rg", "name": "ws"}
    (tmp_path / "spec.yaml").write_text(spec_text("asked", targets={"prod": {"default": True, "workspace": place}}))
    (tmp_path / "train.jsonl").write_text("{}\n")
    credential = Given()
    spec = api.open_spec(tmp_path / "spec.yaml", credential=credential)
    from phift.workbench.request import load

    loaded = load(spec._request)
    session: Azure = spec._sessions(loaded)
    assert spec._sessions(loaded) is session
    assert session.ml_token() == "token"
    assert len(credential.asked) == 1
    spec.close()
    assert spec._sessions(loaded) is not session
    spec.close()


def test_a_handle_signs_in_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHIFT_HOME", str(project.embedded.home))
    mark = project.embedded.mark()
    with api.open_spec(project.spec, target="local") as spec:
        api.plan(spec, select=["compute.finetune"])
        api.status(spec)
        assert api.drift(spec).outside == ()
    signed = [r for r in project.embedded.since(mark) if r["path"].endswith("/oauth2/v2.0/token")]
    assert len(signed) == 1
