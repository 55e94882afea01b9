"""A spec without the mapping of its rows, to inspect data before the mapping is written."""

from __future__ import annotations

from collections.abc import Callable

from phift.spec.tree import Node

__all__ = ["unmapped"]

_KEY = "messages"


def unmapped(root: Node) -> Node:
    """Return the tree without `data.messages` and `messages` of splits, also in targets."""
    blocks = dict(root.mapping or {})
    if "data" in blocks:
        blocks["data"] = _without(blocks["data"])
    if "targets" in blocks:
        blocks["targets"] = _each(blocks["targets"], unmapped)
    return root.with_value(blocks) if root.mapping is not None else root


def _without(data: Node) -> Node:
    def split(node: Node) -> Node:
        kept = {key: child for key, child in (node.mapping or {}).items() if key != _KEY}
        return node.with_value(kept) if node.mapping is not None else node

    return _each(split(data), split)


def _each(node: Node, change: Callable[[Node], Node]) -> Node:
    if node.mapping is None:
        return node
    return node.with_value({key: change(child) for key, child in node.mapping.items()})
