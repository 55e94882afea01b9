"""Secrets: asked for before the first write, and shown nowhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from worlds import World

from phift import phases
from phift.cli import planfile
from phift.concealing import is_concealed
from phift.errors import RefusedError, UsageError
from phift.phases import Request
from phift.spec import render_yaml
from phift.views import json as json_view
from phift.views import markdown
from phift.views.human import diagnostics
from phift.views.human import plan as text
from phift.workbench.open import observe, open_workbench

VALUE = "hunter2-hunter2"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_secret_that_is_not_set_is_told_before_the_training(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"LEVEL": "info", "A": {"secret": "env:PHIFT_TEST_A"}, "B": {"secret": "env:PHIFT_TEST_B"}}
    block = {"instance_type": "Standard_NC24ads_A100_v4", "environment_variables": variables}
    request = world.write("a.yaml", "shop", deployment=block)
    with pytest.raises(RefusedError) as refused:
        world.apply(request)
    assert [d.summary for d in refused.value.diagnostics] == [
        f"the secret env:PHIFT_TEST_{x} of deployment.environment_variables.{x} is not set" for x in "AB"
    ]
    assert (refused.value.exit_code, world.names("jobs"), world.names("computes"), world.events) == (4, [], [], [])

    for name in ("PHIFT_TEST_A", "PHIFT_TEST_B"):
        monkeypatch.setenv(name, VALUE)
    plan = world.plan(request)
    (deployment,) = [r for r in plan.resources if str(r.address) == "deployment.main"]
    assert deployment.details["secrets"] == {"A": "env:PHIFT_TEST_A", "B": "env:PHIFT_TEST_B"}
    world.apply(request)
    assert VALUE not in repr([plan.to_dict(), world.events])
    monkeypatch.delenv("PHIFT_TEST_A")
    assert world.apply(request).exit_code == 0


HUB = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"


def test_a_literal_secret_reaches_the_service_and_nothing_else(world: World) -> None:
    variables = {"LEVEL": "info", "A_TOKEN": VALUE, "HUB": HUB}
    block = {"instance_type": "Standard_NC24ads_A100_v4", "environment_variables": variables}
    request = world.write("a.yaml", "shop", deployment=block, tags={"deployKey": VALUE}, vars={"hub_token": HUB})
    plan = world.plan(request)
    assert [w.path for w in plan.warnings if w.code == "literal-secret"] == [
        "deployment.environment_variables.A_TOKEN",
        "deployment.environment_variables.HUB",
        "tags.deployKey",
    ]
    loaded = phases.load(request)
    file = world.folder / "plan.json"
    planfile.write(file, plan, request)
    said = [
        repr(plan),
        text.render(plan),
        markdown.plan(plan),
        json_view.plan(plan),
        json_view.rendered(loaded),
        render_yaml(loaded),
        diagnostics.render(plan.warnings),
        file.read_text(encoding="utf-8"),
    ]
    for shown in said:
        assert VALUE not in shown
        assert HUB not in shown
    assert "(secret, 15 characters, fingerprint " in said[1]
    saved, asked = planfile.read(file)
    result = phases.apply(
        saved, asked, world.memory.connect, listener=world.events.append, options=phases.ApplyOptions(), saved=True
    )
    assert result.exit_code == 0
    (deployment,) = [d for path, d in world.memory.documents.items() if "/deployments/" in path]
    assert deployment["properties"]["environmentVariables"] == variables
    journal = b"".join(world.memory.blobs.get(name) for name in world.memory.blobs.list("phift/stacks/"))
    assert b"fingerprint" in journal
    assert VALUE.encode() not in journal
    assert HUB.encode() not in journal
    assert world.plan(request).changes_something is False


def test_no_repr_holds_a_literal_secret(world: World) -> None:
    """A repr gets into logs, tracebacks and notebooks."""
    block = {
        "instance_type": "Standard_NC24ads_A100_v4",
        "environment_variables": {"A_TOKEN": VALUE, "LEVEL": "info"},
        "azure": {"properties": {"adminPassword": VALUE}},
    }
    targets = {"local": {"default": True, "deployment": {"environment_variables": {"B_TOKEN": HUB}}}}
    request = world.write(
        "a.yaml", "shop", deployment=block, tags={"deployKey": VALUE}, vars={"hub_token": HUB}, targets=targets
    )
    world.apply(request)
    bench = open_workbench(request, world.memory.connect)
    said = [repr(bench.loaded), repr(bench.loaded.spec), repr(bench.stack), repr(observe(bench)), repr(bench)]
    assert [text[:200] for text in said for value in (VALUE, HUB) if value in text] == []
    assert "'LEVEL': 'info'" in said[2], "the rest is shown"


def test_a_change_of_a_literal_secret_shows(world: World) -> None:
    def request(value: str) -> Request:
        variables = {"A_TOKEN": value}
        block = {"instance_type": "Standard_NC24ads_A100_v4", "environment_variables": variables}
        return world.write("a.yaml", "shop", deployment=block, rollout={"strategy": "in_place"})

    world.apply(request(VALUE))
    plan = world.plan(request(VALUE[::-1]))
    changes = [c for r in plan.resources for c in r.changes if c.path == "environment_variables.A_TOKEN"]
    assert changes
    for change in changes:
        assert is_concealed(change.wanted)
        assert is_concealed(change.live)
        assert change.wanted != change.live
        assert change.applied in (None, change.live)


def test_a_secret_of_the_command_line_is_not_saved_and_asked_for_again(world: World) -> None:
    block = {
        "instance_type": "Standard_NC24ads_A100_v4",
        "environment_variables": {"A_TOKEN": "{{ vars.a_token }}", "LEVEL": "{{ vars.level }}"},
    }
    written = world.write("a.yaml", "shop", deployment=block, vars={"a_token": "none", "level": "info"})
    request = replace(written, variables={"a_token": VALUE, "level": "debug"})
    plan, file = world.plan(request), world.folder / "plan.json"
    planfile.write(file, plan, request)
    assert VALUE not in file.read_text(encoding="utf-8")
    assert VALUE not in plan.spec_words
    with pytest.raises(UsageError, match="does not contain the value of --var a_token"):
        planfile.read(file)
    with pytest.raises(UsageError, match="differs from the value"):
        planfile.read(file, {"a_token": "other"})
    with pytest.raises(UsageError, match="--var level cannot be used with a saved plan"):
        planfile.read(file, {"a_token": VALUE, "level": "x"})
    assert planfile.read(file, {"a_token": VALUE})[1].variables == request.variables
    assert planfile.read_plan(file) == plan
