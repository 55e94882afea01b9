"""The executor: parallel, deterministic, and honest about failures and interrupts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phift.graph.dag import CycleError, Graph
from phift.graph.executor import NotStarted, Outcome, run

Failed = Outcome[str, str] | None


def diamond() -> Graph[str]:
    graph: Graph[str] = Graph()
    graph.add("top")
    graph.add("left", after=["top"])
    graph.add("right", after=["top"])
    graph.add("bottom", after=["left", "right"])
    graph.add("alone")
    return graph


def test_results_come_in_the_graphs_order() -> None:
    outcomes = run(diamond(), lambda node, _: node.upper(), parallelism=3)
    assert [o.result for o in outcomes.values()] == ["TOP", "LEFT", "RIGHT", "BOTTOM", "ALONE"]
    assert all(o.ok for o in outcomes.values())


def test_a_failure_is_handed_to_all_that_come_after_and_to_nothing_else() -> None:
    seen: dict[str, Failed] = {}

    def work(node: str, failed: Failed) -> str:
        seen[node] = failed
        if node == "left":
            raise RuntimeError("no luck")
        return node

    outcomes = run(diamond(), work)
    assert isinstance(outcomes["left"].error, RuntimeError)
    assert seen["bottom"] is not None
    assert seen["bottom"].node == "left"
    assert outcomes["bottom"].blocked_by is outcomes["left"]
    assert not outcomes["bottom"].ok
    assert [n for n, o in outcomes.items() if o.ok] == ["top", "right", "alone"]


def test_the_origin_of_a_failure_travels_through_blocked_nodes() -> None:
    graph: Graph[str] = Graph()
    graph.add("a")
    graph.add("b", after=["a"])
    graph.add("c", after=["b"])

    def work(node: str, failed: Failed) -> str:
        if node == "a":
            raise RuntimeError("a")
        return failed.node if failed else ""

    outcomes = run(graph, work)
    assert outcomes["b"].result == outcomes["c"].result == "a"


def test_one_thread_starts_in_order_and_many_run_at_once() -> None:
    started: list[str] = []
    run(diamond(), lambda node, _: started.append(node), parallelism=1)
    assert started == ["top", "left", "right", "bottom", "alone"]

    together = threading.Barrier(2, timeout=60)
    graph: Graph[int] = Graph()
    graph.add(1)
    graph.add(2)
    outcomes = run(graph, lambda _node, _failed: together.wait(), parallelism=2)
    assert all(o.ok for o in outcomes.values())


@settings(max_examples=25)
@given(st.integers(1, 5), st.integers(1, 12))
def test_never_more_threads_than_allowed(parallelism: int, count: int) -> None:
    graph: Graph[int] = Graph()
    for n in range(count):
        graph.add(n)
    lock = threading.Lock()
    running = most = 0

    def work(_node: int, _failed: object) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.001)
        with lock:
            running -= 1

    run(graph, work, parallelism=parallelism)
    assert most <= parallelism


def test_a_set_stop_flag_starts_nothing_more() -> None:
    stop = threading.Event()

    def work(node: str, _failed: Failed) -> str:
        stop.set()
        return node

    outcomes = run(diamond(), work, parallelism=1, stop=stop)
    assert outcomes["top"].ok
    assert all(isinstance(outcomes[n].error, NotStarted) for n in ("left", "right", "bottom", "alone"))


def test_bad_graphs_and_no_threads_are_refused_before_anything_runs() -> None:
    graph: Graph[str] = Graph()
    graph.add("a", after=["a"])
    with pytest.raises(CycleError):
        run(graph, lambda *_: pytest.fail("ran"))
    with pytest.raises(ValueError, match="at least 1"):
        run(diamond(), lambda *_: pytest.fail("ran"), parallelism=0)
    assert run(Graph[str](), lambda *_: None) == {}


_INTERRUPTED = """
import signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # not that of this test's run, which may be in the background
from phift.graph.dag import Graph
from phift.graph.executor import run
graph = Graph()
graph.add("running"); graph.add("next", after=["running"])
stop = threading.Event()
def work(node, failed):
    print("started", node, flush=True)
    noticed = stop.wait(60)
    print("noticed", flush=True)
    if "--deaf" in sys.argv:
        time.sleep(300)
    return noticed
try:
    outcomes = run(graph, work, stop=stop)
except KeyboardInterrupt:
    print("raised", flush=True); sys.exit(3)
print(outcomes["running"].result, type(outcomes["next"].error).__name__, flush=True)
"""


@pytest.mark.parametrize("deaf", [False, True])
def test_ctrl_c_waits_for_running_work_and_a_second_one_does_not(deaf: bool) -> None:
    arguments = [sys.executable, "-c", _INTERRUPTED, *(["--deaf"] if deaf else [])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "started running\n"
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "noticed\n"
            if deaf:
                process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=60)
            assert process.returncode == (3 if deaf else 0)
        finally:
            process.kill()
    assert output == ("raised\n" if deaf else "True NotStarted\n")
