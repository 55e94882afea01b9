"""Stacks made by an earlier release stay ours: nothing is planned, nothing retrains, everything can be destroyed.

0.1.0/home.tar.xz is the home of an emulator to which release 0.1.0 applied the projects beside it
(record.py says how); the lock files are those that release wrote.
"""

from __future__ import annotations

import json
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from releases import World, changed, edit, world_of

from phift import phases
from phift.emulator.services.former_names import FORMER_NAMES
from phift.errors import RefusedError
from phift.ledger.journal import open_intents

RELEASE = Path(__file__).parent / "0.1.0"

STACKS: dict[str, tuple[str, dict[str, str]]] = {
    "trained": ("trained", {}),
    "served": ("served", {}),
    "matrix-small": ("matrix", {"size": "small"}),
    "matrix-large": ("matrix", {"size": "large"}),
    "targets-local": ("targets", {}),
    "overrides": ("overrides", {}),
    "plain": ("plain", {}),
    "remote": ("remote/specs", {}),
    "adopted": ("adopted", {}),
    "protected": ("protected", {}),
    "many-s3-5": ("many", {"size": "s3", "seed": "5"}),
}
"""By stack: its project, and the variables that pick it. `cutoff`, which was killed midway, has a test of its own."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_of("0.1.0", tmp_path, STACKS, project_of_others="interrupted") as found:
        yield found


def test_every_operation_that_the_release_stored_can_be_finished(tmp_path: Path) -> None:
    with tarfile.open(RELEASE / "home.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data", members=[each for each in archive if "store.sqlite3" in each.name])
    with closing(sqlite3.connect(tmp_path / "store.sqlite3")) as store:
        rows = store.execute("SELECT body FROM document WHERE kind = 'operation'").fetchall()
    stored = {json.loads(body)["finish"] for (body,) in rows}
    assert stored
    assert stored <= set(FORMER_NAMES)


def test_stacks_of_the_release_are_planned_empty_then_updated_then_destroyed(world: World) -> None:
    locks = world.locks()
    jobs = world.jobs()
    for stack in STACKS:
        plan = world.plan(stack)
        assert not changed(plan), f"{stack}: {changed(plan)}"
        assert not phases.drift(world.request(stack), world.embedded.connector).outside
    assert locks == world.locks(), "a plan rewrites the lock file of an earlier release"

    for spec in {world.project(stack).spec for stack in STACKS}:
        edit(spec, "tags: {team: a", "tags: {owner: b, team: a")
    for stack in STACKS:
        plan = world.plan(stack)
        assert set(changed(plan).values()) == {"update"}, f"{stack}: {changed(plan)}"
        world.apply(stack, plan)
    for stack in STACKS:
        assert not changed(world.plan(stack))
    assert world.jobs() == jobs
    many = (world.projects / "many" / "phift.lock").read_text(encoding="utf-8")
    recorded = (RELEASE / "projects" / "many" / "phift.lock").read_text(encoding="utf-8")
    assert many.count("    base_model:\n") == 143
    assert many.partition("stacks:\n")[2] == recorded.partition("stacks:\n")[2]

    with pytest.raises(RefusedError):
        phases.destroy_plan(world.request("protected"), world.embedded.connector)
    edit(world.project("protected").spec, ", protect: true", "")
    world.apply("protected", world.plan("protected"))
    for stack in STACKS:
        world.destroy(stack)
        assert world.billed(stack) == []


def test_an_intent_left_open_by_the_release_is_settled_and_the_apply_goes_on(world: World) -> None:
    azure = world.embedded.azure()
    left = {i.address for i in open_intents(azure.blobs, "cutoff")}
    assert left == {"compute.finetune", "data.train", "endpoint.main"}
    world.apply("cutoff", world.plan("cutoff"))
    assert open_intents(azure.blobs, "cutoff") == ()
    assert not changed(world.plan("cutoff"))
    assert len([name for name in world.jobs() if name.startswith("cutoff-")]) == 1
    for collection, name in (("onlineEndpoints", "cutoff-"), ("computes", "cutoff-")):
        found = azure.arm.list(f"{azure.workspace.arm_id}/{collection}", "2024-10-01")
        assert len([one for one in found if one["name"].startswith(name)]) == 1
    world.destroy("cutoff")
    assert world.billed("cutoff") == []
