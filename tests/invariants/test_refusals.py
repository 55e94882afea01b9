"""Nothing that a plan could know fails at apply: each refusal of the emulator has a check, or a reason why not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from inprocess import InProcess, hurried
from refusals import Row, page, places, rows
from verdicts import Tally, run
from worlds import SPEC

from phift import phases
from phift.emulator.services.endpoints.state import DEPLOYMENT
from phift.errors import InvalidSpecError, RefusedError
from phift.explain import explanations
from phift.phases import ApplyOptions, Request

ROOT = Path(__file__).parents[2]
EXAMPLES = [row for row in rows() if row.by]
WORLDS = 2000
_TEXTS = {"fifty": {f"t{n}": "" for n in range(50)}, "long": {"t": "x" * 257}}
"""Values of examples that would be long in the table."""


def test_the_table_has_every_place_that_refuses() -> None:
    assert {row.at: 1 for row in rows()}.keys() == places().keys(), "a row for each place in tests/refusals.yaml"
    listed = [row.at for row in rows()]
    assert {at: listed.count(at) for at in listed} == dict(places())


def test_each_row_says_who_finds_it_or_why_nobody_does() -> None:
    for row in rows():
        assert sum(map(bool, (row.by, row.never, row.race, row.later))) == 1, row
        assert bool(row.by) == bool(row.spec or row.given), f"an example of {row}"
        assert not row.by or row.by in explanations(), row


def test_the_page_is_the_table() -> None:
    written = (ROOT / "docs" / "refusals.md").read_text(encoding="utf-8")
    assert written == page(), "run: python tests/refusals.py > docs/refusals.md"


@pytest.fixture(scope="module", autouse=True)
def _hurried() -> Iterator[None]:
    with hurried():
        yield


@pytest.fixture
def world(tmp_path: Path) -> Iterator[InProcess]:
    home = InProcess(tmp_path / "home")
    yield home
    home.close()


def written(folder: Path, changes: dict[str, Any]) -> Request:
    spec = copy.deepcopy({**SPEC, "name": "refused"})
    spec["finetune"]["parameters"] = {"learning_rate": 0.001, "max_steps": 3}
    for path, value in changes.items():
        *parents, last = path.split(".")
        block = spec
        for key in parents:
            block = block.setdefault(key, {})
        if value is None:
            block.pop(last, None)
        else:
            block[last] = _TEXTS.get(value, value) if isinstance(value, str) else value
    (folder / "spec.yaml").write_text(json.dumps(spec), encoding="utf-8")
    row = {
        "prompt": "a?",
        "prompt_id": "1",
        "messages": [{"role": "user", "content": "a?"}, {"role": "assistant", "content": "b"}],
    }
    (folder / "train.jsonl").write_text((json.dumps(row) + "\n") * 3, encoding="utf-8")
    return Request(folder / "spec.yaml")


def arrange(world: InProcess, folder: Path, row: Row) -> None:
    """The world of an example."""
    if count := row.given.get("deployments"):
        request = written(folder, {})
        plan = phases.plan(request, world.connector)
        result = phases.apply(plan, request, world.connector, listener=lambda event: None, options=ApplyOptions())
        assert result.exit_code == 0
        store = world.emulator.store
        endpoint = next(r.identity for r in plan.resources if r.address.kind == "endpoint")

        def repeat() -> None:
            (record,) = store.list(DEPLOYMENT, endpoint)
            for number in range(1, count):
                other = copy.deepcopy(record)
                other["document"]["name"] = f"other-{number}"
                other["document"]["tags"] = {}
                store.put(DEPLOYMENT, endpoint, f"other-{number}", body=other)

        world.inside(repeat)

    def change() -> None:
        for name, vcpus in row.given.get("quota", {}).items():
            world.emulator.quota.set_limit(name, vcpus)
        if "roles" in row.given:
            world.emulator.roles.assign(row.given["roles"])
        if "date" in row.given:
            world.emulator.clock.set(now=datetime.fromisoformat(row.given["date"]).replace(tzinfo=UTC))

    world.inside(change)


@pytest.mark.parametrize("row", EXAMPLES, ids=[f"{row.by}: {row.refuses}" for row in EXAMPLES])
def test_the_plan_rejects_each_example(row: Row, world: InProcess, tmp_path: Path) -> None:
    arrange(world, tmp_path, row)
    mark = len(world.requests)
    with pytest.raises((InvalidSpecError, RefusedError)) as refused:
        phases.plan(written(tmp_path, dict(row.spec)), world.connector)
    assert row.by in {d.code for d in refused.value.diagnostics if d.severity == "error"}
    assert not [r for r in world.requests[mark:] if r[0] in ("PUT", "PATCH", "DELETE")], "nothing was written"


def _tally(seeds: range, at_once: int) -> Tally:
    tally = Tally()
    with ThreadPoolExecutor(at_once) as pool:
        for outcome in pool.map(run, seeds):
            tally.add(outcome)
    return tally


def test_what_a_plan_accepts_the_service_does_not_refuse() -> None:
    tally = _tally(range(12), at_once=4)
    assert tally.broken == []
    assert tally.applied > 3


@pytest.mark.matrix
def test_what_two_thousand_plans_accept(record_property: Callable[[str, object], None]) -> None:
    tally = _tally(range(1000, 1000 + WORLDS), at_once=6)
    record_property("tried", f"specs x quota, roles, date: {tally}")
    assert tally.broken == []
    assert tally.applied > WORLDS / 3
