"""The engine goes the whole way at every pace of the emulator, with noise and without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support import Embedded, Project, actions

SERVING = """\
endpoint: {auth_mode: key}
deployment:
  instance_type: Standard_NC24ads_A100_v4
  instance_count: 1
"""
SPEED = 40
"""At its own speed the faithful pace takes ten minutes for a deployment alone; nothing but its times is changed."""


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"pace": "fast"}, id="fast"),
        pytest.param({"pace": "fast", "noise": True}, id="fast-noise"),
        pytest.param({"pace": "faithful", "speed": SPEED}, id="faithful", marks=pytest.mark.slow),
        pytest.param({"pace": "faithful", "speed": SPEED, "noise": True}, id="faithful-noise", marks=pytest.mark.slow),
    ],
)
def test_create_no_change_update_destroy(
    settings: dict[str, object],
    own_embedded: Callable[[], Embedded],
    tmp_path: Path,
    stack: str,
) -> None:
    embedded = own_embedded()
    embedded.admin("PUT", "/settings", settings)
    project = Project.small(tmp_path / "project", stack, embedded)
    project.edit("targets:\n", SERVING + "targets:\n")

    assert project.applied().added == 7
    again = project.plan()
    assert not again.changes_something, actions(again)
    assert project.apply(again).exit_code == 0

    project.edit("instance_count: 1", "instance_count: 2")
    project.edit("idle_time_before_scale_down: 120", "idle_time_before_scale_down: 300")
    changed = {r.address.kind: r.action.value for r in project.plan().resources if r.action.changes_something}
    assert changed == {"compute": "update", "deployment": "update"}
    project.applied()
    assert not project.plan().changes_something

    assert project.destroy().exit_code == 0
    azure = embedded.azure()
    workspace = azure.workspace.arm_id
    for kind, api in (("computes", "2023-08-01-preview"), ("onlineEndpoints", "2023-04-01-preview")):
        assert not list(azure.arm.list(f"{workspace}/{kind}", api))
