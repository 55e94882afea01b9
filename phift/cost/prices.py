"""The price of a node: of the spec, else estimated by the workspace, else of the Retail Prices API, else of the
catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from phift.catalog.prices import list_price
from phift.kinds.charge import DEDICATED, LOW_PRIORITY
from phift.plan.cost import CURRENCY, Price
from phift.spec.money import PriceBlock
from phift.state.facts import Facts, Size
from phift.workspace import region_name

__all__ = ["PriceBook", "Retail", "Wanted", "estimated"]

Wanted = tuple[str, str, str]
"""VM size, tier and region (empty: that of the workspace)."""

Retail = Callable[[str, str], Mapping[str, float]]
"""Returns the prices of a size in a region by tier; empty if unknown."""

_TIERS = {"standard": DEDICATED, "lowpriority": LOW_PRIORITY}


def estimated(size: Size) -> dict[str, float]:
    """Return the prices that the service estimates for a size, by tier: Linux, in US dollars an hour.

    Values of other systems, units, currencies or tiers are ignored.
    """
    document = size.estimated
    unit = str(document.get("unitOfMeasure", ""))
    if str(document.get("billingCurrency", "")).upper() != CURRENCY or unit.lower() not in {"onehour", ""}:
        return {}
    found = {}
    for value in document.get("values") or ():
        tier = _TIERS.get(str(value.get("vmTier", "")).lower())
        price = value.get("retailPrice")
        if tier and str(value.get("osType", "")).lower() == "linux" and _is_price(price):
            found[tier] = float(price)
    return found


class PriceBook:
    """The prices of one plan.

    given: prices of the spec, by VM size. retail: asks the Retail Prices API; None: never ask.
    """

    def __init__(
        self, facts: Facts, given: Mapping[str, PriceBlock] | None = None, retail: Retail | None = None
    ) -> None:
        self._facts = facts
        self._given = {name.lower(): block for name, block in (given or {}).items()}
        self._retail = retail
        self._asked: dict[tuple[str, str], Mapping[str, float]] = {}

    def price(self, size: str, tier: str = DEDICATED, region: str = "", *, retail: bool = False) -> Price:
        """Return the price of a node; an unknown one if no source has it. Sends no request.

        retail: prefer an answer of the Retail Prices API to the estimate of the workspace.
        """
        listed = self._listed(size, tier, region or self._facts.location, retail)
        given = self._of_spec(size, tier)
        return listed if given is None else Price(given, "spec", listed=listed.usd_per_hour)

    def _listed(self, size: str, tier: str, place: str, retail: bool) -> Price:
        """Return the price that the spec does not set."""
        asked = self._asked.get((size.lower(), place), {}).get(tier)
        estimate = self._of_workspace(size, tier, place)
        today = self._facts.today.isoformat()
        if estimate is not None and not (retail and asked is not None):
            return Price(estimate, "workspace", today)
        if asked is not None:
            return Price(asked, "retail", today)
        listed = list_price(size, place) if tier == DEDICATED else None
        if listed is None:
            return Price()
        return Price(listed.usd_per_hour, "catalogue", listed.as_of.isoformat() if listed.as_of else "undated")

    def lacking(self, wanted: Iterable[Wanted]) -> list[tuple[str, str]]:
        """Return (size, region) of what neither the spec nor the workspace gives a price for."""
        missing = {
            (size, region or self._facts.location)
            for size, tier, region in wanted
            if self._of_spec(size, tier) is None
            and self._of_workspace(size, tier, region or self._facts.location) is None
        }
        return sorted(missing)

    def ask(self, size: str, region: str) -> None:
        """Ask the Retail Prices API for a size; without an answer, its price comes from the catalogue."""
        if self._retail is not None:
            self._asked[size.lower(), region] = self._retail(size, region)

    @property
    def asks(self) -> bool:
        return self._retail is not None

    def _of_spec(self, size: str, tier: str) -> float | None:
        block = self._given.get(size.lower())
        amount = getattr(block, tier, None) if block else None
        return None if amount is None else float(amount)

    def _of_workspace(self, size: str, tier: str, region: str) -> float | None:
        known = self._facts.sizes.get(size.lower())
        if known is None or region_name(region) != region_name(self._facts.location):
            return None
        return estimated(known).get(tier)


def _is_price(value: object) -> bool:
    # The service lists 0 for sizes that it has no price for; a node is never free.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e6
