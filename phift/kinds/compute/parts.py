"""What a cluster is for."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FINETUNE", "OTHER_STEPS", "ComputeParts"]

FINETUNE, OTHER_STEPS = "finetune", "other_steps"
"""What jobs use a compute for."""


@dataclass(frozen=True)
class ComputeParts:
    """task: FINETUNE or OTHER_STEPS. nodes: that a job runs on at once. allow: sizes the author accepts; empty: all."""

    task: str
    nodes: int = 1
    allow: tuple[str, ...] = ()
