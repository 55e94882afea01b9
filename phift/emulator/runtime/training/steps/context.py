"""What a step of a training pipeline works with: its parameters, inputs, outputs and log."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from phift.emulator.runtime.training.events import EventWriter, Metrics, Progress

__all__ = ["Parameters", "StepContext", "StepError", "Task"]


class Task(StrEnum):
    """What a pipeline teaches a model. The values are what one row is called in logs."""

    CHAT = "conversations"
    TEXT = "texts"
    CLASS = "examples"


_TASKS = {"TextGeneration": Task.TEXT, "SingleLabelClassification": Task.CLASS}
"""By the component's input task_name."""


class StepError(Exception):
    """A step cannot continue, for a reason the user can act on; the message is shown unchanged."""


class Parameters:
    """The component's inputs that are plain values, canonical by the component's types; absent ones are None."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def integer(self, name: str) -> int:
        return int(self._values[name])

    def number(self, name: str) -> float:
        return float(self._values[name])

    def text(self, name: str) -> str:
        """The value as text; "" when there is none."""
        value = self._values.get(name)
        return "" if value is None else str(value)

    def flag(self, name: str) -> bool:
        return self.text(name).lower() == "true"


@dataclass
class StepContext:
    """One step at work.

    job: the job's name. step: the step's name in the pipeline. folder: the job's own folder.
    parameters: as the component's types read them. inputs: local paths of the data and models given, by input name.
    stand_in: the folder of the tiny model when the base model is served by it, else None.
    """

    job: str
    step: str
    folder: Path
    parameters: Parameters
    inputs: Mapping[str, Path]
    stand_in: bool
    events: EventWriter
    started: float = field(default_factory=time.monotonic)

    @property
    def task(self) -> Task:
        """What is learned."""
        return _TASKS.get(self.parameters.text("task_name"), Task.CHAT)

    @property
    def log_file(self) -> Path:
        """The step's own log, which clients read as user_logs/std_log.txt."""
        return self.folder / "steps" / self.step / "std_log.txt"

    def work(self, name: str) -> Path:
        """A folder for what one step leaves to the next, by output name; created on first use."""
        path = self.folder / "work" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def output(self, name: str) -> Path:
        """The folder of an output of the pipeline; created on first use."""
        path = self.folder / "outputs" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def log(self, text: str) -> None:
        """Append lines to the step's log, each with the time of day."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with self.log_file.open("a", encoding="utf-8") as stream:
            stream.writelines(f"{now} {line}\n" for line in text.splitlines())

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Report numbers measured at an optimiser step; they become metrics of the run."""
        self.events.write(Metrics(dict(values), step))

    def progress(self, step: int, total: int, loss: float | None, learning_rate: float) -> None:
        """Report how far the training is: one line in the log, always of this form, and one event."""
        shown = "-" if loss is None else f"{loss:.4g}"
        elapsed = time.monotonic() - self.started
        line = f"step {step}/{total} loss {shown} lr {learning_rate:.3g} elapsed {elapsed:.1f}s"
        self.log(line)
        self.events.write(Progress(step, total, line))
