"""The parts of a cluster."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FINETUNE", "OTHER_STEPS", "ComputeParts"]

FINETUNE, OTHER_STEPS = "finetune", "other_steps"
"""The use of a compute by jobs."""


@dataclass(frozen=True)
class ComputeParts:
    """task: FINETUNE or OTHER_STEPS. nodes: concurrent nodes of a job.

    allow: sizes that the author accepts; empty: all.
    """

    task: str
    nodes: int = 1
    allow: tuple[str, ...] = ()
