"""test.*: the requests that a new deployment must answer before it receives traffic."""

from __future__ import annotations

from typing import Any

from phift.address import Address
from phift.compile.draft import Draft
from phift.kinds.test.parts import TestParts
from phift.spec import Expectation, TestBlock
from phift.state.desired import Desired
from phift.state.exports import DeploymentExport, EndpointExport, TestExport

__all__ = ["tests"]


def tests(draft: Draft) -> list[Desired[TestParts]]:
    """Return the tests that a new deployment must pass before it receives traffic."""
    endpoint, deployment = draft.first(EndpointExport), draft.first(DeploymentExport)
    if endpoint is None or deployment is None:
        return []
    desired_tests = []
    for name, block in draft.spec.tests.items():
        facts = draft.facts.data.get(f"tests.{name}") or draft.facts.data.get("sample") or draft.facts.data.get("test")
        if facts is None or facts.recipe is None:
            draft.error(
                f"tests.{name}",
                f"tests.{name} has no rows to send",
                code="no-test-rows",
                remedy=f"Write data: {{sample: {{path: FILE}}}}, or tests: {{{name}: {{path: FILE}}}}.",
            )
            continue
        address = Address("test", name)
        draft.export(TestExport(address))
        desired_tests.append(
            Desired(
                address=address,
                name=name,
                properties={"rows": block.rows, "parameters": block.parameters},
                shown=_limits(block),
                parts=TestParts(
                    recipe=facts.recipe,
                    endpoint=endpoint.name,
                    deployment=deployment,
                    max_seconds=block.max_seconds,
                    expect=block.expect or Expectation(),
                ),
                depends_on=(deployment.address,),
            )
        )
    return desired_tests


def _limits(block: TestBlock) -> dict[str, Any]:
    """Return the conditions that a deployment must meet, if they are set."""
    expect = block.expect.model_dump(exclude_none=True, exclude_defaults=True, mode="json") if block.expect else {}
    limits = {"max_seconds": block.max_seconds, "expect": expect}
    return {name: limit for name, limit in limits.items() if limit}
