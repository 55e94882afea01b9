"""Warnings: accepted by a plan, rejected by --strict unless the spec waives them, for one stack and for several."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from memory import MemoryWorkspace
from worlds import World

from phift import phases
from phift.errors import InvalidSpecError, RefusedError
from phift.phases import Request, Verdict

BIG = {"finetune": {"name": "gpu", "size": "Standard_NC24ads_A100_v4", "max_instances": 9}}
WAIVED = [{"check": "quota-most", "reason": "later nodes can wait"}]


@pytest.fixture
def world(tmp_path: Path) -> World:
    memory = MemoryWorkspace()
    memory.grant(100)
    return World(tmp_path, memory)


def test_a_warning_is_rejected_if_strict(world: World) -> None:
    request = world.write("a.yaml", "stack-a", compute=BIG)
    assert [w.code for w in world.plan(request).warnings] == ["quota-most"]
    with pytest.raises(RefusedError) as refused:
        world.plan(request, strict=True)
    assert [(d.code, d.severity) for d in refused.value.diagnostics] == [("quota-most", "error")]


def test_a_waived_warning_is_a_note_with_its_reason(world: World) -> None:
    plan = world.plan(world.write("a.yaml", "stack-a", compute=BIG, waivers=WAIVED), strict=True)
    assert plan.warnings == ()
    (note,) = [n for n in plan.notes if n.startswith("waived")]
    assert note.startswith("waived quota-most: compute.finetune may scale to 216 vCPUs")
    assert note.endswith("(reason: later nodes can wait)")


def test_an_error_is_not_waived(world: World) -> None:
    gone = {"finetune": {"name": "gpu", "size": "Standard_NC6s_v3"}}
    waivers = [{"check": "size-retired", "reason": "it worked last year"}]
    with pytest.raises(RefusedError) as refused:
        world.plan(world.write("a.yaml", "stack-a", compute=gone, waivers=waivers))
    assert "size-retired" in {d.code for d in refused.value.diagnostics}


@pytest.mark.parametrize("waiver", [{"check": "quota-most"}, {"check": "quota-most", "reason": " "}, {"reason": "x"}])
def test_a_waiver_needs_a_code_and_a_reason(world: World, waiver: dict[str, str]) -> None:
    with pytest.raises(InvalidSpecError, match=r"waivers\.0"):
        world.plan(world.write("a.yaml", "stack-a", waivers=[waiver]))


def test_a_waiver_of_an_unknown_code_is_an_error(world: World) -> None:
    with pytest.raises(RefusedError, match="no warning has the code quota-moost"):
        world.plan(world.write("a.yaml", "stack-a", waivers=[{"check": "quota-moost", "reason": "x"}]))


def test_waivers_do_not_change_names_and_digests(world: World) -> None:
    world.apply(world.write("a.yaml", "stack-a", compute=BIG))
    assert not world.plan(world.write("a.yaml", "stack-a", compute=BIG, waivers=WAIVED)).changes_something


def test_strict_concerns_several_stacks_too(world: World) -> None:
    fits = world.write("fits.yaml", "stack-f", endpoint=None, deployment=None)
    warned = world.write("warned.yaml", "stack-w", compute=BIG)
    found = phases.plan_many([fits, warned], world.memory.connect, phases.PlanSettings(strict=True))
    assert [s.stack for s in found.planned] == ["stack-f"]
    assert [s.stack for s in found.failed] == ["stack-w"]
    assert found.exit_code == 4


def test_a_warning_about_several_stacks_is_rejected_or_waived(world: World) -> None:
    compute = {"finetune": {"name": "gpu", "size": "Standard_NC24ads_A100_v4"}}

    def plans(**more: object) -> phases.ManyPlans:
        # Each has a cluster of its own, and 3 x (24 + 24) vCPUs do not fit into 100
        requests: list[Request] = []
        for name in "abc":
            own = {"finetune": {**compute["finetune"], "name": f"gpu-{name}"}}
            requests.append(world.write(f"{name}.yaml", f"stack-{name}", compute=own, **more))
        return phases.plan_many(requests, world.memory.connect, phases.PlanSettings(strict=True))

    assert [s.stack for s in plans().failed] == ["stack-c"]
    waived = plans(waivers=[{"check": "quota-several", "reason": "one after another"}])
    assert not waived.failed
    assert {n[:20] for p in waived.plans for n in p.notes if n.startswith("waived")} == {"waived quota-several"}


def test_preflight_is_the_table_of_the_plan(world: World) -> None:
    request = world.write("a.yaml", "stack-a", compute=BIG)
    found = phases.preflight(request, world.memory.connect)
    rows = {row.check: row for row in found.rows}
    assert rows["quota"].verdict is Verdict.WARNING
    assert [f.code for f in rows["quota"].findings] == ["quota-most"]
    assert {row.verdict for name, row in rows.items() if name != "quota"} == {Verdict.OK}
    assert found.exit_code == 0
    assert phases.preflight(request, world.memory.connect, strict=True).exit_code == 4
    assert not (world.folder / "phift.lock").exists(), "it writes nothing"
    waived = world.write("a.yaml", "stack-a", compute=BIG, waivers=WAIVED)
    found = phases.preflight(waived, world.memory.connect, strict=True)
    assert {row.check: row.verdict for row in found.rows}["quota"] is Verdict.WAIVED
    assert found.exit_code == 0


def test_a_fact_that_is_not_available_is_not_known(world: World) -> None:
    world.memory.grant(0)
    for size in world.memory._sizes:
        size["family"] = "standardOtherFamily"
    rows = {row.check: row for row in phases.preflight(world.write("a.yaml", "stack-a"), world.memory.connect).rows}
    assert rows["quota"].verdict is Verdict.UNKNOWN


def test_preflight_as_json_and_markdown(world: World) -> None:
    from phift.views import preflight as view

    found = phases.preflight(world.write("a.yaml", "stack-a", compute=BIG), world.memory.connect)
    data = json.loads(view.json(found))
    assert (data["stack"], data["passed"], len(data["checks"])) == ("stack-a", True, len(found.rows))
    quota = next(each for each in data["checks"] if each["check"] == "quota")
    assert (quota["verdict"], quota["findings"][0]["code"]) == ("warning", "quota-most")
    text = view.markdown(found)
    assert "| `quota` | warning |" in text
    assert "Lower max\\_instances" in text or "Lower max_instances" in text
