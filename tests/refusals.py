"""The table of what the emulator refuses (refusals.yaml), and the page that shows it.

python tests/refusals.py > docs/refusals.md
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

__all__ = ["Row", "page", "places", "rows"]

_TESTS = Path(__file__).parent
_EMULATOR = _TESTS.parent / "phift" / "emulator"
SEARCHED = (
    "services/compute",
    "services/assets",
    "services/datastores",
    "services/jobs",
    "services/deployments",
    "services/endpoints",
    "services/monitor/autoscale",
    "services/blob/authorization.py",
    "core/validation.py",
    "core/middleware.py",
)
"""Where writes that phift sends are answered. Conditions of blobs belong to their protocol."""

_MAKERS = ("ServiceError", "GatewayError", "refusal")


@dataclass(frozen=True)
class Row:
    """A place that refuses. by, spec, given: the check that finds it and its example. never, race, later: why there is
    none. See refusals.yaml."""

    at: str
    refuses: str
    by: str = ""
    spec: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    never: str = ""
    race: str = ""
    later: str = ""


@cache
def rows() -> tuple[Row, ...]:
    """The table, in its order."""
    return tuple(Row(**entry) for entry in yaml.safe_load((_TESTS / "refusals.yaml").read_text(encoding="utf-8")))


def places() -> Counter[str]:
    """The places in the source of the emulator that refuse, as in `Row.at`."""
    found: Counter[str] = Counter()
    for name in SEARCHED:
        path = _EMULATOR / name
        for file in [path] if path.suffix else sorted(path.rglob("*.py")):
            where = file.relative_to(_EMULATOR).as_posix()
            found.update(f"{where} {place}" for place in _in(ast.parse(file.read_text(encoding="utf-8")), ""))
    return found


def _in(node: ast.AST, function: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Name) and child.func.id in _MAKERS:
            yield f"{inside} {_code(child)}"
        yield from _in(child, inside)


def _code(call: ast.Call) -> str:
    """Status and code, if they are written out; a refusal of an online endpoint has a problem document."""
    given = [argument.value for argument in call.args[:2] if isinstance(argument, ast.Constant)]
    return " ".join(map(str, given)) if len(given) == 2 else "problem"


def page() -> str:
    """docs/refusals.md."""
    head = """\
# What the service refuses, and what the plan finds first

Each place in the emulator that refuses a write which phift can send, with the check that rejects the plan before
anything is created. A test holds the table complete, plans an example of each row with a check, and applies generated
specs in worlds of many quotas, roles and dates: what a plan accepts, the service does not refuse. Written by
`python tests/refusals.py > docs/refusals.md`.

Fields under `azure:` are sent unchanged, and are not checked.

| code | refuses | found by |
|---|---|---|
"""
    return head + "".join(f"| {_cell(row.at.split(' ', 2)[2])} | {row.refuses} | {_found(row)} |\n" for row in rows())


def _cell(code: str) -> str:
    return "problem document" if code == "problem" else f"`{code}`"


def _found(row: Row) -> str:
    if row.by:
        return f"`{row.by}`"
    if row.never:
        return f"cannot happen: {row.never}"
    return f"race: {row.race}" if row.race else f"during the apply: {row.later}"


if __name__ == "__main__":
    sys.stdout.write(page())
