"""Metrics without a server: what is recorded, and what queries make of it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from phift.emulator.core.store import Store
from phift.emulator.services.monitor.cells import GaugeKey, Minute, Requests, Sample
from phift.emulator.services.monitor.definitions import DEPLOYMENTS, ENDPOINTS
from phift.emulator.services.monitor.errors import QueryError
from phift.emulator.services.monitor.filters import parse_filter
from phift.emulator.services.monitor.query import aggregated, ordered, points, series_of
from phift.emulator.services.monitor.recorder import Metrics
from phift.emulator.services.monitor.timespans import timespan, written

NOON = 1_795_953_600.0  # 2026-11-29T12:00:00Z


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store.sqlite3")


@pytest.fixture
def metrics(store: Store, clock: Clock) -> Metrics:
    return Metrics(store, clock)


def ask(metrics: Metrics, deployment: str, status: int, milliseconds: float = 10.0, model: str | None = None) -> None:
    metrics.count(
        "E",
        deployment,
        status=status,
        model_status=str(status) if model is None else model,
        milliseconds=milliseconds,
        received=100,
        sent=200,
    )


def values(metrics: Metrics, name: str, query: str = "", deployment: str = "") -> dict[tuple[str, ...], float]:
    """The averages of the hour after noon by the values of the filter's dimensions."""
    scope = DEPLOYMENTS if deployment else ENDPOINTS
    minutes = metrics.between("e", NOON, NOON + 3600)
    found = series_of(scope.metrics[name.lower()], minutes, deployment, parse_filter(query))
    return {
        tuple(each.dimensions.values()): aggregated(
            points(each, NOON, NOON + 3600, 3600)[0][1] or Sample.of(-1), "average"
        )
        for each in found
    }


def test_requests_are_split_by_what_the_filter_names(metrics: Metrics) -> None:
    for status, model, count in ((200, "200", 6), (424, "500", 3), (408, "", 1)):
        for _ in range(count):
            ask(metrics, "Green", status, model=model)
    for _ in range(5):
        ask(metrics, "blue", 200)
    ask(metrics, "", 401, model="")
    assert values(metrics, "RequestsPerMinute") == {(): 16}
    assert values(metrics, "RequestsPerMinute", "deployment eq '*'") == {("Green",): 10, ("blue",): 5, ("",): 1}
    assert values(metrics, "RequestsPerMinute", "Deployment eq 'green' and statusCodeClass eq '4xx'") == {
        ("Green", "4xx"): 4
    }
    assert values(metrics, "requestsperminute", "deployment eq 'green' and statusCode eq '*'") == {
        ("Green", "200"): 6,
        ("Green", "424"): 3,
        ("Green", "408"): 1,
    }
    assert values(metrics, "RequestsPerMinute", "modelStatusCode eq '500'") == {("500",): 3}
    assert values(metrics, "RequestsPerMinute", "statusCodeClass eq '5xx'") == {}
    assert values(metrics, "RequestsPerMinute", "envoy_response_code eq '*'", "green") == {
        ("200",): 6,
        ("424",): 3,
        ("408",): 1,
    }
    assert values(metrics, "NetworkBytes") == {(): 16 * 300 / 60}


def test_the_average_is_of_minutes_with_requests(metrics: Metrics, clock: Clock) -> None:
    for minute, count in ((0, 4), (1, 2), (30, 6)):
        clock.now = NOON + 60 * minute
        for _ in range(count):
            ask(metrics, "blue", 200)
    (series,) = series_of(
        ENDPOINTS.metrics["requestsperminute"], metrics.between("E", NOON, NOON + 3600), "", parse_filter("")
    )
    one = points(series, NOON, NOON + 180, 60)
    assert [(at - NOON, sample and sample.total) for at, sample in one] == [(0, 4), (60, 2), (120, None)]
    hour = points(series, NOON, NOON + 3600, 3600)[0][1]
    assert hour is not None
    names = ("average", "minimum", "maximum", "total", "count")
    assert [aggregated(hour, name) for name in names] == [4, 2, 6, 12, 3]


def test_latencies_are_of_requests_and_percentiles_close(metrics: Metrics) -> None:
    for milliseconds in range(1, 101):
        ask(metrics, "blue", 200, float(milliseconds))
    assert values(metrics, "RequestLatency")[()] == 50.5
    for percent in (50, 90, 95, 99):
        assert math.isclose(values(metrics, f"RequestLatency_P{percent}")[()], percent, rel_tol=0.03)
        assert values(metrics, f"RequestLatency_P{percent}", deployment="blue") == {
            (): values(metrics, f"RequestLatency_P{percent}")[()]
        }
    one = Requests()
    one.add(0.0)
    assert one.percentile(99) == 0.0


def test_gauges_add_up_or_are_averaged(metrics: Metrics) -> None:
    for cpu in (20, 40):
        for index in (0, 1):
            metrics.measured("e", GaugeKey("CpuUtilizationPercentage", "blue", (f"b-{index}",)), cpu + 10 * index)
            metrics.measured("e", GaugeKey("DeploymentCapacity", "blue", (f"b-{index}", "Healthy")), 1)
    assert values(metrics, "CpuUtilizationPercentage", deployment="Blue".lower()) == {(): 35}
    assert values(metrics, "CpuUtilizationPercentage", "instanceId eq '*'", "blue") == {("b-0",): 30, ("b-1",): 40}
    assert values(metrics, "DeploymentCapacity", deployment="blue") == {(): 2}
    assert values(metrics, "DeploymentCapacity", "State eq 'Healthy'", "blue") == {("Healthy",): 2}
    assert values(metrics, "GpuUtilizationPercentage", deployment="blue") == {}
    assert values(metrics, "CpuUtilizationPercentage", deployment="green") == {}


def test_a_restart_in_a_minute_adds_to_it_and_old_minutes_go(store: Store, clock: Clock) -> None:
    first = Metrics(store, clock)
    ask(first, "blue", 200, 5.0)
    first.measured("e", GaugeKey("ConnectionsActive", "", ()), 3)
    first.flush()
    second = Metrics(store, clock)
    ask(second, "blue", 200, 7.0)
    ((at, minute),) = second.between("E", NOON, NOON + 60)
    assert at == NOON
    assert [(key, each.count, each.total) for key, each in minute.requests.items()] == [
        (("blue", "200", "200"), 2, 12.0)
    ]
    assert minute.gauges[GaugeKey("ConnectionsActive", "", ())] == Sample.of(3)
    assert Minute.restored(minute.stored()) == minute
    clock.now = NOON + 4 * 24 * 3600
    second.flush()
    assert store.list("metrics") == []
    assert second._minutes == {}, "memory has the current minute at most"


def test_requests_are_not_written_one_by_one(store: Store, metrics: Metrics) -> None:
    for _ in range(100):
        ask(metrics, "blue", 200)
    assert store.list("metrics") == []
    metrics.flush()
    assert len(store.list("metrics")) == 1


@pytest.mark.parametrize(
    ("text", "names", "fits"),
    [
        ("", (), True),
        ("a eq 'x'", ("a",), True),
        ("A EQ 'X' or b eq 'no'", ("a", "b"), True),
        ("(a eq 'no' or a eq 'x') and b eq '*'", ("a", "b"), True),
        ("a ne 'x'", ("a",), False),
        ("b sw 'y' and a eq 'x'", ("b", "a"), True),
        ("b eq 'y''s'", ("b",), True),
        ("a eq 'and'", ("a",), False),
    ],
)
def test_filters(text: str, names: tuple[str, ...], fits: bool) -> None:
    found = parse_filter(text)
    assert found.names == names
    assert found.test({"a": "x", "b": "Y's"}) is fits


@pytest.mark.parametrize(
    "text", ["a", "a eq", "a eq x", "a like 'x'", "(a eq 'x'", "a eq 'x' b eq 'y'", "'", "(" * 300]
)
def test_filters_that_are_none(text: str) -> None:
    with pytest.raises(QueryError, match="is not valid"):
        parse_filter(text)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("", -3600, 0),
        ("PT5M", -300, 0),
        ("2026-11-29T11:00:00Z/2026-11-29T12:00:00Z", -3600, 0),
        ("2026-11-29T11:00:00 00:00/2026-11-29T12:00:00", -3600, 0),
        ("2026-11-29T11:00:00.5000000Z/PT30S", -3599.5, -3569.5),
        ("PT30S/2026-11-29T12:00:00Z", -30, 0),
    ],
)
def test_timespans(text: str, start: float, end: float) -> None:
    assert timespan(text, NOON) == (NOON + start, NOON + end)


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-11-29T12:00:00Z/2026-11-29T12:00:00Z", "PT0S", "/", "P1Y", "P99999D", "PT9H/1970-01-01"]
)
def test_timespans_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        timespan(text, NOON)


def test_series_are_ordered_and_cut(metrics: Metrics) -> None:
    for name, count in (("a", 1), ("b", 3), ("c", 2)):
        for _ in range(count):
            ask(metrics, name, 200)
    found = series_of(
        ENDPOINTS.metrics["requestsperminute"],
        metrics.between("e", NOON, NOON + 60),
        "",
        parse_filter("deployment eq '*'"),
    )
    names = [
        [each.dimensions["deployment"] for each in ordered(found, by, 2)] for by in ("average desc", "sum asc", "x")
    ]
    assert names == [["b", "c"], ["a", "c"], ["b", "c"]]
    assert written(NOON) == "2026-11-29T12:00:00Z"
