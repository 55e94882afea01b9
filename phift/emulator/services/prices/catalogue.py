"""The prices of the catalogue: as rows of the Retail Prices API, and as estimates of a size."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from phift.emulator.core.sizes import Size, sizes

__all__ = ["Row", "currencies", "estimates", "facts", "rows"]

_HOURS = {"1 Year": 8760, "3 Years": 26280}
_COMPUTE = "Virtual Machines"
_LEARNING = "Azure Machine Learning"
_SERVICES = {
    _COMPUTE: ("DZH313Z7MMC8", "Compute"),
    _LEARNING: ("DZH318HZTMHW", "AI + Machine Learning"),
}

Row = dict[str, Any]


@cache
def facts() -> Mapping[str, Any]:
    """The catalogue's file."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: Mapping[str, Any] = yaml.load(Path(__file__).with_name("prices.yaml").read_bytes(), loader)
    return found


def currencies() -> Mapping[str, float]:
    """What a dollar is in each currency."""
    rates: Mapping[str, float] = facts()["currencies"]
    return rates


def _price(size: Size, region: str) -> float:
    """US dollars an hour on Linux; a region that the catalogue lacks costs as eastus does."""
    listed = facts()["sizes"].get(size.name)
    price = listed["price"] if listed else size.vcpus * facts()["per_vcpu"]
    return float(price) * float((facts()["regions"].get(region) or {"factor": 1.0})["factor"])


def estimates(size: Size, region: str) -> dict[str, Any]:
    """The member estimatedVMPrices of a size in the region of a workspace."""
    linux = _price(size, region)
    windows = linux + size.vcpus * facts()["windows_per_vcpu"]
    values = [
        {"retailPrice": round(price * share, 6), "osType": system, "vmTier": tier}
        for system, price in (("Linux", linux), ("Windows", windows))
        for tier, share in (("Standard", 1.0), ("LowPriority", facts()["low_priority"]))
    ]
    return {"billingCurrency": "USD", "unitOfMeasure": "OneHour", "values": values}


def rows(now: datetime, currency: str, *, plans: bool) -> tuple[Row, ...]:
    """All rows in the order of regions and sizes, not to be changed; those of sizes that are not offered at a time are
    left out.

    currency: of the prices. plans: whether rows of pay as you go name their savings plans.
    """
    return _rows(tuple(size.name for size in sizes().values() if size.offered(now)), currency, plans)


@lru_cache(maxsize=1)
def _rows(names: tuple[str, ...], currency: str, plans: bool) -> tuple[Row, ...]:
    return tuple(_all(names, currency, plans=plans))


def _all(names: tuple[str, ...], currency: str, *, plans: bool) -> Iterator[Row]:
    rate = currencies()[currency]
    for region in facts()["regions"]:
        yield _row(_LEARNING, region, "", "Machine Learning service", "vCPU", "Standard vCPU Surcharge", 0.0, currency)
        yield _row(_LEARNING, region, "", "Machine Learning service", "GPU", "Standard GPU Surcharge", 0.0, currency)
        for name in names:
            yield from _of_size(sizes()[name], region, currency, rate, plans=plans)


def _of_size(size: Size, region: str, currency: str, rate: float, *, plans: bool) -> Iterator[Row]:
    stem = size.family.name.removeprefix("standard").removesuffix("Family")
    linux = f"{_COMPUTE} {facts()['series'].get(stem, f'{stem} Series')}"
    windows = f"{linux.removesuffix(' [Linux]')} Windows"
    name = size.name.removeprefix("Standard_").replace("_", " ")
    price = _price(size, region) * rate
    share = facts()["low_priority"]
    on_windows = price + size.vcpus * facts()["windows_per_vcpu"] * rate
    for product, hourly in ((linux, price), (windows, on_windows)):
        row = _row(_COMPUTE, region, size.name, product, name, name, hourly, currency)
        if plans:
            row["savingsPlan"] = [
                {"unitPrice": round(hourly * part, 6), "retailPrice": round(hourly * part, 6), "term": term}
                for term, part in facts()["savings_plans"].items()
            ]
        yield row
        for tier in ("Low Priority", "Spot"):
            meter = f"{name} {tier}"
            yield _row(_COMPUTE, region, size.name, product, meter, meter, hourly * share, currency)
    yield _row(_COMPUTE, region, size.name, windows, name, name, price, currency, kind="DevTestConsumption")
    for term, part in facts()["reservations"].items():
        whole = round(price * part * _HOURS[term], 2)
        row = _row(_COMPUTE, region, size.name, linux, name, name, whole, currency, kind="Reservation")
        yield {**row, "reservationTerm": term}


def _row(
    service: str,
    region: str,
    size: str,
    product: str,
    sku: str,
    meter: str,
    price: float,
    currency: str,
    *,
    kind: str = "Consumption",
) -> Row:
    identifier, family = _SERVICES[service]
    product_id = _code(product)
    amount = round(price, 6)
    return {
        "currencyCode": currency,
        "tierMinimumUnits": 0.0,
        "retailPrice": amount,
        "unitPrice": amount,
        "armRegionName": region,
        "location": facts()["regions"][region]["location"],
        "effectiveStartDate": facts()["effective"],
        "meterId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{region}/{product}/{meter}")),
        "meterName": meter,
        "productId": product_id,
        "skuId": f"{product_id}/{_code(sku)[-4:]}",
        "productName": product,
        "skuName": sku,
        "serviceName": service,
        "serviceId": identifier,
        "serviceFamily": family,
        "unitOfMeasure": "1 Hour",
        "type": kind,
        "isPrimaryMeterRegion": True,
        "armSkuName": size,
    }


@cache
def _code(text: str) -> str:
    """A code of twelve characters, as products have."""
    return f"DZH318{uuid.uuid5(uuid.NAMESPACE_OID, text).hex[:6].upper()}"
