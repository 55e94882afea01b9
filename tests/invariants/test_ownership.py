"""One stack from many places: clones, exports, moves, copies; and what belongs to another spec."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from memory import MemoryWorkspace
from worlds import World, changes

from phift import phases
from phift.errors import RefusedError
from phift.ledger.journal import history
from phift.lock import LOCK_FILE, read_lock
from phift.phases import ApplyOptions, Request, forgotten
from phift.state.ownership import ID, SOURCE, STACK
from phift.workbench.sessions import Shared

HTTPS = "https://github.com/x/y.git"


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


def at(folder: Path, memory: MemoryWorkspace, remote: str | None = None, place: str = "specs") -> World:
    """A folder of specs in a repository with that remote; None: in none."""
    inner = folder / place
    inner.mkdir(parents=True)
    if remote is not None:
        git(folder, "init", "-q")
        if remote:
            git(folder, "remote", "add", "origin", remote)
    return World(inner, memory)


def clone(world: World, folder: Path, remote: str | None, *, lock: bool = True, place: str = "specs") -> World:
    """The same specs in another place; lock: with their lock file."""
    made = at(folder, world.memory, remote, place)
    for path in world.folder.iterdir():
        if path.is_file() and (lock or path.name != LOCK_FILE):
            shutil.copy2(path, made.folder / path.name)
    return made


@pytest.fixture
def origin(tmp_path: Path) -> World:
    """One stack, applied from a clone by https."""
    world = at(tmp_path / "origin", MemoryWorkspace(), HTTPS)
    world.apply(world.write("a.yaml", "alpha"))
    return world


def request(world: World, name: str = "a.yaml") -> Request:
    return Request(world.folder / name)


def moved(world: World) -> set[str]:
    """The reasons of all adoptions; every change must be one."""
    plan = world.plan(request(world))
    assert set(changes(plan).values()) == {"adopt"}, changes(plan)
    return {r.reason for r in plan.resources if r.action.changes_something}


def refused(world: World, **options: bool) -> RefusedError:
    with pytest.raises(RefusedError) as raised:
        world.plan(request(world), **options)
    assert {d.code for d in raised.value.diagnostics} == {"owned-by-another"}
    return raised.value


def live_marks(world: World) -> list[dict[str, str]]:
    found = []
    for document in world.memory.documents.values():
        inner = document.get("properties") or {}
        bags = [b for b in (inner.get("properties"), inner.get("tags"), document.get("tags")) if isinstance(b, dict)]
        marks = {k: v for bag in bags for k, v in bag.items() if k.startswith("phift.")}
        if STACK in marks:
            found.append(marks)
    return found


def test_the_first_apply_makes_the_id_and_a_plan_does_not(tmp_path: Path) -> None:
    world = at(tmp_path / "one", MemoryWorkspace(), HTTPS)
    spec = world.write("a.yaml", "alpha")
    plan = world.plan(spec)
    assert (read_lock(world.folder / LOCK_FILE).id, plan.id) == ("", "")
    world.apply(spec)
    made = read_lock(world.folder / LOCK_FILE).id
    assert re.fullmatch("[0-9a-f]{16}", made)
    assert {m[ID] for m in live_marks(world)} == {made}
    assert {m[SOURCE] for m in live_marks(world)} == {"github.com/x/y#specs/a.yaml"}
    world.apply(world.write("b.yaml", "beta"))
    assert read_lock(world.folder / LOCK_FILE).id == made, "one id for all stacks of the file"
    assert world.plan(spec).id == made


@pytest.mark.parametrize("lock", [True, False], ids=["with lock", "without lock"])
@pytest.mark.parametrize(
    "remote",
    ["git@github.com:x/y.git", "ssh://git@github.com/x/y.git", "https://github.com/x/y", "https://github.com/X/Y"],
)
def test_a_clone_by_any_address_is_the_same_stack(origin: World, tmp_path: Path, remote: str, lock: bool) -> None:
    other = clone(origin, tmp_path / "clone", remote, lock=lock)
    assert not other.plan(request(other)).changes_something
    assert read_lock(other.folder / LOCK_FILE).id == read_lock(origin.folder / LOCK_FILE).id, "a lost id is found"


def renamed_remote(world: World) -> None:
    git(world.folder, "remote", "rename", "origin", "upstream")


def no_remote(world: World) -> None:
    git(world.folder, "remote", "remove", "origin")


def no_repository(world: World) -> None:
    shutil.rmtree(world.folder.parent / ".git")


@pytest.mark.parametrize("change", [renamed_remote, no_remote, no_repository])
def test_what_happens_to_the_remote_changes_nothing(origin: World, change: Callable[[World], None]) -> None:
    change(origin)
    assert not origin.plan(request(origin)).changes_something
    written = origin.write("a.yaml", "alpha", tags={"team": "b"})
    origin.apply(written)
    assert {m[SOURCE] for m in live_marks(origin)} == {"github.com/x/y#specs/a.yaml"}, "a known source is kept"


def test_an_export_with_its_lock_is_the_same_stack_and_without_it_is_refused(origin: World, tmp_path: Path) -> None:
    assert not (other := clone(origin, tmp_path / "export", None)).plan(request(other)).changes_something
    bare = clone(origin, tmp_path / "bare", None, lock=False)
    (error,) = refused(bare).diagnostics
    assert "github.com/x/y#specs/a.yaml" in error.summary
    assert "an unknown repository" in error.detail
    assert "restore phift.lock" in error.remedy


def test_a_remote_added_later_changes_nothing(tmp_path: Path) -> None:
    world = at(tmp_path / "local", MemoryWorkspace(), "")
    spec = world.write("a.yaml", "alpha")
    world.apply(spec)
    assert {m[SOURCE] for m in live_marks(world)} == {"#specs/a.yaml"}
    git(world.folder, "remote", "add", "origin", HTTPS)
    assert not world.plan(spec).changes_something
    world.apply(world.write("a.yaml", "alpha", tags={"team": "b"}))
    endpoint = next(m for m in live_marks(world) if m["phift.address"] == "endpoint.main")
    assert endpoint[SOURCE] == "github.com/x/y#specs/a.yaml", "written with the next write"


@pytest.mark.parametrize(
    ("remote", "place", "now"),
    [
        ("https://github.com/fork/y", "specs", "github.com/fork/y#specs/a.yaml"),
        (HTTPS, "elsewhere", "github.com/x/y#elsewhere/a.yaml"),
    ],
    ids=["fork", "git mv or a copied folder"],
)
def test_a_move_is_shown_approved_and_written_once(
    origin: World, tmp_path: Path, remote: str, place: str, now: str
) -> None:
    other = clone(origin, tmp_path / "moved", remote, place=place)
    assert moved(other) == {f"stack moved: github.com/x/y#specs/a.yaml -> {now}"}
    with pytest.raises(RefusedError) as raised:
        phases.destroy_plan(request(other), other.memory.connect)
    assert [d.code for d in raised.value.diagnostics] == ["stack-moved"]
    jobs = other.names("jobs")
    other.apply(request(other))
    assert not other.plan(request(other)).changes_something
    assert other.names("jobs") == jobs
    # Here, the other side is the one that moved away.
    assert moved(origin) == {f"stack moved: {now} -> github.com/x/y#specs/a.yaml"}
    assert changes(phases.destroy_plan(request(other), other.memory.connect))


def test_a_moved_file_without_its_lock_is_refused(origin: World, tmp_path: Path) -> None:
    (error,) = refused(clone(origin, tmp_path / "moved", HTTPS, lock=False, place="elsewhere")).diagnostics
    assert "github.com/x/y#specs/a.yaml" in error.summary
    assert "github.com/x/y#elsewhere/a.yaml" in error.detail
    assert "--take-over" in error.remedy


def test_two_folders_without_a_repository_are_two_stacks(tmp_path: Path) -> None:
    one = at(tmp_path / "one", MemoryWorkspace())
    one.apply(one.write("a.yaml", "alpha"))
    refused(clone(one, tmp_path / "two", None, lock=False))
    same = clone(one, tmp_path / "copy", None)
    assert not same.plan(request(same)).changes_something, "the lock file went along"


def test_what_is_taken_over_is_shown_journaled_and_lost_to_the_other(origin: World, tmp_path: Path) -> None:
    other = at(tmp_path / "other", origin.memory, "https://github.com/other/z")
    spec = other.write("a.yaml", "alpha")
    refused(other)
    plan = other.plan(spec, take_over=True)
    taken = {str(r.address): r.reason for r in plan.resources if r.action.value == "adopt"}
    assert set(taken) == {"compute.finetune", "data.train", "model.finetuned", "endpoint.main", "deployment.main"}
    assert set(taken.values()) == {"taken over from stack alpha of github.com/x/y#specs/a.yaml"}
    assert "job.finetune" not in changes(plan), "a job is never written"
    jobs = other.names("jobs")
    result = phases.apply(plan, spec, other.memory.connect, listener=lambda event: None, options=ApplyOptions())
    assert result.exit_code == 0
    assert not other.plan(spec).changes_something
    assert other.names("jobs") == jobs
    refused(origin)
    claim = Shared().claim(phases.load(spec))
    (record,) = history(other.memory.blobs, "alpha", mine=claim.made)
    assert {r.intent.address for r in record.results} == set(taken)


def test_a_destroy_names_what_another_spec_owns_and_exits_with_4(origin: World, tmp_path: Path) -> None:
    other = at(tmp_path / "other", origin.memory, "https://github.com/other/z")
    renamed = {"finetune": {"name": "gpu-2", "size": "Standard_NC24ads_A100_v4", "max_instances": 1}}
    spec = other.write("a.yaml", "alpha", compute=renamed)
    with pytest.raises(RefusedError) as raised:
        phases.destroy_plan(spec, other.memory.connect)
    found = " ".join(f"{d.summary} {d.detail}" for d in raised.value.diagnostics)
    assert "compute gpu" in found, "a name that this spec does not give"
    assert "endpoint alpha-" in found
    (stack,) = forgotten([spec], other.memory.connect)
    assert stack.mistaken
    plan = phases.destroy_plan(spec, other.memory.connect, take_over=True)
    result = phases.apply(plan, spec, other.memory.connect, listener=lambda event: None, options=ApplyOptions())
    assert result.exit_code == 0
    assert not other.names("onlineEndpoints")
    assert not other.names("computes")


def test_take_over_leaves_a_cluster_that_another_stack_shares(origin: World, tmp_path: Path) -> None:
    other = at(tmp_path / "other", origin.memory, "https://github.com/other/z")
    plan = other.plan(other.write("b.yaml", "beta"), take_over=True)
    assert "compute.finetune" not in changes(plan)


def test_a_lock_that_was_made_again_gets_back_the_id_of_what_lives(origin: World) -> None:
    path = origin.folder / LOCK_FILE
    live = read_lock(path).id
    path.write_text(path.read_text().replace(live, "b" * 16))
    assert not origin.plan(request(origin)).changes_something
    assert read_lock(path).id == live


def test_a_merge_of_two_first_applies_is_settled_by_either_id(origin: World) -> None:
    """Two branches each made a stack and an id; the merge kept one of the ids."""
    path = origin.folder / LOCK_FILE
    kept = read_lock(path)
    path.unlink()
    origin.apply(
        origin.write(
            "b.yaml",
            "beta",
            compute=None,
            base_model=None,
            data=None,
            finetune=None,
            model="azureml://registries/azureml/models/Phi-3-mini-4k-instruct/versions/16",
        )
    )
    other = read_lock(path).id
    assert other != kept.id
    path.write_text(kept.merge({"beta": read_lock(path).stack("beta")}).text())
    for name in ("a.yaml", "b.yaml"):
        assert not origin.plan(request(origin, name)).changes_something
        assert read_lock(path).id == kept.id, "no to and fro"


def test_a_plan_saved_in_one_job_is_applied_in_the_next_without_the_lock(tmp_path: Path) -> None:
    world = at(tmp_path / "job-1", MemoryWorkspace(), HTTPS)
    plan = world.plan(world.write("a.yaml", "alpha"))
    second = clone(world, tmp_path / "job-2", "git@github.com:x/y.git", lock=False)

    def apply(at: World) -> int:
        return phases.apply(
            plan, request(at), at.memory.connect, listener=lambda event: None, options=ApplyOptions(), saved=True
        ).exit_code

    assert apply(second) == 0
    made = read_lock(second.folder / LOCK_FILE).id
    third = clone(world, tmp_path / "job-3", HTTPS, lock=False)
    plan = third.plan(third.write("a.yaml", "alpha", tags={"team": "b"}), write_lock=False)
    assert plan.id == made
    export = clone(third, tmp_path / "job-4", None, lock=False)
    assert apply(export) == 0, "the plan carries the id"
    assert read_lock(export.folder / LOCK_FILE).id == made


def test_a_renamed_stack_and_a_matrix_keep_the_id(origin: World) -> None:
    made = read_lock(origin.folder / LOCK_FILE).id
    renamed = origin.write("a.yaml", "gamma", renamed_from=["alpha"])
    assert "create" not in changes(origin.plan(renamed)).values()
    origin.apply(renamed)
    grid = origin.write("m.yaml", "grid", matrix={"size": ["small", "big"]})
    assert origin.apply_many(origin.plan_many(grid)).exit_code == 0
    assert {m[ID] for m in live_marks(origin) if m[STACK] != "alpha"} == {made}
    assert not origin.plan_many(grid).changes_something


def test_stacks_of_one_name_keep_apart_in_the_ledger(origin: World, tmp_path: Path) -> None:
    other = at(tmp_path / "other", origin.memory, "https://github.com/other/z")
    serve = {"base_model": None, "data": None, "finetune": None, "compute": None, "endpoint": {"name": "mine"}}
    model = "azureml://registries/azureml/models/Phi-3-mini-4k-instruct/versions/16"
    other.apply(other.write("a.yaml", "alpha", model=model, **serve))
    for world in (origin, other):
        records = phases.history(request(world), world.memory.connect)
        assert len(records) == 1
        assert records[0].plan["id"] == read_lock(world.folder / LOCK_FILE).id
