"""Whether a training job failed because a GPU or its node ran out of memory, and what helps."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phift.estimate.training import Training

__all__ = ["Exhausted", "exhausted_in", "remedy"]

_GPU = re.compile(r"CUDA out of memory|OutOfMemoryError|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED")
_HOST = re.compile(
    r"DefaultCPUAllocator: (?:can't|not enough) |(?:return|exit) ?code[ =:]+(?:-9|137)\b|Signals\.SIGKILL|"
    r"Signal 9 \(SIGKILL\)",
    re.IGNORECASE,
)


class Exhausted(StrEnum):
    """What ran out of memory."""

    NOTHING = ""
    GPU = "the GPU"
    NODE = "the node"


def exhausted_in(*texts: str) -> Exhausted:
    """Return what ran out of memory according to error messages and logs. A killed process counts as the node's."""
    if any(_GPU.search(text) for text in texts):
        return Exhausted.GPU
    return Exhausted.NODE if any(_HOST.search(text) for text in texts) else Exhausted.NOTHING


def remedy(what: Exhausted, training: Training | None) -> str:
    """Return what helps a job that ran out of memory. training: its training, if known."""
    from phift.estimate.advice import after_a_failure
    from phift.estimate.words import sentences

    if what is Exhausted.NODE:
        return (
            "A process was killed, most likely because the memory of the node ran out: use a size with more memory per "
            "node, or write `apply_lora: true`, which keeps less of the optimizer there."
        )
    return f"The GPU ran out of memory. {sentences(after_a_failure(training))}"
