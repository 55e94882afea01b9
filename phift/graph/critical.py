"""The earliest schedule of a graph of work, and the chain of nodes that determines how long the whole takes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from phift.graph.dag import Graph

__all__ = ["Schedule", "direct", "schedule"]

Node = TypeVar("Node", bound=Hashable)


@dataclass(frozen=True)
class Schedule(Generic[Node]):
    """The earliest start and end of each node, if independent nodes run concurrently. critical: the longest chain, in
    order; empty for an empty graph."""

    start: Mapping[Node, float]
    end: Mapping[Node, float]
    critical: tuple[Node, ...]

    @property
    def length(self) -> float:
        """When the last node ends."""
        return max(self.end.values(), default=0.0)


def schedule(graph: Graph[Node], durations: Mapping[Node, float]) -> Schedule[Node]:
    """Return the schedule. durations: in any one unit; a node without one takes 0.

    Of chains that take equally long, the critical one is that with the most nodes. Raises CycleError.
    """
    start: dict[Node, float] = {}
    end: dict[Node, float] = {}
    depth: dict[Node, int] = {}
    latest: dict[Node, Node | None] = {}
    for node in graph.order():
        before = graph.before(node)
        last = max(before, key=lambda one: (end[one], depth[one]), default=None)
        start[node] = end[last] if last is not None else 0.0
        depth[node] = depth[last] + 1 if last is not None else 1
        end[node] = start[node] + max(durations.get(node, 0.0), 0.0)
        latest[node] = last
    chain: list[Node] = []
    node_now = max(end, key=lambda one: (end[one], depth[one]), default=None)
    while node_now is not None:
        chain.append(node_now)
        node_now = latest[node_now]
    return Schedule(start, end, tuple(reversed(chain)))


def direct(graph: Graph[Node]) -> dict[Node, tuple[Node, ...]]:
    """Return the dependencies of each node, without those that others of them imply. Raises CycleError."""
    behind: dict[Node, frozenset[Node]] = {}
    kept: dict[Node, tuple[Node, ...]] = {}
    for node in graph.order():
        before = graph.before(node)
        implied = _union(behind[one] for one in before)
        kept[node] = tuple(one for one in before if one not in implied)
        behind[node] = implied | frozenset(before)
    return kept


def _union(sets: Iterable[frozenset[Node]]) -> frozenset[Node]:
    return frozenset().union(*sets)
