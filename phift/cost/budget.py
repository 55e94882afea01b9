"""Check the estimated cost of a plan against a budget: that of the spec, and that of the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from phift.diagnostics import Diagnostic, Severity
from phift.errors import UsageError
from phift.plan.cost import Budget, Cost
from phift.spec.money import AMOUNT, BudgetBlock, dollars

__all__ = ["OPTION", "budget_of", "over_budget", "parse_budget"]

OPTION = "--budget"
_NAMES = ("apply", "per_month", "on_unknown")
_ANSWERS = ("warn", "refuse")


def budget_of(block: BudgetBlock | None) -> Budget | None:
    """Return the budget of a spec."""
    if block is None:
        return None
    apply, month = (None if text is None else dollars(text) for text in (block.apply, block.per_month))
    return Budget(apply, month, block.on_unknown == "refuse")


def parse_budget(texts: Sequence[str] | None) -> Budget | None:
    """Parse `apply=40`, `per_month=3000` and `on_unknown=refuse`. Raises UsageError that names the option."""
    if not texts:
        return None
    found: dict[str, str] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in _NAMES:
            raise UsageError(f"{OPTION} {text}: unknown limit {name!r}", remedy=f"Limits: {', '.join(_NAMES)}.")
        allowed = value in _ANSWERS if name == "on_unknown" else re.fullmatch(AMOUNT, value)
        if not allowed:
            form = "warn or refuse" if name == "on_unknown" else "an amount in US dollars, such as 40"
            raise UsageError(f"{OPTION} {text}: must be {form}")
        if name in found:
            raise UsageError(f"{OPTION} {text}: {name} is given twice", remedy="Pass each limit once.")
        found[name] = value
    apply, month = (dollars(found[name]) if name in found else None for name in ("apply", "per_month"))
    return Budget(apply, month, found.get("on_unknown") == "refuse", origin=OPTION, controls=True)


def over_budget(cost: Cost | None, *budgets: Budget | None) -> Iterator[Diagnostic]:
    """Yield budget-apply, budget-month and budget-unknown for each budget.

    An estimate above a limit is an error; one whose high end is above it is a warning. A monthly amount that is above
    the limit already and does not grow is a warning: rejecting the plan would not end it. A price of the spec that is
    lower than the listed one does not count for a budget of the command line, whose findings have no path.
    """
    for budget in budgets:
        if cost is None or budget is None:
            continue
        judged = cost.at_list_prices if budget.controls else cost
        why = "Prices of the spec below the listed ones do not count." if judged != cost else ""
        where = "" if budget.controls else budget.origin
        if budget.apply is not None:
            yield from _apply(judged, budget, budget.apply, where, why)
        if budget.per_month is not None:
            yield from _month(judged, budget, budget.per_month, where, why)
        yield from _unknown(judged, budget, where)


def _apply(cost: Cost, budget: Budget, limit: float, path: str, why: str) -> Iterator[Diagnostic]:
    once = cost.once
    if once.high <= limit:
        return
    over = once.middle > limit
    yield Diagnostic(
        f"the apply costs about {once.middle:,.2f} USD; {budget.named('apply')} allows {limit:,.2f}"
        if over
        else f"the apply may cost {once.high:,.2f} USD; {budget.named('apply')} allows {limit:,.2f}",
        severity=Severity.ERROR if over else Severity.WARNING,
        detail=_joined(
            f"Estimated range: {once.low:,.2f} to {once.high:,.2f} USD.", _parts(cost, continuous=False), why
        ),
        remedy="Lower the training (epochs, rows, size), or raise the limit.",
        path=f"{path}.apply" if path else "",
        code="budget-apply",
    )


def _month(cost: Cost, budget: Budget, limit: float, path: str, why: str) -> Iterator[Diagnostic]:
    after, most, name = cost.per_month, cost.per_month_most, budget.named("per_month")
    if max(after, most) <= limit:
        return
    over = after > limit
    grows = round(after, 2) > round(cost.per_month_now, 2)
    yield Diagnostic(
        f"what runs after the apply costs {after:,.0f} USD a month; {name} allows {limit:,.0f}"
        if over
        else f"after scale-out, it costs up to {most:,.0f} USD a month; {name} allows {limit:,.0f}",
        severity=Severity.ERROR if over and grows else Severity.WARNING,
        detail=_joined(f"Before the apply: {cost.per_month_now:,.0f} USD a month.", _parts(cost, continuous=True), why),
        remedy="Use fewer or smaller instances, or raise the limit.",
        path=f"{path}.per_month" if path else "",
        code="budget-month",
    )


def _unknown(cost: Cost, budget: Budget, path: str) -> Iterator[Diagnostic]:
    every = budget.apply is None and budget.per_month is None
    unknown = [
        *(cost.unknown_once if budget.apply is not None or every else ()),
        *(cost.unknown_monthly if budget.per_month is not None or every else ()),
    ]
    if not unknown:
        return
    names = ", ".join(dict.fromkeys(unknown))
    yield Diagnostic(
        f"the cost of {names} is unknown; {budget.origin} cannot be checked completely",
        severity=Severity.ERROR if budget.refuse_unknown else Severity.WARNING,
        detail="on_unknown is refuse." if budget.refuse_unknown else "It counts as 0 in the comparison.",
        remedy="Set the price in the spec: prices: {SIZE: USD an hour}. A duration is known after the first job.",
        path=f"{path}.on_unknown" if path else "",
        code="budget-unknown",
    )


def _parts(cost: Cost, *, continuous: bool) -> str:
    found = [
        f"{line.label}: {amount:,.2f}"
        for line in cost.lines
        if line.continuous == continuous
        and (amount := line.monthly(line.nodes) if continuous else line.once and line.once.middle)
    ]
    return f"{'; '.join(found)}." if found else ""


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
