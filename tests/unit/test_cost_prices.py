"""Prices of VM sizes: the order of the sources, and that an unknown price stays unknown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from phift.catalog.prices import list_price, list_prices
from phift.catalog.vm_sizes import vm_size
from phift.cost.prices import PriceBook, estimated
from phift.phases.read_prices import PriceRow, Prices
from phift.plan.cost import Price
from phift.spec.money import PriceBlock
from phift.state.facts import Facts, Size
from phift.views.human.prices import render

A100, H100 = "Standard_NC24ads_A100_v4", "Standard_NC40ads_H100_v5"
TODAY = date(2026, 11, 20)


def values(linux: float, low: float | None = None, **more: Any) -> dict[str, Any]:
    """The member estimatedVMPrices of a size."""
    listed = [
        {"retailPrice": linux + 1, "osType": "Windows", "vmTier": "Standard"},
        {"retailPrice": linux, "osType": "Linux", "vmTier": "Standard"},
        {"retailPrice": 0.1, "osType": "Linux", "vmTier": "Spot"},
    ]
    if low is not None:
        listed.append({"retailPrice": low, "osType": "Linux", "vmTier": "LowPriority"})
    return {"billingCurrency": "USD", "unitOfMeasure": "OneHour", "values": listed, **more}


def facts(*sizes: Size) -> Facts:
    return Facts("id", "eastus", sizes={size.name.lower(): size for size in sizes}, today=TODAY)


def size(name: str, estimate: Mapping[str, Any]) -> Size:
    return Size(name, 24, 1, estimated=estimate)


def test_the_estimate_of_the_workspace_is_that_of_linux() -> None:
    assert estimated(size(A100, values(3.5, 0.7))) == {"dedicated": 3.5, "low_priority": 0.7}
    book = PriceBook(facts(size(A100, values(3.5, 0.7))))
    assert book.price(A100.lower()) == Price(3.5, "workspace", "2026-11-20")
    assert book.price(A100, region="East US").source == "workspace", "its region in another spelling"
    assert book.price(A100, "low_priority") == Price(0.7, "workspace", "2026-11-20")


@pytest.mark.parametrize(
    "estimate",
    [
        {},
        {"values": []},
        values(3.5, billingCurrency="EUR"),
        values(3.5, unitOfMeasure="OneMonth"),
        {**values(3.5), "values": [{"retailPrice": 0, "osType": "Linux", "vmTier": "Standard"}]},
        {**values(3.5), "values": [{"retailPrice": "3.5", "osType": "Linux", "vmTier": "Standard"}]},
    ],
    ids=["none", "empty", "currency", "unit", "zero", "text"],
)
def test_an_estimate_that_is_not_usable_is_not_used(estimate: Mapping[str, Any]) -> None:
    assert estimated(size(A100, estimate)) == {}
    book = PriceBook(facts(size("Standard_X", estimate)))
    assert book.price("Standard_X") == Price()
    assert book.lacking([("Standard_X", "dedicated", "")]) == [("Standard_X", "eastus")]


def test_the_spec_comes_first() -> None:
    given = {A100.lower(): PriceBlock(dedicated=3.1)}
    book = PriceBook(facts(size(A100, values(3.5, 0.7))), given)
    assert book.price(A100) == Price(3.1, "spec", listed=3.5)
    assert book.price(A100, "low_priority").source == "workspace", "the spec has no price of that tier"


def test_the_table_shows_exact_prices_and_the_listed_one_beside_that_of_the_spec() -> None:
    given = (
        ("Standard_ND96asr_v4", Price(27.197, "workspace", "2026-11-20")),
        (A100, Price(3.1, "spec", listed=3.673)),
    )
    rows = tuple(PriceRow(name, "dedicated", "eastus", price, True) for name, price in given)
    _, dear, cheap, *_ = render(Prices("s", "eastus", rows)).splitlines()
    assert "  27.197  " in dear
    assert cheap.endswith("  3.1          prices of the spec (listed: 3.673)  -")


def test_the_retail_api_is_asked_only_for_what_the_workspace_lacks() -> None:
    asked: list[tuple[str, str]] = []

    def retail(name: str, region: str) -> Mapping[str, float]:
        asked.append((name, region))
        return {"dedicated": 6.5}

    book = PriceBook(facts(size(A100, values(3.5))), retail=retail)
    wanted = [(A100, "dedicated", ""), (H100, "dedicated", ""), (A100, "dedicated", "westus3")]
    missing = book.lacking(wanted)
    assert missing == [(A100, "westus3"), (H100, "eastus")]
    for one in missing:
        book.ask(*one)
    assert asked == missing
    assert book.price(H100) == Price(6.5, "retail", "2026-11-20")
    assert book.price(A100, region="westus3").source == "retail", "the workspace knows its own region only"


def test_the_catalogue_is_the_last_source_and_says_how_old_it_is() -> None:
    book = PriceBook(facts(), retail=lambda name, region: {})
    book.ask(A100, "eastus")
    assert book.price(A100) == Price(3.673, "catalogue", "2026-09-06")
    assert book.price("Standard_NC48ads_A100_v4") == Price(7.346, "catalogue", "undated")
    assert book.price(A100, region="West US") == Price(4.775, "catalogue", "undated")
    assert book.price(A100, "low_priority") == Price(), "no dated source has prices of low priority"
    assert book.price(A100, region="marsnorth") == Price()
    assert book.price("Standard_Unheard_Of") == Price()


def test_the_list_has_five_dated_prices_and_no_duplicates() -> None:
    rows = list_prices()
    dated = {row.size: row.usd_per_hour for row in rows if row.as_of}
    assert dated == {
        "Standard_NC4as_T4_v3": 0.526,
        "Standard_NC24ads_A100_v4": 3.673,
        "Standard_ND96asr_v4": 27.197,
        "Standard_NC40ads_H100_v5": 6.98,
        "Standard_ND96isr_H100_v5": 98.32,
    }
    assert len({(row.size, row.region) for row in rows}) == len(rows) == 99
    assert all(row.usd_per_hour > 0 and row.source and vm_size(row.size) for row in rows)


def test_multiples_of_a_size_cost_multiples() -> None:
    for region in {row.region for row in list_prices()}:
        one, two, four = (list_price(f"Standard_NC{n}ads_A100_v4", region) for n in (24, 48, 96))
        assert one is not None
        assert two is not None
        assert four is not None
        assert two.usd_per_hour == pytest.approx(2 * one.usd_per_hour, rel=0.001)
        assert four.usd_per_hour == pytest.approx(4 * one.usd_per_hour, rel=0.001)
