"""data.checks: a plan says what is pinned, an apply runs what is not, and nothing is written where the spec refuses."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import Embedded
from worlds import World

from phift import phases
from phift.apply.events import Note
from phift.azure import blob
from phift.data.stats import Meter
from phift.errors import NotFoundError, PhiftError, RefusedError, UsageError
from phift.lock import read_lock, write_lock
from phift.once import Once
from phift.phases import ApplyOptions, Request
from phift.phases.compare_data import data_diff
from phift.phases.inspect_data import data_stats
from phift.plan.model import Plan
from phift.workbench import row_checks, rows

REFUSING = {"overlap": "refuse", "duplicates": "ignore"}


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(row_checks, "_MEASURED", Once())
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("PHIFT_HOME", str(tmp_path / "home"))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many rows were measured."""
    counted: Counter[str] = Counter()
    add = Meter.add

    def counting(self: Meter, line: bytes) -> None:
        counted["rows"] += 1
        add(self, line)

    monkeypatch.setattr(Meter, "add", counting)
    return counted


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def written(world: World, checks: dict[str, Any] | None, *, shared: bool = True, name: str = "stack-a") -> Request:
    """A stack whose test split shares a prompt with train, or does not."""
    prompt = "a?" if shared else "b?"
    row = {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": "c"}]}
    (world.folder / "test.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    data: dict[str, Any] = {"train": {"path": "train.jsonl"}, "test": {"path": "test.jsonl"}}
    return world.write(f"{name}.yaml", name, data=data | ({"checks": checks} if checks is not None else {}))


def notes(world: World) -> list[str]:
    return [event.text for event in world.events if isinstance(event, Note)]


def writes(world: World) -> list[str]:
    """Requests that changed something. A plan may have asked whatever it likes."""
    return [request for request in world.memory.asked if request.split()[0] not in ("GET", "LIST", "connect", "POST")]


def codes(plan: Plan) -> list[tuple[str, str]]:
    return [(d.code, d.severity.value) for d in plan.warnings if d.code.startswith("data-check")]


def test_without_the_block_nothing_is_said_or_read(world: World, read: Counter[str]) -> None:
    request = written(world, None)
    plan = world.plan(request)
    assert rows.NOT_RUN not in plan.notes
    world.apply(request)
    assert not read


def test_a_plan_says_that_they_were_not_run_and_reads_nothing(world: World, read: Counter[str]) -> None:
    plan = world.plan(written(world, REFUSING))
    assert rows.NOT_RUN in plan.notes
    assert not codes(plan)
    assert not read


def test_an_apply_refuses_before_it_writes(world: World) -> None:
    request = written(world, REFUSING)
    plan = world.plan(request)
    with pytest.raises(RefusedError) as refused:
        phases.apply(plan, request, world.memory.connect, listener=world.events.append, options=ApplyOptions())
    assert refused.value.exit_code == 4
    (found,) = refused.value.diagnostics
    assert found.code == "data-check-overlap"
    assert found.mark is not None
    assert not writes(world)
    assert not world.names("jobs")


def test_a_refusal_is_pinned_and_the_next_plan_shows_it(world: World, read: Counter[str]) -> None:
    request = written(world, REFUSING)
    test_an_apply_refuses_before_it_writes(world)
    before = read.total()
    plan = world.plan(request)
    assert codes(plan) == [("data-check-overlap", "warning")]
    assert any("apply stops" in d.detail for d in plan.warnings)
    assert rows.NOT_RUN not in plan.notes
    with pytest.raises(RefusedError):
        phases.apply(plan, request, world.memory.connect, listener=world.events.append, options=ApplyOptions())
    assert read.total() == before, "the pin tells"
    assert not writes(world)


def test_the_spec_decides_what_a_pin_means(world: World, read: Counter[str]) -> None:
    test_an_apply_refuses_before_it_writes(world)
    before = read.total()
    request = written(world, {"overlap": "warn", "duplicates": "refuse"})
    assert codes(world.plan(request)) == [("data-check-duplicates", "warning"), ("data-check-overlap", "warning")]
    request = written(world, {"overlap": "ignore", "duplicates": "warn"})
    assert codes(world.plan(request)) == [("data-check-duplicates", "warning")]
    world.apply(request)
    assert read.total() == before


def test_an_apply_pins_and_tells_its_warnings(world: World, read: Counter[str]) -> None:
    request = written(world, {"overlap": "warn"})
    world.apply(request)
    assert any("data.test: 1 of 1 rows has a prompt that is also in data.train" in note for note in notes(world))
    pins = read_lock(world.folder / "phift.lock").stack("stack-a")
    assert pins.base_model is not None
    assert pins.data is not None
    assert set(pins.data.checks or {}) == {"train", "test"}
    before = read.total()
    assert not codes(world.plan(request)), "nothing is uploaded and nothing trained"
    world.apply(request)
    assert read.total() == before


def test_other_data_is_checked_anew(world: World, read: Counter[str]) -> None:
    request = written(world, REFUSING, shared=False)
    world.apply(request)
    before = read.total()
    request = written(world, REFUSING, shared=True)
    plan = world.plan(request)
    assert rows.NOT_RUN in plan.notes
    with pytest.raises(RefusedError):
        phases.apply(plan, request, world.memory.connect, listener=world.events.append, options=ApplyOptions())
    assert read.total() > before


def test_a_change_that_uses_no_rows_checks_none(world: World, read: Counter[str]) -> None:
    request = written(world, None)
    world.apply(request)
    request = written(world, REFUSING)
    spec = json.loads(request.path.read_text())
    spec["deployment"]["instance_count"] = 2
    request.path.write_text(json.dumps(spec))
    plan = world.plan(request)
    assert rows.NOT_RUN not in plan.notes
    world.apply(request)
    assert not read


def test_a_saved_plan_is_checked_too(world: World) -> None:
    request = written(world, REFUSING)
    plan = Plan.from_dict(world.plan(request).to_dict())
    plan = replace(plan, spec_options=())
    with pytest.raises(RefusedError):
        phases.apply(
            plan, request, world.memory.connect, listener=world.events.append, options=ApplyOptions(), saved=True
        )
    assert not writes(world)


def test_stacks_of_one_data_version_are_checked_once(world: World, read: Counter[str]) -> None:
    requests = [written(world, {"overlap": "warn"}, name=f"stack-{n}") for n in ("a", "b", "c")]
    assert world.apply_many(world.plan_many(*requests)).exit_code == 0
    assert read.total() == 3 + 1, "train and test, once"
    lock = read_lock(world.folder / "phift.lock")
    assert all(lock.stack(f"stack-{n}").data.checks for n in ("a", "b", "c"))  # type: ignore[union-attr]
    assert notes(world).count("Checking the rows of data.train, data.test.") == 3


def test_a_refused_stack_makes_no_shared_compute_and_stops_no_other(world: World) -> None:
    refused = written(world, REFUSING, name="stack-a")
    good = world.write("stack-b.yaml", "stack-b")
    planned = world.plan_many(refused, good)
    applied = world.apply_many(planned)
    assert applied.stacks[0].exit_code == 4
    assert "PUT computes/*" not in world.memory.asked, "the first stack would have made it"
    assert not [name for name in world.names("jobs") if name.startswith("stack-a")]


def test_statistics_and_the_lock_command_fill_the_pins(world: World, read: Counter[str]) -> None:
    request = written(world, REFUSING)
    found = data_stats(request, world.memory.connect)
    assert found.pinned
    before = read.total()
    plan = world.plan(request)  # writes the pins that only a workspace tells beside those of the checks
    assert codes(plan) == [("data-check-overlap", "warning")]
    assert read.total() == before
    lock = read_lock(world.folder / "phift.lock")
    assert lock.stack("stack-a").base_model is not None
    write_lock(world.folder / "phift.lock", type(lock)())
    report = phases.lock(request, world.memory.connect, check=True)
    assert report.refused
    assert set(report.checked) == {"train", "test"}
    assert codes(world.plan(request)) == codes(plan)
    assert phases.lock(request, world.memory.connect).checked == {}


def test_the_lock_command_says_where_there_is_nothing_to_check(world: World) -> None:
    report = phases.lock(written(world, None), world.memory.connect, check=True)
    assert not report.checked
    assert any("the spec does not define data.checks" in note for note in report.notes)


def test_a_lock_file_that_cannot_be_written_does_not_stop_the_apply(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = written(world, {"overlap": "warn"})
    plan = world.plan(request)

    def unwritable(*given: object) -> None:
        raise PhiftError("cannot write phift.lock: Read-only file system")

    monkeypatch.setattr(rows, "update_lock", unwritable)
    done = phases.apply(plan, request, world.memory.connect, listener=world.events.append, options=ApplyOptions())
    assert done.exit_code == 0
    assert any("could not be pinned: cannot write phift.lock" in note for note in notes(world))


def test_destroying_checks_nothing(world: World, read: Counter[str]) -> None:
    request = written(world, {"overlap": "warn"})
    world.apply(request)
    request = written(world, REFUSING)
    before = read.total()
    plan = phases.destroy_plan(request, world.memory.connect)
    assert plan.changes_something
    done = phases.apply(plan, request, world.memory.connect, listener=world.events.append, options=ApplyOptions())
    assert done.exit_code == 0
    assert read.total() == before


def test_a_version_of_the_workspace_is_compared_with_a_spec(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    request = written(world, None)
    plan = world.plan(request)
    version = next(r.identity for r in plan.resources if str(r.address) == "data.test").partition(":")[2]
    world.apply(request)
    request = written(world, None, shared=False)
    kept = data_diff(request, version, str(request.path), world.memory.connect, split="test")
    monkeypatch.setenv("PHIFT_HOME", str(tmp_path / "another"))
    found = data_diff(request, version, str(request.path), world.memory.connect, split="test")
    assert found == kept
    (test,) = found.splits
    assert (test.before, test.difference and test.difference.same) == (version, 0)
    with pytest.raises(UsageError, match=r"version .* not found, neither on this machine nor in the workspace"):
        data_diff(request, "0" * 12, str(request.path), world.memory.connect)
    with pytest.raises(UsageError, match="are not on this machine"):
        data_diff(request, "0" * 12, "1" * 12, world.memory.connect)


@pytest.mark.parametrize("size", [0, 1, 1000, 2500])
def test_a_blob_is_downloaded_part_by_part(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, size: int
) -> None:
    monkeypatch.setattr(blob, "_PART", 1000)
    content = bytes(n % 251 for n in range(size))
    blobs = embedded.azure().blobs
    blobs.put(f"downloaded/{size}", content)
    blobs.download(f"downloaded/{size}", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content
    with pytest.raises(NotFoundError):
        blobs.download("downloaded/nosuch", tmp_path / "other")
