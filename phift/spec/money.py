"""`budget` and `prices`: what an apply may cost, and prices that replace those that phift finds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from phift.spec.base import Before, Coerced, Meanings, Strict, fault, matching

__all__ = ["AMOUNT", "BudgetBlock", "Price", "PriceBlock", "dollars"]

AMOUNT = r"\d+(\.\d+)?( ?USD)?"
"""An amount of money: a number, and optionally its currency."""

_AMOUNT_FORM = 'an amount in US dollars, such as "40 USD"'


def dollars(amount: str) -> float:
    """Return the number of an amount such as `40 USD`."""
    return float(amount.removesuffix("USD"))


def _amount(value: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value} USD" if number else value


_Money = Annotated[
    str,
    *matching(AMOUNT, _AMOUNT_FORM),
    Before(_amount),
    Coerced,
    Field(json_schema_extra={"type": ["string", "number"]}),
]


class BudgetBlock(Strict):
    """Limits of the estimated cost: a plan above one of them is rejected."""

    apply: Annotated[_Money | None, Field(description='Maximum estimated cost of one apply, such as "40 USD".')] = None
    per_month: Annotated[
        _Money | None,
        Field(description='Maximum estimated cost of a month (730 hours) of what runs afterwards: "3000 USD".'),
    ] = None
    on_unknown: Annotated[
        Literal["warn", "refuse"],
        Field(description="What to do if the price or the time of something is unknown."),
        Meanings(warn="Add a warning to the plan.", refuse="Reject the plan."),
    ] = "warn"


class PriceBlock(Strict):
    """The price of a node of a VM size in US dollars an hour, by tier."""

    dedicated: Annotated[float | None, Field(ge=0, description="US dollars an hour."), Coerced] = None
    low_priority: Annotated[float | None, Field(ge=0, description="US dollars an hour."), Coerced] = None


def _price(value: Any) -> Any:
    if isinstance(value, bool):
        raise fault("must be a number of US dollars an hour", "Write 3.10, or {dedicated: 3.10, low_priority: 0.70}.")
    return {"dedicated": float(value)} if isinstance(value, int | float) else value


Price = Annotated[
    PriceBlock,
    BeforeValidator(_price, json_schema_input_type=PriceBlock | float),
    Coerced,
    Field(description="US dollars an hour of a node, or {dedicated: 3.10, low_priority: 0.70}."),
]
