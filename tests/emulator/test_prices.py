"""The Retail Prices API, and the estimates of the sizes of a region."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from cryptography import x509

from phift.emulator.core.sizes import size_named, sizes
from phift.emulator.host import tls
from phift.emulator.host.tls import Authority
from phift.emulator.services.prices.catalogue import estimates, facts
from phift.emulator.services.prices.filters import BadFilter, parse
from tests.emulator.client import Azure

URL = "https://prices.azure.com/api/retail/prices"
VM = "serviceName eq 'Virtual Machines'"
A100 = f"{VM} and armSkuName eq 'Standard_NC24ads_A100_v4' and armRegionName eq 'eastus' and priceType eq 'Consumption'"


def ask(azure: Azure, **query: str) -> requests.Response:
    return azure.session.get(URL, params={name.replace("filter", "$filter"): value for name, value in query.items()})


def items(azure: Azure, **query: str) -> list[dict[str, Any]]:
    answer = ask(azure, **query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["Items"]
    return found


def test_a_price_is_read_without_a_token(azure: Azure) -> None:
    answer = ask(azure, filter=A100).json()
    assert {key: answer[key] for key in answer if key != "Items"} == {
        "BillingCurrency": "USD",
        "CustomerEntityId": "Default",
        "CustomerEntityType": "Retail",
        "NextPageLink": None,
        "Count": 6,
    }
    [row] = [
        each
        for each in answer["Items"]
        if each["meterName"] == "NC24ads A100 v4" and "Windows" not in each["productName"]
    ]
    assert (row["retailPrice"], row["unitPrice"], row["unitOfMeasure"]) == (3.673, 3.673, "1 Hour")
    assert (row["armSkuName"], row["productName"]) == ("Standard_NC24ads_A100_v4", "Virtual Machines NCadsv4 Series")
    assert (row["location"], row["type"], row["serviceFamily"]) == ("US East", "Consumption", "Compute")
    assert set(row) == {
        "currencyCode",
        "tierMinimumUnits",
        "retailPrice",
        "unitPrice",
        "armRegionName",
        "location",
        "effectiveStartDate",
        "meterId",
        "meterName",
        "productId",
        "skuId",
        "productName",
        "skuName",
        "serviceName",
        "serviceId",
        "serviceFamily",
        "unitOfMeasure",
        "type",
        "isPrimaryMeterRegion",
        "armSkuName",
    }
    assert {each["meterName"] for each in answer["Items"]} == {
        "NC24ads A100 v4",
        "NC24ads A100 v4 Low Priority",
        "NC24ads A100 v4 Spot",
    }


def test_all_pages_are_followed(azure: Azure) -> None:
    text = f"{VM} and armRegionName eq 'westeurope' and contains(meterName, 'Spot')"
    seen, answer = [], ask(azure, filter=f"{VM} and armRegionName eq 'westeurope'", currencyCode="'EUR'").json()
    while True:
        seen += answer["Items"]
        assert answer["Count"] == len(answer["Items"]) <= 100
        if not answer["NextPageLink"]:
            break
        assert answer["NextPageLink"].startswith(f"https://prices.azure.com:443{urlsplit(URL).path}?$filter=")
        assert f"$skip={len(seen)}" in answer["NextPageLink"]
        answer = azure.session.get(answer["NextPageLink"]).json()
    assert len(seen) > 200
    assert len({(row["meterId"], row["type"], row.get("reservationTerm")) for row in seen}) == len(seen)
    assert {row["currencyCode"] for row in seen} == {"EUR"}
    spot = items(azure, filter=text)
    assert len(spot) == len([row for row in seen if "Spot" in row["meterName"]])


def test_reservations_plans_and_currencies(azure: Azure) -> None:
    reserved = A100.replace("Consumption", "Reservation")
    assert [row["reservationTerm"] for row in items(azure, filter=reserved)] == ["1 Year", "3 Years"]
    newer = items(azure, filter=A100, **{"api-version": "2023-01-01-preview"})
    assert [plan["term"] for plan in newer[0]["savingsPlan"]] == ["3 Years", "1 Year"]
    assert "savingsPlan" not in items(azure, filter=A100)[0]
    euros = items(azure, filter=A100, currencyCode="'EUR'")[0]
    assert euros["retailPrice"] == pytest.approx(3.673 * facts()["currencies"]["EUR"])


def test_letter_case_counts_since_2023(azure: Azure) -> None:
    lower = A100.replace("Standard_NC24ads_A100_v4", "standard_nc24ads_a100_v4")
    assert len(items(azure, filter=lower)) == 6
    assert items(azure, filter=lower, **{"api-version": "2023-01-01-preview"}) == []


ROW = {
    "armSkuName": "Standard_A",
    "meterName": "A Spot",
    "type": "Consumption",
    "productName": "O'Hara's",
    "skuName": "A",
}


@pytest.mark.parametrize(
    ("text", "admitted"),
    [
        ("armSkuName eq 'Standard_A'", True),
        ("ARMSKUNAME EQ 'standard_a'", True),
        ("armSkuName ne 'Standard_A'", False),
        ("priceType eq 'Consumption' and contains(meterName, 'spot')", True),
        ("startswith(meterName,'A') and not_a_field eq 'x'", None),
        ("endswith(meterName, 'Low Priority') or skuName eq 'A'", True),
        ("skuName eq 'B' or skuName eq 'A' and meterName eq 'B'", False),
        ("(skuName eq 'B' or skuName eq 'A') and meterName eq 'A Spot'", True),
        ("productName eq 'O''Hara''s'", True),
        ("skuName eq", None),
        ("skuName eq A", None),
        ("skuName gt 'A'", None),
        ("skuName eq 'A' skuName", None),
        ("(skuName eq 'A'", None),
        ("contains(skuName 'A')", None),
        ("skuName eq 'A", None),
        ("(" * 30 + "skuName eq 'A'" + ")" * 30, None),
        ("skuName eq 'A' or " * 600 + "skuName eq 'A'", None),
    ],
)
def test_filters(text: str, admitted: bool | None) -> None:
    if admitted is None:
        with pytest.raises(BadFilter):
            parse(text, exact=False)
    else:
        assert parse(text, exact=False)(ROW) is admitted


def test_a_filter_that_is_none_is_refused(azure: Azure) -> None:
    for query in ({"filter": "nonsense"}, {"currencyCode": "'XXX'"}):
        answer = ask(azure, **query)
        assert (answer.status_code, answer.json()["Error"]["Code"]) == (400, "BadRequest")
    assert azure.session.get("https://prices.azure.com/nothing").status_code == 404


def test_the_sizes_of_a_region_have_their_prices(azure: Azure) -> None:
    base = f"/subscriptions/{azure.connection.subscription_id}/providers/Microsoft.MachineLearningServices"
    listed = {each["name"]: each for each in azure.call("GET", f"{base}/locations/eastus/vmSizes").json()["value"]}
    prices = listed["Standard_NC24ads_A100_v4"]["estimatedVMPrices"]
    assert (prices["billingCurrency"], prices["unitOfMeasure"]) == ("USD", "OneHour")
    values = {(each["osType"], each["vmTier"]): each["retailPrice"] for each in prices["values"]}
    assert set(values) == {(system, tier) for system in ("Linux", "Windows") for tier in ("Standard", "LowPriority")}
    assert values["Linux", "Standard"] == 3.673
    assert values["Linux", "LowPriority"] < 1
    assert all(each["estimatedVMPrices"]["values"] for each in listed.values())


def test_every_size_has_a_price_and_every_price_a_size() -> None:
    assert set(facts()["sizes"]) <= set(sizes())
    a100 = size_named("Standard_NC24ads_A100_v4")
    assert a100 is not None
    assert estimates(a100, "westeurope")["values"][0]["retailPrice"] == pytest.approx(3.673 * 1.25)
    assert estimates(a100, "elsewhere") == estimates(a100, "eastus")


def test_an_authority_of_an_earlier_release_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may not speak for all hosts that are answered now."""
    with monkeypatch.context() as patch:
        patch.setattr(tls, "_PERMITTED", tuple(each for each in tls._PERMITTED if each != "prices.azure.com"))
        Authority(tmp_path)
        old = (tmp_path / "ca.pem").read_bytes()
        Authority(tmp_path)
        assert (tmp_path / "ca.pem").read_bytes() == old
    Authority(tmp_path)
    new = (tmp_path / "ca.pem").read_bytes()
    assert new != old
    constraints = x509.load_pem_x509_certificate(new).extensions.get_extension_for_class(x509.NameConstraints).value
    assert "prices.azure.com" in {each.value for each in constraints.permitted_subtrees or ()}
