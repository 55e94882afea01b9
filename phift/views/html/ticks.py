"""Axis ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["log_ticks", "nice_ticks", "tick_texts"]

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_MOST_FINE = 7


def nice_ticks(low: float, high: float, wanted: int = 5) -> tuple[float, ...]:
    """Return about `wanted` ascending ticks at round distances that enclose the range.

    Raises ValueError for a range that is not finite.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("an axis needs finite values")
    low, high = min(low, high), max(low, high)
    if low == high:
        distance = abs(low) / 2 or 1.0
        low, high = low - distance, high + distance
    raw = (high - low) / max(wanted - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(one * power for one in _STEPS if one * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, 12 - math.floor(math.log10(max(abs(low), abs(high), step))))
    return tuple(round(number * step, digits) for number in range(first, last + 1))


def log_ticks(low: float, high: float) -> tuple[float, ...]:
    """Return ascending ticks that enclose a range of positive numbers closely, at 1, 2 and 5 times powers of ten; if
    those are many, at the powers and the two ends."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    fine = [float(f"{digit}e{power}") for power in range(first - 1, last + 1) for digit in (1, 2, 5)]
    start = max((one for one in fine if one <= low * (1 + 1e-9)), default=fine[0])
    end = min((one for one in fine if one >= high * (1 - 1e-9) and one > start), default=fine[-1])
    ticks = [one for one in fine if start <= one <= end]
    if len(ticks) > _MOST_FINE:
        powers = [one for one in ticks if f"{one:e}".startswith("1.0")]
        ticks = sorted({ticks[0], ticks[-1], *powers})
    return tuple(ticks)


def tick_texts(ticks: Sequence[float]) -> tuple[str, ...]:
    """Return short labels of equal precision: `0.002`, `5e-06`, `12k`."""
    largest = max((abs(tick) for tick in ticks), default=0.0)
    if largest and (largest < 0.001 or largest >= 1e7):
        return tuple("0" if tick == 0 else _scientific(tick) for tick in ticks)
    if largest >= 10_000:
        return tuple(
            _plain(tick / 1000, _decimals([t / 1000 for t in ticks])) + ("k" if tick else "") for tick in ticks
        )
    return tuple(_plain(tick, _decimals(ticks)) for tick in ticks)


def _scientific(value: float) -> str:
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def _decimals(ticks: Sequence[float]) -> int:
    """Return the fewest decimals that show every tick exactly, at most 6."""
    return next((n for n in range(6) if all(math.isclose(t, round(t, n), abs_tol=1e-9) for t in ticks)), 6)


def _plain(value: float, decimals: int) -> str:
    shown = f"{value:.{decimals}f}"
    return shown.removeprefix("-") if float(shown) == 0 else shown
