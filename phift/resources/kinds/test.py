"""test: requests sent to one deployment by name, before it gets traffic; a failing one stops the rollout."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

from phift.compile.desired import Desired
from phift.data import Recipe, prepared
from phift.errors import AzureError, RolledBackError
from phift.resources.base import Context, Live, Nature, Observation, Progress, Written
from phift.resources.kinds.endpoint import endpoint_path
from phift.resources.kinds.scoring import Caller, answer_of, chat_request

__all__ = ["Test", "conversations"]


def conversations(recipe: Recipe, rows: int) -> list[list[dict[str, str]]]:
    """The first rows of a recipe as conversations, the same ones on every run. Raises what `prepared` raises."""
    found = []
    with prepared(recipe).path.open(encoding="utf-8") as lines:
        for _, line in zip(range(rows), lines, strict=False):
            found.append(json.loads(line)["messages"])
    return found


class Test:
    name = "test"
    nature = Nature.RUN
    deadline = 1800.0
    stays = False

    def read(self, context: Context, desired: Desired) -> Observation:
        """Nothing stays of a test in the workspace."""
        return Observation()

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def create(self, context: Context, desired: Desired) -> Written:
        """Asks; returns one result a row. Raises RolledBackError with the answers when an expectation is not met."""
        parts = desired.parts
        caller = Caller.of(context.azure, endpoint_path(context, parts["endpoint"]))
        results: list[dict[str, Any]] = []
        wanted = conversations(parts["recipe"], int(desired.properties["rows"]))
        for number, messages in enumerate(wanted, 1):
            context.report(Progress("Testing", current=number, total=len(wanted), unit="rows"))
            result = _ask(caller, messages, desired)
            results.append(result)
            if "error" in result:
                break
        failures = _failures(results, parts)
        outputs = {"name": desired.name, "results": results, "exact_match": _exact_match(results)}
        if failures:
            raise _failed(desired, failures, results)
        return Written(outputs)

    def update(self, context: Context, desired: Desired, live: Live) -> Written:
        return self.create(context, desired)

    def delete(self, context: Context, desired: Desired, live: Live) -> Written:
        """Nothing stays of a test, so nothing is removed."""
        return Written()

    def poll(self, context: Context, desired: Desired, written: Written) -> Progress:
        return Progress("Passed", done=True)

    def outputs(self, context: Context, desired: Desired, live: Live) -> Mapping[str, Any]:
        return {}


def _ask(caller: Caller, messages: list[dict[str, str]], desired: Desired) -> dict[str, Any]:
    """One row: everything up to the last answer is asked, and that answer is the ground truth."""
    truth = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
    asked = messages[:-1] if truth else messages
    result: dict[str, Any] = {"prompt": asked[-1]["content"], "ground_truth": truth}
    start = time.monotonic()
    try:
        body = caller.ask(
            chat_request(asked, desired.properties["parameters"]),
            deployment=desired.parts["deployment"],
            timeout=desired.parts["max_seconds"],
        )
    except AzureError as error:
        return {**result, "answer": "", "error": error.summary, "seconds": time.monotonic() - start}
    return {**result, "answer": answer_of(body).strip(), "seconds": time.monotonic() - start}


def _exact_match(results: list[dict[str, Any]]) -> float:
    return sum(1 for r in results if r["answer"] == r["ground_truth"].strip()) / max(len(results), 1)


def _failures(results: list[dict[str, Any]], parts: Mapping[str, Any]) -> list[str]:
    expect = parts["expect"]
    found = []
    for number, result in enumerate(results, 1):
        if "error" in result:
            found.append(f"row {number}: {result['error']}")
            continue
        found += [
            f"row {number}: the answer lacks {text!r}"
            for text in expect.get("contains", ())
            if text not in result["answer"]
        ]
        if (pattern := expect.get("regex")) and not re.search(pattern, result["answer"]):
            found.append(f"row {number}: the answer does not match {pattern!r}")
        if parts["max_seconds"] and result["seconds"] > parts["max_seconds"]:
            found.append(f"row {number}: took {result['seconds']:.1f} s, {parts['max_seconds']:g} s are allowed")
    least = expect.get("min_exact_match")
    if least is not None and _exact_match(results) < least:
        found.append(
            f"{_exact_match(results):.0%} of {len(results)} answers equal the ground truth, {least:.0%} are wanted"
        )
    return found


def _failed(desired: Desired, failures: list[str], results: list[dict[str, Any]]) -> RolledBackError:
    shown = next((r for r in results if "error" in r or r["answer"] != r["ground_truth"].strip()), results[-1])
    in_place = desired.parts["strategy"] != "blue_green"
    where = "its traffic was on it already" if in_place else "traffic stays where it was, and nothing was removed"
    return RolledBackError(
        f"test {desired.name} failed on deployment {desired.parts['deployment']}; {where}",
        detail="\n".join(
            [
                *failures,
                f"asked:    {shown['prompt']}",
                f"answered: {shown['answer'] or '(nothing)'}",
                f"expected: {shown['ground_truth']}",
            ]
        ),
        remedy="Mend the model or the expectation; apply again tests the same deployment before it shifts traffic.",
        address=str(desired.address),
    )
