"""Many stacks in one run: what they share is read once, and none is in another's way."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from worlds import World, changes

from phift import phases
from phift.errors import AzureError, InvalidSpecError, RefusedError, UsageError
from phift.exits import worst
from phift.phases import Request, forgotten, plan_many
from phift.phases.results import Planned, Unplanned
from phift.plan.model import Plan
from phift.spec import expand

PLACE = {"subscription_id": "00000000-0000-0000-0000-000000000000", "resource_group": "rg", "name": "memory"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_plan_without_changes_reads_what_stacks_share_once(world: World) -> None:
    requests = [world.write(f"{n}.yaml", f"stack-{n}") for n in ("a", "b", "c")]
    applied = world.apply_many(world.plan_many(*requests))
    assert applied.exit_code == 0
    assert applied.added == 3 * 5 + 1, "one compute, and data, job, model, endpoint, deployment of each"
    world.memory.asked.clear()
    planned = world.plan_many(*requests)
    assert not planned.changes_something
    assert dict(world.memory.asked) == {
        "connect": 1,
        "LIST computes": 1,
        "LIST onlineEndpoints": 1,
        "LIST onlineEndpoints/*/deployments": 3,
        "LIST models/*/versions": 3 + 1,
        "GET data/*/versions/*": 3,
        "GET models/*/versions/*": 1,
        "LIST components/*/versions": 1,
        "GET components/*/versions/*": 1,
        next(k for k in world.memory.asked if "eastus" in k): 1,
    }, "no job is asked for while its model is there"


def test_a_job_is_asked_for_where_its_model_is_missing(world: World) -> None:
    request = world.write("a.yaml", "stack-a")
    world.apply(request)
    world.memory.remove(f"{world.memory.workspace.arm_id}/models/stack-a/versions/1")
    world.memory.asked.clear()
    assert changes(world.plan_many(request).plans[0]) == {"model.finetuned": "create"}
    assert world.memory.asked["GET jobs/*"] == 1


def test_a_shared_compute_is_made_once_and_first(world: World) -> None:
    requests = [world.write(f"{n}.yaml", f"stack-{n}") for n in ("a", "b")]
    planned = world.plan_many(*requests)
    assert [changes(p).get("compute.finetune") for p in planned.plans] == ["create", None]
    assert planned.plans[1].resources[0].notes == ("stack stack-a creates gpu; used as-is",)
    assert world.apply_many(planned).exit_code == 0
    assert world.memory.asked["PUT computes/*"] == 1
    assert len(world.names("jobs")) == 2


def test_one_failing_stack_stops_no_other(world: World) -> None:
    good = world.write("a.yaml", "stack-a")
    broken = world.folder / "broken.yaml"
    broken.write_text("version: 1\nname: [", encoding="utf-8")
    refused = world.write(
        "c.yaml",
        "stack-c",
        compute={"finetune": {"name": "small", "size": "Standard_D12_v2", "max_instances": 1}},
    )
    planned = world.plan_many(Request(broken), good, refused)
    assert [type(s) for s in planned.stacks] == [Unplanned, Planned, Unplanned]
    assert [type(s.error) for s in planned.failed] == [InvalidSpecError, RefusedError]
    assert planned.exit_code == 1
    assert planned.counts == planned.plans[0].counts
    applied = world.apply_many(planned)
    assert [s.exit_code for s in applied.stacks] == [1, 0, 4]
    assert applied.exit_code == 1
    assert world.names("onlineEndpoints")[0].startswith("stack-a-")


def test_an_apply_that_fails_stops_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = [
        world.write(
            f"{n}.yaml", f"stack-{n}", compute={"finetune": {"name": f"gpu-{n}", "size": "Standard_NC24ads_A100_v4"}}
        )
        for n in ("a", "b")
    ]
    planned = world.plan_many(*requests)
    put = world.memory.put

    def refuse(path: str, body: object) -> object:
        if path.endswith("/computes/gpu-a"):
            raise AzureError("no quota", status=400)
        return put(path, body)  # type: ignore[arg-type]

    monkeypatch.setattr(world.memory, "put", refuse)
    applied = world.apply_many(planned)
    assert [s.exit_code for s in applied.stacks] == [1, 0]
    assert not world.plan_many(requests[1]).changes_something


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        (({}, {}), "2 specs define the stack twin"),
        (({"endpoint": {"name": "shop"}}, {"endpoint": {"name": "Shop"}, "name": "other"}), "define the endpoint shop"),
    ],
)
def test_two_specs_of_one_name_are_refused_before_anything(
    world: World, blocks: tuple[dict[str, object], dict[str, object]], said: str
) -> None:
    requests = [
        world.write(f"{n}.yaml", str(own.pop("name", "twin")), **own) for n, own in zip(("a", "b"), blocks, strict=True)
    ]
    with pytest.raises(UsageError, match=said) as refused:
        world.plan_many(*requests)
    assert "a.yaml" in refused.value.summary
    assert "b.yaml" in refused.value.summary
    assert not world.memory.asked


def test_pins_of_all_stacks_are_written_once(world: World) -> None:
    requests = [world.write(f"{n}.yaml", f"stack-{n}") for n in ("a", "b")]
    world.plan_many(*requests)
    lock = world.folder / "phift.lock"
    text = lock.read_text(encoding="utf-8")
    assert "stack-a" in text
    assert "stack-b" in text
    before = lock.stat().st_mtime_ns
    world.plan_many(*requests)
    assert lock.stat().st_mtime_ns == before


def test_without_write_lock_nothing_is_written(world: World) -> None:
    plan_many([world.write("a.yaml", "stack-a")], world.memory.connect, phases.PlanSettings(write_lock=False))
    assert not (world.folder / "phift.lock").exists()


def test_the_gravest_exit_code_stands_for_all() -> None:
    assert worst(iter(())) == 0
    assert worst(iter((0, 8, 6))) == 6
    assert worst(iter((4, 7, 8))) == 7
    assert worst(iter((7, 1, 4))) == 1


def test_a_renamed_stack_keeps_what_it_has(world: World) -> None:
    old = world.write("a.yaml", "old-name")
    world.apply(old)
    before = {kind: world.names(kind) for kind in ("computes", "onlineEndpoints", "jobs")}
    new = world.write("a.yaml", "new-name", renamed_from=["old-name"])
    plan = world.plan(new)
    assert changes(plan) == {
        "compute.finetune": "update",
        "data.train": "update",
        "model.finetuned": "update",
        "endpoint.main": "update",
        "deployment.main": "update",
    }
    assert [(c.path, c.wanted, c.live) for c in plan.resources[0].visible_changes] == [
        ("stack", "new-name", "old-name")
    ]
    world.apply(new)
    assert {kind: world.names(kind) for kind in before} == before
    assert not world.plan(new).changes_something
    edited = world.write("a.yaml", "new-name", renamed_from=["old-name"], tags={"team": "b"})
    world.apply(edited)
    assert not world.plan(edited).changes_something


def test_without_renamed_from_another_stacks_things_are_not_ours(world: World) -> None:
    world.apply(world.write("a.yaml", "old-name", endpoint={"name": "shop"}))
    with pytest.raises(RefusedError, match="belongs to stack old-name"):
        world.plan(world.write("a.yaml", "new-name", endpoint={"name": "shop"}))


def warned(plan: Plan) -> list[str]:
    return [w.summary for w in plan.warnings if w.code == "former-name"]


def test_a_name_that_changed_without_renamed_from_is_told_before_all_is_made_anew(world: World) -> None:
    repository(world.folder)
    world.apply(world.write("a.yaml", "old-name"))
    world.memory.asked.clear()
    plan = world.plan(world.write("a.yaml", "new-name"))
    assert changes(plan)["job.finetune"] == "run"
    assert warned(plan) == ["this spec already created stack old-name; this plan creates new-name in addition"]
    (told,) = [w for w in plan.warnings if w.code == "former-name"]
    assert "`renamed_from: [old-name]`" in told.remedy
    assert "endpoint old-name-" in told.detail
    assert world.memory.asked["LIST computes"] == world.memory.asked["LIST onlineEndpoints"] == 1

    assert warned(world.plan(world.write("a.yaml", "new-name", renamed_from=["old-name"]))) == []
    assert warned(world.plan(world.write("b.yaml", "new-name"))) == [], "another file is another spec"
    elsewhere = Request(world.write("a.yaml", "{{ vars.name }}", vars={"name": "new-name"}).path)
    assert warned(world.plan(elsewhere)) == [], "a template gives one file many names"
    world.apply(world.write("a.yaml", "new-name"))
    assert warned(world.plan(world.write("a.yaml", "new-name"))) == [], "nothing is made anew any more"


def test_a_target_that_is_new_is_no_new_name(world: World) -> None:
    repository(world.folder)
    world.apply(world.write("a.yaml", "shop"))
    other = world.write("a.yaml", "shop", targets={"local": {}, "second": {"default": True, "workspace": PLACE}})
    assert warned(world.plan(other)) == []
    named = phases.plan(Request(other.path, "local"), world.memory.connect)
    assert (named.stack, warned(named)) == ("shop-local", [])


def test_what_nobody_marked_is_adopted_when_asked_for(world: World) -> None:
    request = world.write("a.yaml", "shop", endpoint={"name": "shop"}, model={"name": "clerk"})
    world.apply(request)
    for path, document in world.memory.documents.items():
        inner = document["properties"]
        for bag in (document.get("tags"), inner.get("tags"), inner.get("properties")):
            for mark in [m for m in bag or () if m.startswith("phift.")]:
                del bag[mark]
        if "/deployments/" in path:
            inner["traffic"] = {}
    for path in [p for p in world.memory.documents if "/deployments/" in p or "/data/" in p or "/jobs/" in p]:
        world.memory.remove(path)
    world.memory.documents[f"{world.memory.workspace.arm_id}/onlineEndpoints/shop".lower()]["properties"][
        "traffic"
    ] = {}

    with pytest.raises(RefusedError, match="is not managed by phift"):
        world.plan(request)
    adopting = world.write(
        "a.yaml",
        "shop",
        endpoint={"name": "shop"},
        model={"name": "clerk"},
        adopt={"compute": True, "endpoint": True, "model": True},
    )
    plan = world.plan(adopting)
    wanted = changes(plan)
    assert [wanted[a] for a in ("compute.finetune", "endpoint.main", "model.finetuned")] == ["adopt"] * 3
    assert "job.finetune" not in wanted, "the adopted model stands for its training"
    world.apply(adopting)
    assert not world.plan(adopting).changes_something
    assert not world.names("jobs")


def repository(folder: Path) -> None:
    """So that the folder's specs say which repository they belong to."""
    for words in (["init", "-q"], ["remote", "add", "origin", "https://user:secret@example.org/team/specs.git"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)


def test_a_file_with_a_matrix_is_planned_as_its_stacks(world: World) -> None:
    repository(world.folder)
    request = world.write("m.yaml", "grid", matrix={"size": ["small", "big"]}, vars={"size": "none"})
    planned = world.plan_many(request)
    assert [s.stack for s in planned.stacks] == ["grid-small", "grid-big"]
    assert world.apply_many(planned).exit_code == 0
    again = world.plan_many(request)
    assert not again.changes_something
    assert all("secret" not in p.source for p in again.plans)
    assert not world.plan(again.stacks[0].request).changes_something, "a stack alone is the same stack"


def test_what_left_a_matrix_is_deleted_and_nothing_else(world: World) -> None:
    repository(world.folder)
    foreign = world.write(
        "other.yaml", "grid-other", compute={"finetune": {"name": "gpu-2", "size": "Standard_NC24ads_A100_v4"}}
    )
    request = world.write("m.yaml", "grid", matrix={"size": ["small", "big"]})
    world.apply_many(world.plan_many(request, foreign))
    smaller = world.write("m.yaml", "grid", matrix={"size": ["small"]})
    narrowed = Request(smaller.path, variables={"size": "small"})
    assert [s.stack for s in world.plan_many(narrowed).stacks] == ["grid-small"]
    planned = world.plan_many(smaller)
    assert [(s.stack, changes(s.plan)) for s in planned.planned] == [
        ("grid-small", {}),
        ("grid-big", {f"endpoint.{endpoint_of(world, 'grid-big')}": "delete"}),
    ]
    assert planned.plans[1].purpose == "destroy"
    applied = world.apply_many(planned)
    assert (applied.exit_code, applied.destroyed) == (0, 1)
    assert [e.rpartition("-")[0] for e in world.names("onlineEndpoints")] == ["grid-other", "grid-small"]
    assert not world.plan_many(smaller, foreign).changes_something


def endpoint_of(world: World, stack: str) -> str:
    return next(e for e in world.names("onlineEndpoints") if e.startswith(f"{stack}-"))


def test_without_a_repository_the_id_of_the_lock_file_tells_what_is_left_over(world: World) -> None:
    request = world.write("m.yaml", "grid", matrix={"size": ["small", "big"]})
    world.apply_many(world.plan_many(request))
    smaller = world.write("m.yaml", "grid", matrix={"size": ["small"]})
    assert [s.stack for s in world.plan_many(smaller).stacks] == ["grid-small", "grid-big"]
    (world.folder / "phift.lock").unlink()
    (alone,) = world.plan_many(smaller).failed
    assert isinstance(alone.error, RefusedError)


def test_stacks_that_no_spec_accounts_for_are_forgotten(world: World) -> None:
    a, b = (world.write(f"{n}.yaml", f"stack-{n}") for n in ("a", "b"))
    world.apply_many(world.plan_many(a, b))
    assert forgotten([a, b], world.memory.connect) == []
    (found,) = forgotten([a], world.memory.connect)
    assert found.stack == "stack-b"
    assert [kind for kind, _ in found.objects] == ["endpoint"]
    endpoint = world.memory.documents[found.objects[0][1].object_id.lower()]
    world.memory.put(f"{world.memory.workspace.arm_id}/onlineEndpoints/copied", endpoint)
    assert [len(f.objects) for f in forgotten([a], world.memory.connect)] == [1], "copied marks belong to no stack"


def test_folders_and_globs_hold_specs(world: World) -> None:
    spec = world.folder / "a.yaml"
    spec.write_text("version: 1\nname: stack-a\n", encoding="utf-8")
    below = world.folder / "sub" / "deep"
    below.mkdir(parents=True)
    other = below / "b.yml"
    other.write_text("extends: ../../a.yaml\nname: stack-b\n", encoding="utf-8")
    (world.folder / "base.yaml").write_text("version: 1\ntags: {a: b}\n", encoding="utf-8")
    (world.folder / "phift.lock").write_text("version: 1\n", encoding="utf-8")
    hidden = world.folder / ".git"
    hidden.mkdir()
    (hidden / "c.yaml").write_text(spec.read_text(encoding="utf-8"), encoding="utf-8")
    assert expand([world.folder]) == [spec, other]
    assert expand([world.folder / "**" / "*.y*ml"]) == [spec, other]
    assert expand([spec, world.folder, spec]) == [spec, other]
    assert expand([world.folder / "missing.yaml"]) == [world.folder / "missing.yaml"], "loading says what is wrong"
    with pytest.raises(UsageError, match="no spec found in"):
        expand([hidden.parent / "*.json"])


def test_a_stack_is_named_by_words_that_find_it_again(world: World) -> None:
    targets = {"local": {"default": True}, "spare": {}}
    matrix = {"size": ["small", "large one"]}
    several = world.write("m.yaml", "shop", matrix=matrix, targets=targets, tags={"size": "{{ vars.size }}"})
    for request in (several, replace(several, target="spare", variables={"size": "small"})):
        for plan in world.plan_many(request).plans:
            path, *options = shlex.split(plan.spec_words)
            assert path == str(request.path)
            asked = dict(zip(options[::2], options[1::2], strict=True))
            variables = dict([asked["--var"].split("=")])
            again = world.plan(Request(request.path, asked.get("--target"), variables))
            assert again.stack == plan.stack
