"""Compiling a spec: the kinds in order, each from the spec, the facts, and what those before it export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from phift.compile.draft import Draft
from phift.kinds.base import Kind
from phift.spec import LoadedSpec
from phift.state.desired import Desired, Stack
from phift.state.facts import Facts
from phift.state.ownership import Claim

__all__ = ["compile_stack"]


def compile_stack(loaded: LoadedSpec, facts: Facts, claim: Claim, kinds: Mapping[str, Kind[Any, Any]]) -> Stack:
    """The stack that the spec wants on its target. claim: by which it owns its objects. kinds: in the order of their
    dependencies.

    What is wrong in the light of the facts is in the stack's findings; the resources are then as complete as they
    can be, so that every finding is reported at once.
    """
    draft = Draft(loaded, facts)
    resources: list[Desired[Any]] = []
    for kind in kinds.values():
        resources += (
            replace(made, traits=kind.traits, stack=loaded.stack, former=draft.former) for made in kind.compile(draft)
        )
    return Stack(
        name=loaded.stack,
        target=loaded.target.name,
        claim=claim,
        resources=tuple(resources),
        notes=tuple(draft.notes),
        findings=tuple(draft.findings),
        former=draft.former,
    )
