"""`phift history`: one line per apply, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from phift.ledger.words import ApplyOutcome
from phift.plan.action import Purpose
from phift.plan.cost import CURRENCY, Range
from phift.views.base import PLAIN, Style
from phift.views.human.cost import hours
from phift.views.human.values import cut, duration, table

if TYPE_CHECKING:
    from phift.ledger.journal import Record

__all__ = ["notes_of", "render", "row_of", "seconds_of", "what_of"]


def render(records: Sequence[Record], *, style: Style = PLAIN) -> str:
    """Return one line per apply, and below it the writes that failed or whose outcome is unknown."""
    if not records:
        return "No applies recorded for this stack."
    rows = [("WHEN (UTC)", "WHO", "COMMIT", "WHAT", "TOOK", "OUTCOME"), *(row_of(r) for r in records)]
    drawn = table(rows)
    lines = [style.dim(drawn[0])]
    for record, line in zip(records, drawn[1:], strict=True):
        outcome = _outcome(record)
        lines.append(line[: len(line) - len(outcome)] + _paint(record, style)(outcome))
        lines += [style.dim(f"    {style.cut(said, style.width - 4)}") for said in notes_of(record)]
    return "\n".join(lines)


def _paint(record: Record, style: Style) -> Callable[[str], str]:
    if record.outcome is not None and record.outcome.good:
        return style.green
    return style.yellow if record.outcome is ApplyOutcome.DETACHED else style.red


def seconds_of(record: Record) -> float | None:
    """Return the duration, or None for an apply without a recorded end."""
    try:
        return (datetime.fromisoformat(record.ended) - datetime.fromisoformat(record.started)).total_seconds()
    except ValueError:
        return None


def what_of(record: Record) -> str:
    """Return `+8 ~1 -0`, prefixed with the purpose if it is not an apply."""
    counts = record.plan.get("counts") or {}
    said = " ".join(f"{sign}{counts.get(key, 0)}" for sign, key in (("+", "add"), ("~", "change"), ("-", "destroy")))
    return f"destroy {said}" if record.plan.get("purpose") == Purpose.DESTROY else said


def row_of(record: Record) -> tuple[str, ...]:
    """Return when, who, commit, what, how long and the outcome."""
    holder: dict[str, Any] = dict(record.holder)
    took = seconds_of(record)
    who = "@".join(str(holder[key]) for key in ("user", "host") if holder.get(key))
    return (
        record.started[:16].replace("T", " "),
        cut(who or "-", 24),
        str(holder.get("commit", ""))[:8] or "-",
        what_of(record),
        duration(took) if took is not None else "-",
        _outcome(record),
    )


def _outcome(record: Record) -> str:
    return record.outcome or "interrupted"


def _estimated(record: Record) -> Iterator[str]:
    """Yield the actual next to the estimated duration and cost of each run that the apply awaited from its submission.

    The actual cost is that of the estimate, changed by the price of the nodes for the time that differs: what was
    billed is in Cost Management.
    """
    estimate = record.plan.get("estimate")
    durations, amounts, rates = (
        found if isinstance(estimate, dict) and isinstance(found := estimate.get(key), dict) else {}
        for key in ("hours", "usd", "usd_per_hour")
    )
    for address, numbers in durations.items():
        try:
            wanted, took = _range(numbers), float(record.seconds[address])
        except (KeyError, TypeError, ValueError):
            continue
        actual, expected = duration(took), hours(wanted)
        with suppress(KeyError, TypeError, ValueError):
            usd, rate = _range(amounts[address]), float(rates[address])
            actual += f", about {max(usd.middle + (took / 3600 - wanted.middle) * rate, 0.0):,.2f} {CURRENCY}"
            low, middle, high = (f"{amount:,.2f}" for amount in (usd.low, usd.middle, usd.high))
            expected += f", {middle} {CURRENCY}" + (f" ({low} to {high})" if low != high else "")
        yield f"{address} took {actual}; estimated {expected}"


def _range(numbers: Any) -> Range:
    """Return a recorded range. Raises KeyError, TypeError or ValueError for another value."""
    return Range(**{name: float(numbers[name]) for name in ("low", "middle", "high")})


def notes_of(record: Record) -> list[str]:
    """Return the run, estimates next to actual times, and the writes that failed or whose outcome is unknown."""
    said = [str(record.holder["run_url"])] if record.holder.get("run_url") else []
    said += _estimated(record)
    for result in record.results:
        if not result.outcome.took_effect:
            why = str(result.facts.get("error", ""))
            what = f"{result.intent.address}: {result.intent.verb} {result.outcome}"
            said.append(f"{what}: {why}" if why else what)
    return said + [f"{i.address}: {i.verb} started, outcome unknown" for i in record.open]
