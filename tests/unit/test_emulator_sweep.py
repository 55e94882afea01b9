"""Search spaces and early termination policies, as functions."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import pytest

from phift.emulator.services.jobs.sweep.policies import Policy, read_policy, stopped
from phift.emulator.services.jobs.sweep.space import grid, random_values, read_distribution

SOURCE = random.Random(5)


def samples(kind: str, *arguments: Any) -> list[Any]:
    distribution = read_distribution("x", [kind, list(arguments)])
    return [distribution.sample(SOURCE) for _ in range(300)]


def test_distributions_stay_where_they_should() -> None:
    assert set(samples("choice", ["a", 2, True])) == {"a", 2, True}
    assert set(samples("randint", 3)) == {0, 1, 2}
    assert all(2 <= value <= 3 for value in samples("uniform", 2, 3))
    assert {value % 2 for value in samples("quniform", 1, 9, 2)} == {0}
    assert all(math.exp(-3) <= value <= math.exp(-1) for value in samples("loguniform", -3, -1))
    assert all(value % 5 == 0 for value in samples("qloguniform", 1, 4, 5))
    assert abs(sum(samples("normal", 10, 1)) / 300 - 10) < 1
    assert all(value > 0 for value in samples("lognormal", 0, 1))
    assert all(math.isfinite(value) for value in samples("lognormal", 10**6, 1))
    assert all(float(value).is_integer() for value in samples("qnormal", 0, 10, 1))


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (None, "is not a distribution"),
        (["uniform"], "is not a distribution"),
        (["uniform", [1]], "needs 2 numbers"),
        (["uniform", [1, "2"]], "needs 2 numbers"),
        (["uniform", [2, 1]], "minimum above its maximum"),
        (["quniform", [1, 2, 0]], "needs a step above 0"),
        (["randint", [0]], "upper bound"),
        (["choice", [[]]], "has no values"),
        (["choice", [[{"a": 1}]]], "neither text, numbers nor booleans"),
        (["poisson", [1]], "unknown distribution poisson"),
    ],
)
def test_what_is_not_a_distribution(sent: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_distribution("x", sent)


def test_a_grid_has_all_combinations_and_random_values_repeat_for_a_seed() -> None:
    space = {"a": read_distribution("a", ["choice", [[1, 2]]]), "b": read_distribution("b", ["choice", [["x", "y"]]])}
    assert [(each["a"], each["b"]) for each in grid(space)] == [(1, "x"), (1, "y"), (2, "x"), (2, "y")]
    first, second, other = (
        list(itertools.islice(random_values(space, seed), 20)) for seed in ("one", "one", "another")
    )
    assert first == second != other


# policies


def test_a_policy_looks_at_every_so_many_values_after_a_delay() -> None:
    policy = Policy("bandit", evaluation_interval=2, delay_evaluation=4)
    assert [count for count in range(10) if policy.looks_at(count)] == [4, 6, 8]


def ends(policy: Policy, *, maximize: bool = True, **histories: list[float]) -> list[str]:
    return stopped(policy, histories, list(histories), maximize=maximize)


def test_bandit_allows_a_share_or_an_amount_behind_the_best() -> None:
    factor, amount = Policy("bandit", slack_factor=0.25), Policy("bandit", slack_amount=0.25)
    assert ends(factor, best=[1.0], near=[0.81], far=[0.79]) == ["far"]
    assert ends(amount, best=[1.0], near=[0.76], far=[0.74]) == ["far"]
    assert ends(factor, maximize=False, best=[1.0], near=[1.24], far=[1.26]) == ["far"]
    assert ends(factor, best=[-1.0], near=[-1.2], far=[-1.3]) == ["far"]
    assert ends(factor, best=[1.0], recovered=[0.1, 0.9]) == [], "the best value of a trial counts"


def test_median_stopping_compares_with_running_averages() -> None:
    policy = Policy("medianstopping")
    assert ends(policy, a=[0.1, 0.2], b=[0.5, 0.5], c=[0.6, 0.8]) == ["a"]
    assert ends(policy, a=[0.5], b=[0.5]) == []


def test_truncation_selection_ends_the_worst_share_of_those_that_are_as_far() -> None:
    policy = Policy("truncationselection", percentage=50)
    assert ends(policy, a=[0.1], b=[0.2], c=[0.3], d=[0.4]) == ["a", "b"]
    assert ends(policy, a=[0.1], b=[]) == []
    assert ends(Policy("truncationselection", percentage=10), a=[0.1], b=[0.2]) == []


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"policyType": "Luck"}, "unknown early termination policy 'Luck'"),
        ({"policyType": "Bandit"}, "either slackFactor or slackAmount"),
        ({"policyType": "Bandit", "slackFactor": 1, "slackAmount": 1}, "either slackFactor or slackAmount"),
        ({"policyType": "TruncationSelection", "truncationPercentage": 100}, "from 1 to 99"),
        ({"policyType": "MedianStopping", "evaluationInterval": -1}, "evaluationInterval must be"),
        ({"policyType": "MedianStopping", "evaluationInterval": "x"}, "not a number"),
    ],
)
def test_what_is_not_a_policy(sent: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_policy(sent)
