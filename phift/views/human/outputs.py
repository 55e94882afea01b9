"""The outputs of an apply: metrics, the registered model, the endpoint, answers, and next steps."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from phift.apply.events import ApplyFinished
from phift.errors import DetachedError
from phift.plan.model import Plan
from phift.views.base import PLAIN, Style
from phift.views.human.conversation import conversation, exact_matches
from phift.views.human.values import duration, number, table

__all__ = ["complete_line", "results"]

LOCAL = "local"
"""The target without a working studio URL."""

_ROWS = 3
_LINES = 8
"""Rows of a test to show, and lines of each text."""

_KNOWN_METRICS = ("eval_loss_before", "eval_loss", "train_loss", "train_runtime")


def complete_line(result: ApplyFinished, style: Style = PLAIN) -> str:
    """Return Terraform's last line, with the actual counts."""
    counted = f"{result.added} added, {result.changed} changed, {result.destroyed} destroyed."
    destroying = result.plan.purpose == "destroy"
    if result.exit_code == DetachedError.exit_code:
        head = style.bold(style.yellow("Detached. Work continues in Azure ML; re-run this command to resume."))
        return f"{head}\nResources: {counted}"
    if result.failed or result.exit_code:
        head = "Destroy incomplete!" if destroying else "Apply incomplete!"
        return f"{style.bold(style.red(head))} Resources: {counted[:-1]}, {len(result.failed)} failed."
    if destroying:
        return f"{style.bold(style.green('Destroy complete!'))} Resources: {result.destroyed} destroyed."
    return f"{style.bold(style.green('Apply complete!'))} Resources: {counted}"


def results(result: ApplyFinished, *, style: Style = PLAIN) -> str:
    """Return everything below the last line, one block per kind of output; empty if there are no outputs."""
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for address, outputs in result.outputs.items():
        if outputs:
            by_kind.setdefault(address.partition(".")[0], []).append(outputs)
    blocks = [
        *(list(_job(job, style, local=result.plan.target == LOCAL)) for job in by_kind.get("job", [])),
        *([f"{style.bold('Model')}     {m.get('name', '')}:{m.get('version', '')}"] for m in by_kind.get("model", [])),
        *([f"{style.bold('Endpoint')}  {e.get('scoring_uri', '')}"] for e in by_kind.get("endpoint", [])),
        *(list(_test(test, style)) for test in by_kind.get("test", [])),
    ]
    if result.phases:
        spent = ", ".join(f"{name} {duration(seconds)}" for name, seconds in result.phases.items())
        lines = textwrap.wrap(f"{duration(result.elapsed)} ({spent})", max(style.width - 10, 30))
        blocks.append([f"{style.bold('Time')}      {lines[0]}", *(" " * 10 + line for line in lines[1:])])
    following = list(_next(result.plan, by_kind))
    if following and not result.exit_code:
        blocks.append([style.bold("Next"), *(f"  {line}" for line in following)])
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _job(outputs: Mapping[str, Any], style: Style, *, local: bool) -> Iterator[str]:
    metrics = {k: v for k, v in dict(outputs.get("metrics", {})).items() if v is not None}
    if not metrics and (local or not outputs.get("studio")):
        return
    yield style.bold("Training")
    rows: list[tuple[str, str]] = []
    before, after = metrics.get("eval_loss_before"), metrics.get("eval_loss")
    if after is not None:
        said = number(after) if before is None else f"{number(before)} -> {number(after)}"
        rows.append(("evaluation loss", said))
    if "train_loss" in metrics:
        rows.append(("training loss", number(metrics["train_loss"])))
    if "train_runtime" in metrics:
        rows.append(("runtime", duration(float(metrics["train_runtime"]))))
    for name, amount in metrics.items():
        if name.startswith("eval_") and name not in _KNOWN_METRICS:
            rows.append((name, number(amount) if isinstance(amount, int | float) else str(amount)))
    if outputs.get("studio") and not local:
        rows.append(("studio", str(outputs["studio"])))
    yield from table(rows, indent="  ")


def _test(outputs: Mapping[str, Any], style: Style) -> Iterator[str]:
    results = list(outputs.get("results") or ())
    same, known = exact_matches(results)
    said = f"{same} of {known} answers equal the ground truth" if known else "passed"
    yield f"{style.bold('Test')}      {outputs.get('name', '')}: {said}"
    yield from conversation(results[:_ROWS], style=style, lines=_LINES)
    if len(results) > _ROWS:
        yield f"  and {len(results) - _ROWS} more rows; to see all, use apply --json"


def _next(plan: Plan, by_kind: Mapping[str, Any]) -> Iterator[str]:
    if plan.purpose == "destroy":
        return
    spec = plan.spec_words
    serves = "endpoint" in by_kind or "deployment" in by_kind
    rows = [
        *([(f"phift metrics {spec}", "show training metrics")] if "job" in by_kind and not serves else []),
        *([(f'phift invoke {spec} "Hello"', "send a message")] if serves else []),
        (f"phift status {spec}", "show the current state"),
        (f"phift destroy {spec}", "delete billed resources"),
    ]
    yield from table(rows)
