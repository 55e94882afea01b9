"""test: requests to a deployment by name before it receives traffic; a failure stops the rollout."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from phift.errors import AzureError, RolledBackError
from phift.kinds.context import Context
from phift.kinds.progress import Progress, Written
from phift.kinds.shared.answers import answer_of
from phift.kinds.shared.online import endpoint_path
from phift.kinds.shared.scoring import Caller, Question, questions
from phift.kinds.test.parts import TestParts
from phift.state.desired import Desired
from phift.state.live import Live, Observation

__all__ = ["TestWire"]


class TestWire:
    __test__ = False

    def read(self, context: Context, desired: Desired[TestParts]) -> Observation:
        """Return nothing: a test does not leave an object in the workspace."""
        return Observation()

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def create(self, context: Context, desired: Desired[TestParts]) -> Written:
        """Send the rows and return one result per row. Raises RolledBackError if an expectation is not met."""
        parts = desired.parts
        caller = Caller.of(context.azure, endpoint_path(context, parts.endpoint))
        results: list[dict[str, Any]] = []
        wanted = questions(parts.recipe, int(desired.properties["rows"]), desired.properties["parameters"])
        for number, asked in enumerate(wanted, 1):
            context.report(Progress("Testing", current=number, total=len(wanted), unit="rows"))
            result = _ask(caller, asked, desired)
            results.append(result)
            if "error" in result:
                break
        failures = _failures(results, parts)
        outputs = {"name": desired.name, "results": results, "exact_match": _exact_match(results)}
        if failures:
            raise _failed(desired, failures, results)
        return Written(outputs)

    def update(self, context: Context, desired: Desired[TestParts], live: Live) -> Written:
        return self.create(context, desired)

    def delete(self, context: Context, desired: Desired[TestParts], live: Live) -> Written:
        """Do nothing: a test does not leave an object."""
        return Written()

    def poll(self, context: Context, desired: Desired[TestParts], written: Written) -> Progress:
        return Progress("Passed", done=True)

    def outputs(self, context: Context, desired: Desired[TestParts], live: Live) -> Mapping[str, Any]:
        return {}


def _ask(caller: Caller, asked: Question, desired: Desired[TestParts]) -> dict[str, Any]:
    """Send one row, and return its answer next to the ground truth."""
    result: dict[str, Any] = {"prompt": asked.prompt, "ground_truth": asked.truth}
    start = time.monotonic()
    try:
        body = caller.ask(
            asked.body,
            deployment=desired.parts.deployment.name,
            timeout=desired.parts.max_seconds,
        )
    except AzureError as error:
        return {**result, "answer": "", "error": error.summary, "seconds": time.monotonic() - start}
    return {**result, "answer": answer_of(body).strip(), "seconds": time.monotonic() - start}


def _exact_match(results: list[dict[str, Any]]) -> float:
    return sum(1 for r in results if r["answer"] == r["ground_truth"].strip()) / max(len(results), 1)


def _failures(results: list[dict[str, Any]], parts: TestParts) -> list[str]:
    expect = parts.expect
    found = []
    for number, result in enumerate(results, 1):
        if "error" in result:
            found.append(f"row {number}: {result['error']}")
            continue
        found += [
            f"row {number}: the answer does not contain {text!r}"
            for text in expect.contains
            if text not in result["answer"]
        ]
        if (pattern := expect.regex) and not re.search(pattern, result["answer"]):
            found.append(f"row {number}: the answer does not match {pattern!r}")
        if parts.max_seconds and result["seconds"] > parts.max_seconds:
            found.append(f"row {number}: took {result['seconds']:.1f} s; at most {parts.max_seconds:g} s allowed")
    least = expect.min_exact_match
    if least is not None and _exact_match(results) < least:
        found.append(
            f"{_exact_match(results):.0%} of {len(results)} answers equal the ground truth; required: {least:.0%}"
        )
    return found


def _failed(desired: Desired[TestParts], failures: list[str], results: list[dict[str, Any]]) -> RolledBackError:
    shown = next((r for r in results if "error" in r or r["answer"] != r["ground_truth"].strip()), results[-1])
    in_place = not desired.parts.deployment.beside
    where = "it already receives traffic" if in_place else "traffic is unchanged and nothing was deleted"
    return RolledBackError(
        f"test {desired.name} failed on deployment {desired.parts.deployment.name}; {where}",
        detail="\n".join(
            [
                *failures,
                f"prompt:   {shown['prompt']}",
                f"answer:   {shown['answer'] or '(empty)'}",
                f"expected: {shown['ground_truth']}",
            ]
        ),
        remedy="Fix the model or relax the expectation, then re-run `phift apply`: the deployment is tested again "
        "before traffic moves.",
        address=str(desired.address),
    )
