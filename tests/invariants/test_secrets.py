"""Secrets: asked for before the first write, and shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from worlds import World

from phift.errors import RefusedError

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
