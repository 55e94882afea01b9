"""Early termination: which trials of a sweep are stopped, by the values of the primary metric that they have logged.

An interval is one logged value. A policy looks at a trial at every `evaluation_interval`-th of its values, but not
before it has logged `delay_evaluation` of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

__all__ = ["Policy", "read_policy", "stopped"]

History = Sequence[float]


@dataclass(frozen=True)
class Policy:
    """An early termination policy. kind: bandit, medianstopping or truncationselection.

    slack_factor, slack_amount: of bandit, the one that is not used is 0. percentage: of truncation selection.
    """

    kind: str
    evaluation_interval: int = 1
    delay_evaluation: int = 0
    slack_factor: float = 0.0
    slack_amount: float = 0.0
    percentage: int = 0

    def looks_at(self, count: int) -> bool:
        """Whether it looks at a trial that has logged `count` values."""
        return count > 0 and count >= self.delay_evaluation and count % self.evaluation_interval == 0


def read_policy(sent: Mapping[str, Any]) -> Policy:
    """The policy of a request. Raises ValueError for an unknown one, or for numbers that make no sense."""
    kind = str(sent.get("policyType") or "").lower()
    if kind not in ("bandit", "medianstopping", "truncationselection"):
        raise ValueError(f"unknown early termination policy '{sent.get('policyType')}'")
    try:
        policy = Policy(
            kind,
            int(sent.get("evaluationInterval") or 1),
            int(sent.get("delayEvaluation") or 0),
            float(sent.get("slackFactor") or 0),
            float(sent.get("slackAmount") or 0),
            int(sent.get("truncationPercentage") or 0),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"the early termination policy {kind} has a value that is not a number") from error
    if policy.evaluation_interval < 1:
        raise ValueError("evaluationInterval must be at least 1")
    if kind == "bandit" and (policy.slack_factor <= 0) == (policy.slack_amount <= 0):
        raise ValueError("a bandit policy needs either slackFactor or slackAmount")
    if kind == "truncationselection" and not 1 <= policy.percentage <= 99:
        raise ValueError("truncationPercentage must be from 1 to 99")
    return policy


def stopped(policy: Policy, histories: Mapping[str, History], running: Sequence[str], *, maximize: bool) -> list[str]:
    """The running trials that the policy stops. histories: the values of all trials, ended ones too, oldest first."""
    sign = 1.0 if maximize else -1.0
    scores = {trial: [sign * value for value in values] for trial, values in histories.items() if values}
    looked = [trial for trial in running if trial in scores and policy.looks_at(len(scores[trial]))]
    match policy.kind:
        case "bandit":
            return [trial for trial in looked if _outside_slack(policy, trial, scores)]
        case "medianstopping":
            return [trial for trial in looked if _below_median(trial, scores)]
        case _:
            return _last_ones(policy, looked, scores)


def _outside_slack(policy: Policy, trial: str, scores: Mapping[str, History]) -> bool:
    """By how much the best value of a trial may be behind the best of all: an amount, or a share of the trial's own."""
    best, own = max(max(values) for values in scores.values()), max(scores[trial])
    if policy.slack_amount:
        return own < best - policy.slack_amount
    allowed = best / (1 + policy.slack_factor) if best >= 0 else best * (1 + policy.slack_factor)
    return own < allowed


def _below_median(trial: str, scores: Mapping[str, History]) -> bool:
    """Whether the best value of a trial is behind the median of the averages of all trials, as long as it has run."""
    count = len(scores[trial])
    averages = [fmean(values[:count]) for values in scores.values()]
    return max(scores[trial]) < median(averages)


def _last_ones(policy: Policy, looked: Sequence[str], scores: Mapping[str, History]) -> list[str]:
    """The worst share of the trials that have logged as much, by their last value then."""
    last = []
    for trial in looked:
        count = len(scores[trial])
        peers = sorted(values[count - 1] for values in scores.values() if len(values) >= count)
        cut = int(len(peers) * policy.percentage / 100)
        if cut and scores[trial][-1] <= peers[cut - 1]:
            last.append(trial)
    return last
