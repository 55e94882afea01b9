"""The tree of a YAML document: plain values with positions, before interpretation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, StrEnum
from typing import Any, NamedTuple

from phift.diagnostics import Mark

__all__ = ["BROKEN", "Broken", "Node", "Origin", "OriginKind", "Path", "dotted", "plain", "walk"]

Path = tuple[str | int, ...]


class Broken(Enum):
    """Placeholder for a value that could not be read and is already reported."""

    BROKEN = "broken"


BROKEN = Broken.BROKEN


class OriginKind(StrEnum):
    """The kind of origin of a final value."""

    SPEC = "spec"
    VAR = "var"
    ENV = "env"
    TARGET = "target"
    MODEL_DEFAULT = "model default"
    COMPONENT_DEFAULT = "component default"
    PHIFT_DEFAULT = "phift default"


class Origin(NamedTuple):
    """The origin of a final value. detail: the variables or the name of the target. mark: its position, if any."""

    kind: OriginKind
    detail: str = ""
    mark: Mark | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.detail}".rstrip()


class Node(NamedTuple):
    """A value with its position.

    value: None, bool, int, float or str, a mapping of text to nodes, or a sequence of nodes. written: its path
    in the file (`targets.prod.finetune`), which differs from its path after an override is merged. text: the spelling
    of a number, otherwise empty.
    """

    value: Any
    mark: Mark
    origin: Origin
    written: Path = ()
    key_mark: Mark | None = None
    text: str = ""

    @property
    def mapping(self) -> Mapping[str, Node] | None:
        """The children by key; None if the node is not a mapping."""
        return self.value if isinstance(self.value, dict) else None

    @property
    def items(self) -> Sequence[Node] | None:
        """The children in order; None if the node is not a sequence."""
        return self.value if isinstance(self.value, list) else None

    @property
    def name_mark(self) -> Mark:
        """The position of the key, or of the value if it does not have a key."""
        return self.key_mark or self.mark

    def child(self, key: str | int) -> Node | None:
        """Return the child with a key or index, or None."""
        if isinstance(self.value, dict):
            found = self.value.get(key)
            return found if isinstance(found, Node) else None
        if isinstance(self.value, list) and isinstance(key, int) and 0 <= key < len(self.value):
            item: Node = self.value[key]
            return item
        return None

    def at(self, path: Path) -> Node | None:
        """Return the node at a path, or None."""
        node: Node | None = self
        for key in path:
            node = node.child(key) if node else None
        return node

    def nearest(self, path: Path) -> Node:
        """Return the deepest existing node on a path."""
        node = self
        for key in path:
            below = node.child(key)
            if below is None:
                break
            node = below
        return node

    def with_value(self, value: Any) -> Node:
        """Return a node with another value at the same position."""
        return Node(value, self.mark, self.origin, self.written, self.key_mark)


def plain(node: Node) -> Any:
    """Return the plain values of a tree."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Yield every scalar and every empty mapping or sequence with its path, in document order."""
    waiting = [(path, node)]
    while waiting:
        path, node = waiting.pop()
        value = node.value
        if isinstance(value, dict) and value:
            waiting += [((*path, key), value[key]) for key in reversed(value)]
        elif isinstance(value, list) and value:
            waiting += [((*path, index), value[index]) for index in reversed(range(len(value)))]
        else:
            yield path, node


def dotted(path: Path) -> str:
    """`compute.finetune.allow.0`"""
    return ".".join(str(part) for part in path)
