"""A directed acyclic graph of hashable nodes with a deterministic order."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

__all__ = ["CycleError", "Graph"]

Node = TypeVar("Node", bound=Hashable)


class CycleError(ValueError):
    """The graph has a cycle. cycle: its nodes, each depending on the next and the last on the first."""

    def __init__(self, cycle: tuple[Hashable, ...]) -> None:
        super().__init__(" -> ".join(str(node) for node in (*cycle, cycle[0])))
        self.cycle = cycle


class Graph(Generic[Node]):
    """Nodes and their dependencies. Ties are ordered by insertion."""

    def __init__(self) -> None:
        self._before: dict[Node, dict[Node, None]] = {}
        self._after: dict[Node, dict[Node, None]] = {}

    def add(self, node: Node, after: Iterable[Node] = ()) -> None:
        """Add a node with its dependencies, which may be added later. Adding it again adds dependencies."""
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
        """Return the direct dependencies of a node. Raises KeyError for an unknown node."""
        return tuple(self._before[node])

    def after(self, node: Node) -> tuple[Node, ...]:
        """Return the direct dependents of a node. Raises KeyError for an unknown node."""
        return tuple(self._after[node])

    def order(self) -> tuple[Node, ...]:
        """Return the nodes in topological order, ties by insertion order. Raises CycleError."""
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
        """Return the graph with all edges reversed, inserted in reverse order. Raises CycleError."""
        turned: Graph[Node] = Graph()
        for node in reversed(self.order()):
            turned.add(node, self._after[node])
        return turned

    def _touch(self, node: Node) -> None:
        self._before.setdefault(node, {})
        self._after.setdefault(node, {})

    def _cycle(self, stuck: set[Node]) -> tuple[Node, ...]:
        """Return a cycle among nodes that each depend on another of them: following dependencies must repeat a node."""
        path: dict[Node, None] = {}
        node = next(candidate for candidate in self._before if candidate in stuck)
        while node not in path:
            path[node] = None
            node = next(needed for needed in self._before[node] if needed in stuck)
        walked = list(path)
        return tuple(walked[walked.index(node) :])
