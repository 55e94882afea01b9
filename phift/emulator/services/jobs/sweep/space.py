"""Search spaces: the distributions of hyperparameters, and the values of each trial."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Distribution", "Value", "grid", "random_values", "read_distribution"]

Value = str | int | float | bool

_ARITY = {
    "uniform": 2,
    "loguniform": 2,
    "normal": 2,
    "lognormal": 2,
    "quniform": 3,
    "qloguniform": 3,
    "qnormal": 3,
    "qlognormal": 3,
    "randint": 1,
}
_MOST_EXPONENT = 700.0  # beyond, e to its power is no number


@dataclass(frozen=True)
class Distribution:
    """A distribution of one hyperparameter. arguments: of `choice` its values, of the others their numbers in the order
    in which the service takes them: minimum and maximum, or mean and deviation; then the step."""

    kind: str
    arguments: tuple[Any, ...]

    def sample(self, source: random.Random) -> Value:
        """A value of the distribution."""
        if self.kind == "choice":
            value: Value = source.choice(self.arguments)
            return value
        if self.kind == "randint":
            return source.randrange(int(self.arguments[0]))
        first, second, *step = (float(each) for each in self.arguments)
        sampled = source.uniform(first, second) if "uniform" in self.kind else source.gauss(first, second)
        if "log" in self.kind:
            sampled = math.exp(min(sampled, _MOST_EXPONENT))
        return round(sampled / step[0]) * step[0] if step else sampled


def read_distribution(name: str, sent: Any) -> Distribution:
    """The distribution `[kind, [arguments]]`. Raises ValueError, with the name, for what is none."""
    if not isinstance(sent, list) or len(sent) != 2 or not isinstance(sent[0], str) or not isinstance(sent[1], list):
        raise ValueError(f"the search space of {name} is not a distribution")
    kind, arguments = sent[0].lower(), sent[1]
    if kind == "choice":
        values = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else arguments
        if not values:
            raise ValueError(f"choice of {name} has no values")
        if any(not isinstance(value, Value) for value in values):
            raise ValueError(f"choice of {name} has values that are neither text, numbers nor booleans")
        return Distribution(kind, tuple(values))
    if kind not in _ARITY:
        raise ValueError(f"{name} has an unknown distribution {kind}")
    if len(arguments) != _ARITY[kind] or any(not _is_number(each) for each in arguments):
        raise ValueError(f"{kind} of {name} needs {_ARITY[kind]} numbers")
    if kind == "randint" and int(arguments[0]) < 1:
        raise ValueError(f"randint of {name} needs an upper bound of at least 1")
    if "uniform" in kind and arguments[0] > arguments[1]:
        raise ValueError(f"{kind} of {name} has a minimum above its maximum")
    if kind.startswith("q") and arguments[2] <= 0:
        raise ValueError(f"{kind} of {name} needs a step above 0")
    return Distribution(kind, tuple(arguments))


def grid(space: Mapping[str, Distribution]) -> Iterator[dict[str, Value]]:
    """All combinations of a space in which all distributions are choices, the last one changing fastest."""
    for values in itertools.product(*(each.arguments for each in space.values())):
        yield dict(zip(space, values, strict=True))


def random_values(space: Mapping[str, Distribution], seed: str) -> Iterator[dict[str, Value]]:
    """Sample without end, always the same for a seed: a sweep that is restarted has the same trials."""
    source = random.Random(seed)
    while True:
        yield {name: each.sample(source) for name, each in space.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
