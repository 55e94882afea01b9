"""What a worker reports to the emulator: one JSON object per line in `events.jsonl`, appended, never rewritten.

The emulator reads from where it left off, so a restart of either side loses nothing that was written.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["EventReader", "EventWriter", "Metrics", "Progress", "StepEnded", "StepStarted", "parse"]


@dataclass(frozen=True)
class StepStarted:
    """A step of the pipeline begins. at: seconds since the epoch, as in all events."""

    step: str
    at: float = field(default_factory=time.time)


@dataclass(frozen=True)
class StepEnded:
    """A step is over. error: empty when it went well, else one message a user can act on."""

    step: str
    error: str = ""
    error_code: str = "UserError"
    at: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Metrics:
    """Numbers measured at an optimiser step of the training (0: before it)."""

    values: dict[str, float]
    step: int
    at: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Progress:
    """How far the training is. line: the same as one line of the log."""

    step: int
    total: int
    line: str
    at: float = field(default_factory=time.time)


Event = StepStarted | StepEnded | Metrics | Progress
_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in (StepStarted, StepEnded, Metrics, Progress)}


def parse(line: str) -> Event:
    """The event a line holds; raises ValueError when it holds none."""
    body: dict[str, Any] = json.loads(line)
    try:
        return _KINDS[body.pop("kind")](**body)
    except (KeyError, TypeError) as error:
        raise ValueError(f"no event: {line[:200]}") from error


class EventWriter:
    """The worker's end. Each event has left the process when `write` returns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, event: Event) -> None:
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"kind": type(event).__name__, **asdict(event)}) + "\n")


class EventReader:
    """The emulator's end: whole lines only. offset: the byte after the last event returned."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._path = path
        self.offset = offset

    def read(self) -> list[Event]:
        """The events written since the last call; none while there is no file."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self.offset)
                data = stream.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self.offset += len(whole)
        return [parse(line) for line in whole.decode().splitlines()]
