"""Walk a graph with several threads: run ready nodes, and pass failures to their dependents."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from heapq import heappop, heappush
from queue import SimpleQueue
from typing import Generic, TypeVar

from phift.graph.dag import Graph

__all__ = ["NotStarted", "Outcome", "run"]

Node = TypeVar("Node", bound=Hashable)
Result = TypeVar("Result")


class NotStarted(Exception):
    """The node was not started, because the walk was stopped."""


@dataclass(frozen=True)
class Outcome(Generic[Node, Result]):
    """The outcome of a node.

    result: the return value of the work. error: the exception it raised. blocked_by: the failed ancestor; the work is
    called with it and its result is kept, but the node counts as failed.
    """

    node: Node
    result: Result | None = None
    error: BaseException | None = None
    blocked_by: Outcome[Node, Result] | None = None

    @property
    def ok(self) -> bool:
        """Return whether the dependents may run."""
        return self.error is None and self.blocked_by is None


Work = Callable[[Node, Outcome[Node, Result] | None], Result]
"""Called with a node and the first failed ancestor, if any (the origin, not a node blocked by it)."""


def run(
    graph: Graph[Node],
    work: Work[Node, Result],
    *,
    parallelism: int = 10,
    stop: threading.Event | None = None,
) -> dict[Node, Outcome[Node, Result]]:
    """Call `work` once for every node, after its dependencies, in at most `parallelism` threads.

    Ready nodes start in the graph's order. An exception becomes the node's outcome. `work` is also called for nodes
    blocked by a failed ancestor. stop: when set, no further node starts (its outcome is NotStarted); the first
    KeyboardInterrupt sets it and waits for running work to notice, a second one is raised at once. Returns the
    outcomes in the graph's order. Raises CycleError before anything runs, and ValueError if parallelism is below 1.
    """
    if parallelism < 1:
        raise ValueError("parallelism must be at least 1")
    stop = stop or threading.Event()
    walk = _Walk(graph, work, stop, parallelism)
    try:
        threading.Thread(target=walk.go, name="walk", daemon=True).start()
        walk.over.wait()
    except KeyboardInterrupt:
        stop.set()
        walk.go()
        walk.over.wait()
    if walk.fault is not None:
        raise walk.fault
    return {node: walk.outcomes[node] for node in walk.order}


class _Walk(Generic[Node, Result]):
    """The state of one run. Only the thread in `go` modifies it: an interrupt of the caller cannot corrupt it."""

    def __init__(self, graph: Graph[Node], work: Work[Node, Result], stop: threading.Event, parallelism: int) -> None:
        self.order = graph.order()
        self.outcomes: dict[Node, Outcome[Node, Result]] = {}
        self.over = threading.Event()
        self.fault: BaseException | None = None
        self._claim = threading.Lock()
        self._stop = stop
        self._parallelism = parallelism
        self._graph = graph
        self._work = work
        self._rank = {node: number for number, node in enumerate(self.order)}
        self._waiting = {node: len(graph.before(node)) for node in self.order}
        self._ready = [self._rank[node] for node in self.order if not self._waiting[node]]
        self._running = 0
        self._done: SimpleQueue[Outcome[Node, Result]] = SimpleQueue()

    def go(self) -> None:
        """Start ready nodes while there is room, wait for a node to finish, and repeat until all have finished.

        Only the first call has an effect: an interrupt may arrive before the intended thread has started.
        """
        if not self._claim.acquire(blocking=False):
            return
        try:
            while len(self.outcomes) < len(self.order):
                self._start()
                if self._running:
                    outcome = self._done.get()
                    self._running -= 1
                    self._settled(outcome)
        except BaseException as error:  # noqa: BLE001 - raised again by the caller's thread
            self.fault = error
        finally:
            self.over.set()

    def _start(self) -> None:
        while self._ready and self._running < self._parallelism:
            node = self.order[heappop(self._ready)]
            blocker = self._blocker(node)
            if self._stop.is_set():
                self._settled(Outcome(node, error=NotStarted(str(node)), blocked_by=blocker))
                continue
            threading.Thread(target=self._run, args=(node, blocker), name=str(node), daemon=True).start()
            self._running += 1

    def _run(self, node: Node, blocker: Outcome[Node, Result] | None) -> None:
        try:
            outcome = Outcome(node, self._work(node, blocker), blocked_by=blocker)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the node's outcome
            outcome = Outcome(node, error=error, blocked_by=blocker)
        self._done.put(outcome)

    def _settled(self, outcome: Outcome[Node, Result]) -> None:
        self.outcomes[outcome.node] = outcome
        for dependant in self._graph.after(outcome.node):
            self._waiting[dependant] -= 1
            if not self._waiting[dependant]:
                heappush(self._ready, self._rank[dependant])

    def _blocker(self, node: Node) -> Outcome[Node, Result] | None:
        for needed in sorted(self._graph.before(node), key=self._rank.__getitem__):
            outcome = self.outcomes[needed]
            if not outcome.ok:
                return outcome.blocked_by or outcome
        return None
