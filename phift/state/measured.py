"""The measured times of a training, in the mark `phift.measured` of the model version that resulted from it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

__all__ = ["MEASURED", "Measured", "measured_in"]

MEASURED = "phift.measured"
_LARGEST = 1e12


@dataclass(frozen=True)
class Measured:
    """Seconds of the phases of a training.

    size, nodes: what it ran on. start: from the submission to the first step. before, train, after: the steps before
    the training, the training, and the steps after it. tokens: real tokens, all epochs; 0 if unknown.
    """

    size: str
    nodes: int
    start: float
    before: float
    train: float
    after: float
    tokens: int = 0

    @property
    def tokens_per_second(self) -> float | None:
        return self.tokens / self.train if self.tokens and self.train else None

    @property
    def text(self) -> str:
        """The value of the mark."""
        return json.dumps({key: value for key, value in asdict(self).items() if value}, separators=(",", ":"))


def measured_in(marks: Mapping[str, str]) -> Measured | None:
    """Return the measured times of the marks of a model version; None if they are missing or unreadable."""
    try:
        data = json.loads(marks.get(MEASURED, ""))
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    numbers = {f.name: data.get(f.name, 0) for f in fields(Measured) if f.name != "size"}
    if not isinstance(data.get("size"), str) or not all(map(_is_amount, numbers.values())):
        return None
    counts = {name: int(numbers[name]) for name in ("nodes", "tokens")}
    found = Measured(size=data["size"], **{**numbers, **counts})
    return found if found.nodes and found.train else None


def _is_amount(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value < _LARGEST
    )
