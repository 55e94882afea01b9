"""What a sweep job is asked to do, checked at its submission."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.emulator.core.errors import ServiceError, not_supported
from phift.emulator.services.jobs.bindings import objects
from phift.emulator.services.jobs.commands import seconds
from phift.emulator.services.jobs.sweep.policies import Policy, read_policy
from phift.emulator.services.jobs.sweep.space import Distribution, Value, grid, random_values, read_distribution

__all__ = ["SweepSettings", "read_sweep"]

_MOST_TRIALS = 1000
"""Without a limit of its own a sweep has as many, at most (documented)."""


@dataclass(frozen=True)
class SweepSettings:
    """A sweep. sampling: grid or random. timeout: of the whole sweep in seconds, 0 for none. policy: None for none."""

    space: dict[str, Distribution]
    sampling: str
    seed: str
    metric: str
    maximize: bool
    trials: int
    at_once: int
    timeout: float = 0.0
    policy: Policy | None = field(default=None)

    def values(self, job: str) -> Iterator[dict[str, Value]]:
        """The hyperparameters of the trials in order, the same each time. job: seed where the request has none."""
        found = grid(self.space) if self.sampling == "grid" else random_values(self.space, self.seed or job)
        return itertools.islice(found, self.trials)


def read_sweep(properties: Mapping[str, Any]) -> tuple[SweepSettings, float]:
    """The settings of a sweep, and the timeout of its trials in seconds, 0 for none.

    Raises ServiceError 400 for what is malformed, and 501 for samplers that are not emulated.
    """
    space = _space(properties.get("searchSpace"))
    sampling = objects(properties.get("samplingAlgorithm"))
    kind = str(sampling.get("samplingAlgorithmType") or "").lower()
    _check_sampling(kind, sampling, space)
    objective, limits = objects(properties.get("objective")), objects(properties.get("limits"))
    metric, goal = str(objective.get("primaryMetric") or ""), str(objective.get("goal") or "").lower()
    if not metric or goal not in ("minimize", "maximize"):
        raise _invalid("an objective needs a primaryMetric and a goal, minimize or maximize", "objective")
    trials = _count(limits.get("maxTotalTrials"), "maxTotalTrials") or _MOST_TRIALS
    at_once = _count(limits.get("maxConcurrentTrials"), "maxConcurrentTrials") or trials
    policy = objects(properties.get("earlyTermination"))
    try:
        read = read_policy(policy) if policy else None
    except ValueError as error:
        raise _invalid(str(error), "earlyTermination") from error
    settings = SweepSettings(
        space=space,
        sampling=kind,
        seed=str(sampling.get("seed") or ""),
        metric=metric,
        maximize=goal == "maximize",
        trials=min(trials, _MOST_TRIALS),
        at_once=at_once,
        timeout=seconds(limits.get("timeout"), "properties.limits.timeout"),
        policy=read,
    )
    return settings, seconds(limits.get("trialTimeout"), "properties.limits.trialTimeout")


def _space(sent: Any) -> dict[str, Distribution]:
    if not isinstance(sent, dict) or not sent:
        raise _invalid("a sweep needs a search space", "searchSpace")
    try:
        return {name: read_distribution(name, each) for name, each in sent.items()}
    except ValueError as error:
        raise _invalid(str(error), "searchSpace") from error


def _check_sampling(kind: str, sampling: Mapping[str, Any], space: Mapping[str, Distribution]) -> None:
    if kind not in ("grid", "random", "bayesian"):
        raise _invalid(f"unknown samplingAlgorithmType '{kind}'", "samplingAlgorithm")
    if kind == "bayesian":
        raise not_supported("Bayesian sampling of sweep jobs is")
    if str(sampling.get("rule") or "random").lower() != "random":
        raise not_supported(f"Random sampling of sweep jobs by the rule {sampling['rule']} is")
    continuous = [name for name, each in space.items() if each.kind != "choice"]
    if kind == "grid" and continuous:
        raise _invalid(f"grid sampling takes choices only, and {', '.join(continuous)} has others", "samplingAlgorithm")


def _count(value: Any, name: str) -> int:
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _invalid(f"{name} must be a whole number above 0", f"limits.{name}")
    return value


def _invalid(why: str, target: str) -> ServiceError:
    return ServiceError(
        400, "UserError", f"The sweep job is invalid: {why}.", target=f"properties.{target}", inner=("BadArgument",)
    )
