"""Compiling a spec: the ordered list of passes is the story of what a stack consists of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from phift.compile.desired import Desired, Stack
from phift.compile.draft import Draft
from phift.compile.facts import Facts
from phift.compile.ownership import Claim
from phift.compile.passes.compute import computes
from phift.compile.passes.data import data_versions
from phift.compile.passes.model import registered_model, served_model
from phift.compile.passes.serving import deployment, endpoint, tests, traffic
from phift.compile.passes.training import training_job
from phift.spec import LoadedSpec

__all__ = ["PASSES", "compile_stack"]

Pass = Callable[[Draft], list[Desired]]

PASSES: tuple[Pass, ...] = (
    computes,  # reads compute.*                             makes compute.*
    data_versions,  # reads data.*, facts.data               makes data.*
    training_job,  # reads finetune, base_model, compute, data   makes job.finetune
    registered_model,  # reads model, job                    makes model.finetuned
    served_model,  # reads model                             makes model.served
    endpoint,  # reads endpoint                              makes endpoint.main
    deployment,  # reads deployment, rollout, model.*        makes deployment.main
    tests,  # reads tests, facts.data, deployment.main       makes test.*
    traffic,  # reads rollout, deployment.main, test.*       makes traffic.main
)


def compile_stack(loaded: LoadedSpec, facts: Facts, claim: Claim) -> Stack:
    """The stack that the spec wants on its target. claim: by which it owns its objects.

    What is wrong in the light of the facts is in the stack's findings; the resources are then as complete as they
    can be, so that all is told at once.
    """
    draft = Draft(loaded, facts)
    for one in PASSES:
        draft.resources.extend(one(draft))
    return Stack(
        name=loaded.stack,
        target=loaded.target.name,
        claim=claim,
        resources=tuple(replace(r, stack=loaded.stack, former=draft.former) for r in draft.resources),
        notes=tuple(draft.notes),
        findings=tuple(draft.findings),
        former=draft.former,
    )
