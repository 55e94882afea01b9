"""A directed acyclic graph of hashable nodes with a deterministic order."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

__all__ = ["CycleError", "Graph"]

Node = TypeVar("Node", bound=Hashable)


class CycleError(ValueError):
    """The graph turns in a circle. cycle: the nodes along it, each needing the next, the last needing the first."""

    def __init__(self, cycle: tuple[Hashable, ...]) -> None:
        super().__init__(" -> ".join(str(node) for node in (*cycle, cycle[0])))
        self.cycle = cycle


class Graph(Generic[Node]):
    """Nodes, and which come after which. Order among equals is that of insertion."""

    def __init__(self) -> None:
        self._before: dict[Node, dict[Node, None]] = {}
        self._after: dict[Node, dict[Node, None]] = {}

    def add(self, node: Node, after: Iterable[Node] = ()) -> None:
        """Adds a node that comes after others; those may be added later. Adding it again adds to what it needs."""
        self._touch(node)
        for other in after:
            self._touch(other)
            self._before[node][other] = None
            self._after[other][node] = None

    def __contains__(self, node: object) -> bool:
        return node in self._before

    def __iter__(self) -> Iterator[Node]:
        return iter(self._before)

    def __len__(self) -> int:
        return len(self._before)

    def before(self, node: Node) -> tuple[Node, ...]:
        """What the node needs directly. Raises KeyError for an unknown node."""
        return tuple(self._before[node])

    def after(self, node: Node) -> tuple[Node, ...]:
        """What needs the node directly. Raises KeyError for an unknown node."""
        return tuple(self._after[node])

    def order(self) -> tuple[Node, ...]:
        """Every node after all it needs, the earliest inserted first where there is a choice. Raises CycleError."""
        rank = {node: number for number, node in enumerate(self._before)}
        nodes = list(self._before)
        waiting = {node: len(needed) for node, needed in self._before.items()}
        ready = [rank[node] for node, count in waiting.items() if not count]
        heapify(ready)
        ordered: list[Node] = []
        while ready:
            node = nodes[heappop(ready)]
            ordered.append(node)
            for dependant in self._after[node]:
                waiting[dependant] -= 1
                if not waiting[dependant]:
                    heappush(ready, rank[dependant])
        if len(ordered) < len(nodes):
            raise CycleError(self._cycle({node for node, count in waiting.items() if count}))
        return tuple(ordered)

    def reversed(self) -> Graph[Node]:
        """The same nodes with every edge turned round, the last of the order inserted first. Raises CycleError."""
        turned: Graph[Node] = Graph()
        for node in reversed(self.order()):
            turned.add(node, self._after[node])
        return turned

    def _touch(self, node: Node) -> None:
        self._before.setdefault(node, {})
        self._after.setdefault(node, {})

    def _cycle(self, stuck: set[Node]) -> tuple[Node, ...]:
        """A cycle among nodes of which each needs another of them: walking on must meet a node again."""
        path: dict[Node, None] = {}
        node = next(candidate for candidate in self._before if candidate in stuck)
        while node not in path:
            path[node] = None
            node = next(needed for needed in self._before[node] if needed in stuck)
        walked = list(path)
        return tuple(walked[walked.index(node) :])
