"""Killed before and after every write; one more apply, or destroy, comes to what an undisturbed one comes to.

A few points of every scenario by default, all of them with `make matrix`. How many were tried is printed at the end.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import Embedded, Project

from phift import phases
from phift.apply.events import ApplyFinished
from tests.matrix.killing import Point, Zygote, points
from tests.matrix.scenarios import SCENARIOS, Scenario
from tests.matrix.world import require_settled, world

FEW = 3
"""Points of a scenario that every run of the tests tries."""


def a_few(found: list[Point]) -> list[Point]:
    """Spread over the run: writes of resources, not of the ledger, whose every second lies between two of them."""
    of_resources = [point for point in found if "stacks/STACK/" not in point.write]
    step = max(1, len(of_resources) // FEW)
    return of_resources[step // 2 :: step][:FEW]


@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_at_a_few_writes(
    name: str, roomy: Embedded, zygote: Zygote, tmp_path: Path, stack: str, tell: Callable[[str], None]
) -> None:
    tried = try_points(SCENARIOS[name](tmp_path, stack.split("-")[0] + "k", roomy), zygote, a_few)
    tell(f"{name}: {told(tried)}")


@pytest.mark.matrix
@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_at_every_write(
    name: str, roomy: Embedded, zygote: Zygote, tmp_path: Path, stack: str, tell: Callable[[str], None]
) -> None:
    tried = try_points(SCENARIOS[name](tmp_path, stack.split("-")[0] + "k", roomy), zygote, lambda found: found)
    tell(f"{name}: {told(tried)}")
    assert tried["killed"] > 2 * FEW


def try_points(scenario: Scenario, zygote: Zygote, choose: Callable[[list[Point]], list[Point]]) -> Counter[str]:
    """Kills the scenario at the chosen points of an undisturbed run; returns how many were killed and how they came on.

    Raises AssertionError that names every point which did not come to the undisturbed run's end.
    """
    ends: dict[int, dict[str, Any]] = {}
    writes: list[str] = []
    for _ in range(scenario.phases):
        project = scenario.begin()
        answer = zygote.carry_out(project, scenario.action)
        assert answer["code"] == 0, answer["failures"]
        require_settled(project)
        ends[scenario.phase] = world(project)
        writes = writes or answer["writes"]
        scenario.end(project)
    tried: Counter[str] = Counter()
    wrong = []
    for point in choose(points(writes)):
        project = scenario.begin()
        answer = zygote.carry_out(project, scenario.action, point)
        tried["killed" if answer.get("signal") == signal.SIGKILL else "not met"] += 1
        try:
            come_on(project, scenario.action)
            tried["came on"] += 1
            require_settled(project)
            assert world(project) == ends[scenario.phase]
            assert not undone(project, scenario.action)
        except AssertionError as error:
            wrong.append(f"killed {point}: {error}")
            assert once_more(project, scenario.action).exit_code == 0
        scenario.end(project)
    assert not wrong, f"{len(wrong)} of {tried['killed']} points:\n" + "\n".join(wrong)
    return tried


def told(tried: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in tried.items())


def once_more(project: Project, action: str) -> ApplyFinished:
    return project.destroy() if action == "destroy" else project.apply()


def come_on(project: Project, action: str) -> None:
    """The command again, which must go well."""
    result = once_more(project, action)
    failures = [str(e.error) for e in project.events if type(e).__name__ == "ResourceFailed"]
    assert result.exit_code == 0, failures


def undone(project: Project, action: str) -> list[str]:
    """What a following plan would still do."""
    destroying = action == "destroy"
    plan = phases.destroy_plan(project.request, project.embedded.connector) if destroying else project.plan()
    return [f"{r.action} {r.address}" for r in plan.resources if r.action.changes_something]
