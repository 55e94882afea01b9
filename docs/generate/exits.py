"""docs/reference/exit-codes.md, from phift/exits.py."""

from __future__ import annotations

import ast
import inspect

from phift import exits
from phift.exits import ExitCode

__all__ = ["page"]

_HEAD = """\
# Exit codes

<!-- Generated: python -m docs.generate -->

Exit codes are part of the interface: scripts can rely on them. A command that works on several stacks ends with the
most severe code.

| code | meaning |
|---|---|
"""
_TAIL = """
From mildest to most severe: {order}.

Usage errors are errors (1), not 2 as with many programs, because 2 means changes. On Ctrl-C, SIGTERM and a closed
terminal (SIGHUP), running calls finish and are recorded, and phift exits with 8, or, before the first write, at once
with 130.

With `--format json`, `github` or `sarif`, a command that fails also prints the error to stdout in that format.
"""


def page() -> str:
    """Return the content of docs/reference/exit-codes.md."""
    meaning = _meanings()
    rows = [f"| {code.value} | {meaning[code.name]} |" for code in sorted(ExitCode, key=int)]
    order = ", ".join(str(code.value) for code in ExitCode)
    return _HEAD + "\n".join(rows) + "\n" + _TAIL.format(order=order)


def _meanings() -> dict[str, str]:
    """The text below each code in the source, by its name. Raises KeyError in `page` for a code without one."""
    (found,) = (node for node in ast.parse(inspect.getsource(exits)).body if isinstance(node, ast.ClassDef))
    texts: dict[str, str] = {}
    for before, after in zip(found.body, found.body[1:], strict=False):
        if isinstance(before, ast.Assign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            (target,) = before.targets
            assert isinstance(target, ast.Name)
            texts[target.id] = " ".join(str(after.value.value).split())
    return texts
