"""Texts about a training run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phift.clock import duration
from phift.kinds.words import ResultBlock, StatusText, Words, number
from phift.plan.action import Action

__all__ = ["WORDS", "result", "status"]

WORDS = {Action.DELETE: Words("cancel", "will be cancelled", "Cancelling...", "Still cancelling...", "Cancelled")}

_KNOWN_METRICS = ("eval_loss_before", "eval_loss", "train_loss", "train_runtime")


def status(row: StatusText) -> list[str]:
    """Return the time limits of a running job, and whether it exceeds one."""
    row.facts.pop("ended", None)
    limit, late = row.facts.pop("time_limit", ""), row.facts.pop("overdue", "")
    return [line for line in (f"{late}; to cancel it: phift expire" if late else f"{limit}" if limit else "",) if line]


def result(outputs: Mapping[str, Any], local: bool) -> ResultBlock | None:
    """Return the metrics and, except on target local, the page in the studio."""
    metrics = {k: v for k, v in dict(outputs.get("metrics", {})).items() if v is not None}
    studio = "" if local else str(outputs.get("studio") or "")
    if not metrics and not studio:
        return None
    return ResultBlock("Training", rows=(*_measured(metrics), *([("studio", studio)] if studio else [])))


def _measured(metrics: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    before, after = metrics.get("eval_loss_before"), metrics.get("eval_loss")
    if after is not None:
        yield "evaluation loss", number(after) if before is None else f"{number(before)} -> {number(after)}"
    if "train_loss" in metrics:
        yield "training loss", number(metrics["train_loss"])
    if "train_runtime" in metrics:
        yield "runtime", duration(float(metrics["train_runtime"]))
    for name, amount in metrics.items():
        if name.startswith("eval_") and name not in _KNOWN_METRICS:
            yield name, number(amount) if isinstance(amount, int | float) else str(amount)
