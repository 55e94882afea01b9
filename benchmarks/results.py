"""What a benchmark measured, a row each: shown by the benchmark itself, and collected by `python -m benchmarks`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["REPORTED", "ROWS", "Row", "at_least", "at_most", "collected", "report", "table"]

ROWS = "PHIFT_BENCHMARK_ROWS"
"""The variable that names the file which takes the rows, where somebody collects them."""


@dataclass(frozen=True)
class Row:
    """name: what was measured. value, budget: for people, with units. ok: None where there is no budget."""

    name: str
    value: str
    budget: str = ""
    ok: bool | None = None

    @property
    def verdict(self) -> str:
        """ok, over, or nothing."""
        return "" if self.ok is None else "ok" if self.ok else "over"


REPORTED: list[Row] = []
"""The rows of this process, in order."""


def report(name: str, value: str, budget: str = "", ok: bool | None = None) -> bool:
    """Hands a row to whoever collects them; returns whether it is within its budget, or has none."""
    REPORTED.append(Row(name, value, budget, ok))
    if path := os.environ.get(ROWS):
        with Path(path).open("a", encoding="utf-8") as out:
            out.write(json.dumps(asdict(REPORTED[-1])) + "\n")
    return ok is not False


def at_most(name: str, value: float, budget: float, unit: str = "", *, digits: int = 2) -> bool:
    """A row whose value must not exceed its budget; returns whether it does not."""
    return report(name, _shown(value, unit, digits), f"at most {budget:.4g}{unit and f' {unit}'}", value <= budget)


def at_least(name: str, value: float, budget: float, unit: str = "", *, digits: int = 2) -> bool:
    """A row whose value must reach its budget; returns whether it does."""
    return report(name, _shown(value, unit, digits), f"at least {budget:.4g}{unit and f' {unit}'}", value >= budget)


def collected(path: Path) -> list[Row]:
    """The rows in a file."""
    if not path.exists():
        return []
    return [Row(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def table(rows: list[Row]) -> str:
    """As Markdown, aligned."""
    cells = [("name", "value", "budget", ""), *((r.name, r.value, r.budget, r.verdict) for r in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(4)]
    lines = [f"| {' | '.join(c.ljust(w) for c, w in zip(row, widths, strict=True))} |" for row in cells]
    return "\n".join([lines[0], f"|{'|'.join('-' * (w + 2) for w in widths)}|", *lines[1:]])


def _shown(value: float, unit: str, digits: int) -> str:
    return f"{value:.{digits}f}{unit and f' {unit}'}"
