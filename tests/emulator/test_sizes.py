"""Facts of the sizes: which hold a reserve when they serve, and until when they are offered by the service's clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from phift.catalog.vm_sizes import vm_sizes
from phift.emulator.core.clock import Clock
from phift.emulator.core.quota import Use
from phift.emulator.core.sizes import family_of, size_named, sizes
from phift.emulator.core.store import Store
from tests.emulator.client import Azure
from tests.emulator.serving import Serving

EXEMPT = {
    *("Standard_NC24ads_A100_v4", "Standard_NC48ads_A100_v4", "Standard_NC96ads_A100_v4"),
    *("Standard_NC40ads_H100_v5", "Standard_NC80adis_H100_v5", "Standard_ND96isr_H100_v5"),
    *("Standard_ND96asr_v4", "Standard_ND96amsr_A100_v4", "Standard_ND40rs_v2"),
}


def test_the_sizes_without_reserve_are_those_of_the_services_list() -> None:
    assert {name for name, size in sizes().items() if not size.serving_reserve} == EXEMPT


def test_deployments_hold_the_reserve_of_their_size_and_nodes_hold_none() -> None:
    assert [Use("Standard_NC4as_T4_v3", n, serving=True).cores for n in (1, 2, 5, 6)] == [8, 12, 24, 32]
    assert [Use("standard_nc24ads_a100_v4", n, serving=True).cores for n in (1, 2, 5, 6)] == [24, 48, 120, 144]
    assert Use("Standard_NC4as_T4_v3", 5).cores == 20
    assert Use("Standard_Unheard_Of", 5, serving=True).cores == 0
    assert family_of("Standard_Unheard_Of").name == "standardUnheard_OfFamily"


def test_the_emulator_and_phift_know_the_same_sizes() -> None:
    """Each has its own facts: what both say is compared here, and nowhere else."""
    shared = {
        name: (s.vcpus, s.memory_gib, s.gpus, s.retired, s.serving_reserve, s.low_priority)
        for name, s in vm_sizes().items()
    }
    assert shared == {
        name: (s.vcpus, s.memory_gib, s.gpus, s.retired, s.serving_reserve, True) for name, s in sizes().items()
    }


@pytest.mark.parametrize(
    ("moment", "offered"),
    [
        (datetime(2025, 9, 29, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2025, 9, 30, tzinfo=UTC), False),
        (datetime(2025, 9, 30, 1, tzinfo=timezone(timedelta(hours=2))).astimezone(UTC), True),
    ],
)
def test_a_size_is_offered_until_its_day_begins_in_utc(moment: datetime, offered: bool) -> None:
    size = size_named("Standard_NC6s_v3")
    assert size is not None
    assert size.offered(moment) is offered


def test_the_clock_continues_where_it_was_whatever_its_speed(tmp_path: Path) -> None:
    machine = [1_000.0]
    store = Store(tmp_path / "store.sqlite3")
    clock = Clock(store, lambda: machine[0])
    assert clock.time() == 1_000
    clock.set(now=datetime.fromtimestamp(5_000, UTC), speed=10)
    machine[0] += 6
    assert clock.time() == 5_060
    clock.set(speed=1)
    machine[0] += 4
    assert clock.time() == 5_064
    assert Clock(store, lambda: machine[0]).time() == 5_064, "kept over a restart"
    clock.follow()
    assert clock.time() == machine[0]
    store.close()


@pytest.fixture
def at(azure: Azure) -> Iterator[Any]:
    yield lambda text: azure.admin("PUT", "/clock", {"now": text})
    azure.admin("PUT", "/clock", {"now": None})


def offered(azure: Azure) -> set[str]:
    base = f"/subscriptions/{azure.connection.subscription_id}/providers/Microsoft.MachineLearningServices"
    return {row["name"] for row in azure.call("GET", f"{base}/locations/eastus/vmSizes").json()["value"]}


def test_sizes_retire_by_the_services_clock(azure: Azure, at: Any) -> None:
    assert offered(azure) == {name for name, size in sizes().items() if size.retired is None}
    at("2025-09-29T23:00:00Z")
    assert "Standard_NC6s_v3" in offered(azure)
    assert "Standard_NC6" not in offered(azure)
    scale = {"minNodeCount": 0, "maxNodeCount": 1}
    inner = {"vmSize": "Standard_NC6s_v3", "scaleSettings": scale}
    body = {"location": "eastus", "properties": {"computeType": "AmlCompute", "properties": inner}}
    created = azure.call("PUT", "computes/old", body)
    assert created.status_code == 201
    assert created.headers["Date"].startswith("Mon, 29 Sep 2025 23:00:")
    azure.wait(created)
    at("2025-09-30T00:00:00Z")
    assert "Standard_NC6s_v3" not in offered(azure)
    assert "retired on 2025-09-30" in azure.call("PUT", "computes/newer", body).json()["error"]["message"]
    azure.wait(azure.call("DELETE", "computes/old"))


def test_the_clock_takes_times_with_an_offset_only(azure: Azure) -> None:
    for wrong in ({}, {"now": "noon"}, {"now": "2026-01-01T00:00:00"}, {"now": 5}, {"now": None, "x": 1}):
        with pytest.raises(Exception, match="now"):
            azure.admin("PUT", "/clock", wrong)


def test_a_deployment_is_refused_by_the_cores_of_its_own_size(azure: Azure) -> None:
    serving = Serving(azure)
    model = serving.model("sized", {"a": b"b"}, kind="custom_model")
    serving.endpoint("sized")
    code = {
        "codeId": serving.code("sized", "def init(): ...\ndef run(data): return data\n"),
        "scoringScript": "score.py",
    }

    def put(size: str) -> Any:
        properties = {"model": model, "codeConfiguration": code, "instanceType": size, "endpointComputeType": "Managed"}
        body = {"location": "eastus", "sku": {"name": "Default", "capacity": 1}, "properties": properties}
        return azure.call("PUT", "onlineEndpoints/sized/deployments/one", body)

    azure.admin("PUT", "/quota", {"standardNCASv3_T4Family": 7, "standardNCADSA100v4Family": 23})
    try:
        assert "Current usage/limit: 0/7. Additional needed: 8" in put("Standard_NC4as_T4_v3").text
        assert "Current usage/limit: 0/23. Additional needed: 24" in put("Standard_NC24ads_A100_v4").text
    finally:
        azure.admin("PUT", "/quota", {"standardNCASv3_T4Family": 192, "standardNCADSA100v4Family": 192})
