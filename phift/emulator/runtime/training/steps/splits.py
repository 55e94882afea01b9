"""The rows of a split as a job's task has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from phift.emulator.runtime.training.steps.classes import read_examples
from phift.emulator.runtime.training.steps.context import StepContext, Task
from phift.emulator.runtime.training.steps.rows import read_rows, read_texts

__all__ = ["read_split"]


def read_split(context: StepContext, path: Path) -> Iterator[Any]:
    """Conversations, texts or Examples, each checked; raises StepError naming file, row and what is wrong."""
    match context.task:
        case Task.CHAT:
            return read_rows(path)
        case Task.TEXT:
            keys = [context.parameters.text(name) for name in ("text_key", "ground_truth_key")]
            return read_texts(path, *keys)
        case Task.CLASS:
            return read_examples(path, context.parameters)
