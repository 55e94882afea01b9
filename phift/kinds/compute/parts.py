"""The parts of a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from phift.spec import SecretRef

__all__ = ["ANY", "FINETUNE", "OTHER_STEPS", "ComputeParts"]

FINETUNE, OTHER_STEPS = "finetune", "other_steps"
"""The use of a compute by jobs."""

ANY = "any"
"""The tier of a cluster that is chosen by quota when the cluster is created."""


@dataclass(frozen=True)
class ComputeParts:
    """task: FINETUNE or OTHER_STEPS. nodes: concurrent nodes of a job.

    allow: sizes that the author accepts; empty: all. tier: ANY, or what the plan chose instead of it; empty if the spec
    determines it. password: of the SSH administrator.
    """

    task: str
    nodes: int = 1
    allow: tuple[str, ...] = ()
    tier: str = ""
    password: SecretRef | None = None
