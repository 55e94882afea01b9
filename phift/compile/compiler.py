"""Compile a spec: each kind in order, from the spec, the facts, and the exports of earlier kinds."""

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
    """Return the stack that the spec defines on its target. claim: identifies it as the owner of its objects. kinds: in
    the order of their dependencies.

    Problems are in the findings of the stack. The resources are then as complete as possible, so that all findings are
    reported at once.
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
