"""The schedule of a graph and its critical path."""

from phift.graph.critical import direct, schedule
from phift.graph.dag import Graph


def graph(**needs: str) -> Graph[str]:
    made: Graph[str] = Graph()
    for node, after in needs.items():
        made.add(node, after.split())
    return made


DIAMOND = graph(data="", compute="", job="data compute", endpoint="", model="job", deployment="endpoint model")


def test_the_critical_path_is_the_longest_chain() -> None:
    found = schedule(DIAMOND, {"data": 1, "compute": 5, "job": 60, "model": 1, "endpoint": 30, "deployment": 9})
    assert found.critical == ("compute", "job", "model", "deployment")
    assert found.start["deployment"] == 66
    assert found.length == found.end["deployment"] == 75


def test_a_slow_branch_takes_over() -> None:
    found = schedule(DIAMOND, {"endpoint": 100.0, "job": 60, "deployment": 1})
    assert found.critical == ("endpoint", "deployment")


def test_without_durations_the_longest_chain_counts_its_nodes() -> None:
    found = schedule(DIAMOND, {})
    assert found.critical == ("data", "job", "model", "deployment")
    assert found.length == 0


def test_an_empty_graph_has_no_path() -> None:
    found = schedule(Graph[str](), {})
    assert (found.critical, found.length) == ((), 0.0)


def test_what_follows_from_other_dependencies_is_not_direct() -> None:
    assert direct(graph(a="", b="a", c="a b", d="a c"))["d"] == ("c",)
    assert direct(DIAMOND)["deployment"] == ("endpoint", "model")
