"""The tree of a YAML document: plain values that know their place, before any of it is given a meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, StrEnum
from typing import Any, NamedTuple

from phift.diagnostics import Mark

__all__ = ["BROKEN", "Broken", "Node", "Origin", "OriginKind", "Path", "dotted", "plain", "walk"]

Path = tuple[str | int, ...]


class Broken(Enum):
    """Stands for a value that could not be read and has its diagnostic already: nothing more is said about it."""

    BROKEN = "broken"


BROKEN = Broken.BROKEN


class OriginKind(StrEnum):
    """Where a final value came from."""

    SPEC = "spec"
    VAR = "var"
    ENV = "env"
    TARGET = "target"
    MODEL_DEFAULT = "model default"
    COMPONENT_DEFAULT = "component default"
    PHIFT_DEFAULT = "phift default"


class Origin(NamedTuple):
    """Where a final value came from. detail: the variables or the target's name; mark: the place, if it has one."""

    kind: OriginKind
    detail: str = ""
    mark: Mark | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.detail}".rstrip()


class Node(NamedTuple):
    """A value with its place.

    value: None, bool, int, float or str, a mapping of text to nodes, or a sequence of nodes. written: the path under
    which it stands in the file (`targets.prod.finetune`), which a target's override leaves behind when it is merged.
    """

    value: Any
    mark: Mark
    origin: Origin
    written: Path = ()
    key_mark: Mark | None = None

    @property
    def mapping(self) -> Mapping[str, Node] | None:
        """The children by key, None when this is no mapping."""
        return self.value if isinstance(self.value, dict) else None

    @property
    def items(self) -> Sequence[Node] | None:
        """The children in order, None when this is no sequence."""
        return self.value if isinstance(self.value, list) else None

    @property
    def name_mark(self) -> Mark:
        """The place of its key, or of the value where it has no key."""
        return self.key_mark or self.mark

    def child(self, key: str | int) -> Node | None:
        """The child of that key or index, or None."""
        if isinstance(self.value, dict):
            found = self.value.get(key)
            return found if isinstance(found, Node) else None
        if isinstance(self.value, list) and isinstance(key, int) and 0 <= key < len(self.value):
            item: Node = self.value[key]
            return item
        return None

    def at(self, path: Path) -> Node | None:
        """The node at that path, or None."""
        node: Node | None = self
        for key in path:
            node = node.child(key) if node else None
        return node

    def nearest(self, path: Path) -> Node:
        """The deepest node on the way to that path."""
        node = self
        for key in path:
            below = node.child(key)
            if below is None:
                break
            node = below
        return node

    def with_value(self, value: Any) -> Node:
        """The same place with another value."""
        return Node(value, self.mark, self.origin, self.written, self.key_mark)


def plain(node: Node) -> Any:
    """The values alone."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every scalar and every empty mapping or sequence below, with its path, in document order."""
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
