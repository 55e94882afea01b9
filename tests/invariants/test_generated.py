"""After any apply the plan is empty: generated specs, edits of them, with and without the noise of a live service.

But for what the applied plan held back with a warning (protected-kept): where the edit also lifted the protection, the
next plan deletes exactly that, and the one after it is empty.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from memory import MemoryWorkspace
from worlds import World, changes

from phift.errors import RefusedError
from phift.plan.action import Action
from phift.plan.model import Plan

EXAMPLES = 150
SIZES = ("Standard_NC24ads_A100_v4", "standard_nc24ADS_A100_V4", "Standard_NC48ads_A100_v4")
texts = st.text(alphabet="abcäöü 0-_'\"{}:#", max_size=12).map(lambda t: t.replace("{{", "").strip() or "x")
tags = st.dictionaries(st.sampled_from(["team", "cost", "stage"]), texts, max_size=3)

specs = st.fixed_dictionaries(
    {
        "compute": st.builds(
            lambda size, most, own: {"finetune": {"name": "gpu", "size": size, "max_instances": most, "tags": own}},
            st.sampled_from(SIZES),
            st.integers(1, 4),
            tags,
        ),
        "finetune": st.builds(
            lambda rate, epochs, logging: {
                "parameters": {"learning_rate": rate, "num_train_epochs": epochs, "logging_steps": logging}
            },
            st.sampled_from([5e-6, 0.00001, 1e-3]),
            st.integers(1, 3),
            st.integers(1, 9),
        ),
        "endpoint": st.builds(
            lambda own, words: {"auth_mode": "key", "tags": own, **({"description": words} if words else {})},
            tags,
            st.none() | texts,
        ),
        "deployment": st.builds(
            lambda size, count, wait: {
                "instance_type": size,
                "instance_count": count,
                "request_settings": {"request_timeout_ms": wait},
                "liveness_probe": {"initial_delay": 10, "period": 5},
            },
            st.sampled_from(SIZES),
            st.integers(1, 3) | st.just({"initial": 2}),
            st.sampled_from([5000, 30000, 90000]),
        ),
        "rollout": st.sampled_from(
            [{"strategy": "blue_green"}, {"strategy": "in_place"}, {"strategy": "blue_green", "keep_previous": 1}]
        ),
        "tags": tags,
        "protect": st.booleans(),
    }
)


Edits = list[dict[str, Any]]
edits_of_a_spec = st.lists(specs, min_size=2, max_size=4)


@dataclass
class Counts:
    """What was tried: applies that ran, and those that were refused because something protected had to be replaced."""

    specs: int = 0
    applied: int = 0
    refused: int = 0
    released: int = 0
    """Applies that deleted what the one before had held back as protected."""


def held_by(plan: Plan) -> dict[str, str]:
    """The deployments that a plan leaves beside the new one because they are protected, as their deletion is shown."""
    names = [w.summary.split()[1] for w in plan.warnings if w.code == "protected-kept"]
    kept = [r for r in plan.resources if r.action is Action.NO_OP and r.identity in names and r.decided.endpoint]
    assert sorted(r.identity for r in kept) == sorted(names), "the warnings name what the plan leaves"
    return {str(r.address): Action.DELETE.value for r in kept}


def check(edits: Edits, *, noise: bool, counts: Counts) -> None:
    """Applies one spec after another, and the first once more; after every apply the plan is empty, but for what the
    apply held back as protected although its spec protects nothing any more."""
    counts.specs += 1
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), MemoryWorkspace(noise=noise))
        trained = set()
        for spec in (*edits, edits[0]):
            request = world.write("a.yaml", "stack-a", **spec)
            try:
                plan = world.plan(request)
                world.apply(request, plan)
            except RefusedError as refusal:
                if "is protected" not in str(refusal):
                    raise
                counts.refused += 1
                continue
            counts.applied += 1
            parameters = spec["finetune"]["parameters"]
            trained.add((parameters["learning_rate"], parameters["num_train_epochs"]))
            held = {} if spec["protect"] else held_by(plan)
            assert changes(world.plan(request)) == held
            if held:
                world.apply(request)
                counts.released += 1
                assert changes(world.plan(request)) == {}
        assert len(world.names("jobs")) >= len(trained), "each training is there, and the first was found again"


@settings(
    max_examples=3, phases=[Phase.generate], deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(edits=edits_of_a_spec, noise=st.booleans())
def test_the_plan_is_empty_after_any_apply(edits: Edits, noise: bool) -> None:
    check(edits, noise=noise, counts=Counts())


def test_what_was_protected_goes_with_the_apply_after_its_protection() -> None:
    """The exception of the property: one edit lifts the protection and makes another deployment."""
    spec = {
        "compute": {"finetune": {"name": "gpu", "size": SIZES[0], "max_instances": 1}},
        "finetune": {"parameters": {"learning_rate": 1e-3, "num_train_epochs": 1}},
        "deployment": {"instance_type": SIZES[0]},
        "rollout": {"strategy": "blue_green"},
        "protect": True,
    }
    counts = Counts()
    check([spec, {**spec, "deployment": {"instance_type": SIZES[2]}, "protect": False}], noise=False, counts=counts)
    assert counts.released == 1


@pytest.mark.matrix
@pytest.mark.parametrize("noise", [False, True])
def test_the_plan_is_empty_after_hundreds(noise: bool, record_property: Callable[[str, object], None]) -> None:
    """New specs at every run: a failure prints the one that broke, shrunk."""
    counts = Counts()

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate, Phase.shrink],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(edits=edits_of_a_spec)
    def hundreds(edits: Edits) -> None:
        check(edits, noise=noise, counts=counts)

    hundreds()
    assert counts.applied > counts.refused
    record_property(
        "tried",
        f"generated specs{', under noise' if noise else ''}: {counts.specs} with edits; {counts.applied} applies "
        f"left an empty plan, {counts.released} of them after the deletion of what they had held back; "
        f"{counts.refused} were refused for what is protected",
    )
