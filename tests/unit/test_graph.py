"""The graph: order, reversal, cycles."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phift.graph.dag import CycleError, Graph

Edges = dict[int, set[int]]


def graph_of(edges: Edges) -> Graph[int]:
    graph: Graph[int] = Graph()
    for node, needed in edges.items():
        graph.add(node, sorted(needed))
    return graph


acyclic = st.integers(0, 25).flatmap(
    lambda count: st.fixed_dictionaries(
        {n: st.sets(st.integers(0, n - 1), max_size=4) if n else st.just(set()) for n in range(count)}
    )
)
anything = st.dictionaries(st.integers(0, 12), st.sets(st.integers(0, 12), max_size=4), max_size=13)


@settings(max_examples=100)
@given(acyclic, st.randoms(use_true_random=False))
def test_every_node_comes_after_what_it_needs(edges: Edges, random: object) -> None:
    nodes = list(edges)
    random.shuffle(nodes)  # type: ignore[attr-defined]
    order = graph_of({n: edges[n] for n in nodes}).order()
    assert sorted(order) == sorted(edges)
    place = {node: i for i, node in enumerate(order)}
    assert all(place[needed] < place[node] for node, some in edges.items() for needed in some)


@settings(max_examples=100)
@given(acyclic)
def test_reversed_twice_has_the_same_edges(edges: Edges) -> None:
    graph = graph_of(edges)
    back = graph.reversed().reversed()
    assert {n: set(back.before(n)) for n in back} == edges
    turned = graph.reversed()
    assert all(set(turned.after(n)) == edges[n] for n in turned)


@settings(max_examples=100)
@given(anything)
def test_a_cycle_is_named_exactly_or_there_is_none(edges: Edges) -> None:
    graph = graph_of(edges)
    try:
        assert len(graph.order()) == len(graph)
    except CycleError as error:
        cycle = error.cycle
        assert len(set(cycle)) == len(cycle) >= 1
        for node, needed in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            assert needed in edges[node]  # type: ignore[index]


def test_order_among_equals_is_that_of_insertion() -> None:
    graph: Graph[str] = Graph()
    for name in ("zebra", "apple", "mango"):
        graph.add(name)
    graph.add("last", after=["mango", "zebra"])
    graph.add("first-ready", after=["apple"])
    assert graph.order() == ("zebra", "apple", "mango", "last", "first-ready")
    assert graph.before("last") == ("mango", "zebra")
    assert "last" in graph
    assert "absent" not in graph


def test_the_cycle_is_told_in_words() -> None:
    graph: Graph[str] = Graph()
    graph.add("a", after=["b"])
    graph.add("b", after=["c"])
    graph.add("c", after=["a"])
    graph.add("d", after=["a"])
    with pytest.raises(CycleError, match="a -> b -> c -> a"):
        graph.order()
