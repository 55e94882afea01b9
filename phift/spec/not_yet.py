"""Parts of the format that are not supported yet: rejected by name, never ignored."""

from __future__ import annotations

from collections.abc import Iterator

from phift.diagnostics import Diagnostic
from phift.spec.document import blocks
from phift.spec.tree import Node, Path, dotted

__all__ = ["refusals"]


def refusals(root: Node) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each unsupported part of the spec."""
    refused: set[Path] = set()
    for block, entry in ((name, entry) for name, rules in blocks().items() for entry in rules.not_yet):
        for path, node in _matches(root, (block, *entry.path.split("."))):
            if entry.starts and not (isinstance(node.value, str) and node.value.startswith(entry.starts)):
                continue
            if node.value is None or any(path[: len(r)] == r for r in refused):
                continue
            refused.add(path)
            yield Diagnostic(
                f"{dotted(node.written)}: {entry.what} is not yet supported",
                remedy=entry.remedy or "Remove it for now.",
                mark=node.name_mark,
                path=dotted(path),
                code="not-yet",
            )


def _matches(root: Node, pattern: tuple[str, ...], path: Path = ()) -> Iterator[tuple[Path, Node]]:
    if not pattern:
        yield path, root
        return
    for key, child in (root.mapping or {}).items():
        if pattern[0] in ("*", key):
            yield from _matches(child, pattern[1:], (*path, key))
