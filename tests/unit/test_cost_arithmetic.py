"""The arithmetic of estimates, replayed by hand: durations, node hours, sums, budgets."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from phift.address import Address
from phift.cost.budget import budget_of, over_budget, parse_budget
from phift.cost.duration import Duration, duration_of
from phift.cost.lines import node_hours
from phift.diagnostics import Severity
from phift.errors import UsageError
from phift.estimate.speed import Throughput
from phift.kinds.charge import Rate, Work
from phift.plan.cost import Budget, Cost, CostLine, Price, Range
from phift.preflight.waivers import split
from phift.spec.money import BudgetBlock
from phift.spec.waivers import WaiverBlock
from phift.state.measured import MEASURED, Measured, measured_in

A100 = "Standard_NC24ads_A100_v4"
JOB, DEPLOYMENT = Address("job", "finetune"), Address("deployment", "main")
PRICE = Price(3.67, "workspace", "2026-11-20")


def run(start: float, before: float, train: float, after: float, tokens: int = 0) -> Measured:
    return Measured(A100, 1, start, before, train, after, tokens)


def no_speed() -> Throughput | None:
    return None


EARLIER = [
    run(200, 100, 5000, 400, 50_000_000),  # 10,000 tokens/s
    run(300, 120, 5000, 600, 49_000_000),  # 9,800
    run(280, 110, 5000, 500, 40_000_000),  # 8,000
]


def test_earlier_jobs_give_medians_and_their_spread() -> None:
    found = duration_of(EARLIER, EARLIER, 58_800_000, no_speed)
    assert found is not None
    assert found.train == Range(5880.0, 6000.0, 7350.0)  # 58.8 M tokens at 10,000, 9,800 and 8,000 tokens/s
    assert (found.start, found.before, found.after) == (
        Range(200, 280, 300),
        Range(100, 110, 120),
        Range(400, 500, 600),
    )
    assert found.whole.middle == 280 + 110 + 6000 + 500
    assert found.basis == "9,800 tokens/s (8,000 to 10,000) in 3 earlier jobs"


def test_one_earlier_job_has_no_spread_of_its_own() -> None:
    found = duration_of(EARLIER[:1], EARLIER[:1], 50_000_000, no_speed)
    assert found is not None
    assert found.train.low == pytest.approx(5000 / 1.2)
    assert (found.train.middle, found.train.high) == (5000, 6250)
    assert found.basis == "10,000 tokens/s in 1 earlier job"


def test_without_tokens_a_job_takes_as_long_as_the_earlier_ones() -> None:
    runs = [run(0, 0, 100, 0), run(0, 0, 300, 0), run(0, 0, 200, 0)]
    found = duration_of(runs, runs, None, no_speed)
    assert found is not None
    assert found.train == Range(100, 200, 300)
    assert found.basis == "as long as 3 earlier jobs; the tokens are unknown"


def test_without_jobs_the_formula_gives_half_to_twice() -> None:
    speed = Throughput(1000, 2000, 4000, "phift's formula, x0.5 to x2")
    found = duration_of([], [], 7_200_000, lambda: speed)
    assert found is not None
    assert found.train == Range(1800, 3600, 7200)
    assert found.start.middle == 300
    assert found.basis == "2,000 tokens/s by phift's formula, x0.5 to x2; no earlier jobs"


def test_jobs_on_other_nodes_give_the_fixed_times_only() -> None:
    found = duration_of(EARLIER, [], 7_200_000, lambda: Throughput(1000, 2000, 4000, "formula"))
    assert found is not None
    assert found.train.middle == 3600
    assert found.start.middle == 280
    assert found.basis == "2,000 tokens/s by formula"


@pytest.mark.parametrize(("tokens", "alike"), [(None, []), (1000, []), (1000, [run(0, 0, 10, 0)])])
def test_what_nothing_is_known_of_stays_unknown(tokens: int | None, alike: Sequence[Measured]) -> None:
    assert duration_of(alike, alike, tokens, no_speed) is None


def hours(start: float, steps: float, train: float) -> Duration:
    """A duration without a range, in hours. steps: before and after the training."""
    seconds = [Range.exactly(3600 * one) for one in (start, steps / 2, train, steps / 2)]
    return Duration(*seconds, basis="")


@pytest.mark.parametrize(
    ("work", "train", "others"),
    [
        # start 1 h, steps 2 h, training 10 h, idle 0.5 h; other steps on one node: start 1 h, steps 2 h, idle 0.25 h
        (Work(Rate(A100, 1), idle=1800), 1 + 10 + 0.5 + 2, None),
        (Work(Rate(A100, 4), idle=1800), 4 * 11.5 + 2, None),
        (Work(Rate(A100, 4), idle=1800, always=1), 3 * 11.5, None),
        (Work(Rate(A100, 1), idle=1800, always=1), 0, None),
        (Work(Rate(A100, 1), idle=1800, always=3), 0, None),
        (Work(Rate(A100, 2), Rate("Standard_E8s_v3", 1), 1800, other_idle=900), 2 * 11.5, 3.25),
        (Work(Rate(A100, 2), Rate("Standard_E8s_v3", 1), other_always=1), 2 * 11, 0),
    ],
)
def test_nodes_that_always_run_are_not_billed_twice(work: Work, train: float, others: float | None) -> None:
    found, elsewhere = node_hours(work, hours(1, 2, 10))
    assert found == Range.exactly(train)
    assert others is None or elsewhere == Range.exactly(others)


def test_nodes_that_always_run_cost_nothing_more_whatever_is_unknown() -> None:
    assert node_hours(Work(Rate(A100, 1), always=1), None)[0] == Range.exactly(0)
    assert node_hours(Work(Rate(A100, 2), always=1), None)[0] is None
    cost = Cost("eastus", (CostLine(JOB, "run", A100, 1, Price(), hours=Range.exactly(0)),))
    assert cost.once == Range.exactly(0)
    assert codes(cost, Budget(apply=1, refuse_unknown=True)) == []


def example() -> Cost:
    """The example of docs/cost.md."""
    hours = Range(1.8, 2.1, 2.5)
    return Cost(
        "eastus",
        (
            CostLine(JOB, "run", A100, 1, PRICE, hours=hours, duration=hours),
            CostLine(DEPLOYMENT, "always_on", A100, 1, PRICE, now=0),
            CostLine(Address("deployment", "d-1"), "always_on", A100, 0, PRICE, now=1, stops=True),
            CostLine(DEPLOYMENT, "rollout", A100, 1, PRICE, hours=Range(10 / 60, 20 / 60, 40 / 60)),
        ),
    )


def test_the_sums_of_the_example() -> None:
    cost = example()
    job, new, old, rollout = cost.lines
    assert job.once is not None
    assert job.once.middle == pytest.approx(7.707)  # 2.1 x 3.67
    assert rollout.once is not None
    assert rollout.once.middle == pytest.approx(1.2233, abs=1e-4)  # 20 minutes of 3.67 an hour
    assert new.monthly(new.nodes) == pytest.approx(2679.1)  # 730 x 3.67
    assert old.monthly(old.nodes) == 0
    assert cost.once.middle == pytest.approx(8.9303, abs=1e-4)
    assert cost.once.low == pytest.approx(1.8 * 3.67 + 3.67 / 6)
    assert (cost.per_month, cost.per_month_now) == (pytest.approx(2679.1), pytest.approx(2679.1))
    data = cost.to_dict()
    assert data["apply"] == {"low": 7.22, "middle": 8.93, "high": 11.62, "unknown": []}
    assert data["per_month"] == {"now": 2679.1, "after": 2679.1, "most": 2679.1, "difference": 0.0, "unknown": []}


def test_a_cost_survives_a_plan_file() -> None:
    cost = example()
    assert Cost.from_dict(cost.to_dict()) == cost


def test_unknown_is_never_zero() -> None:
    cost = Cost(
        "eastus",
        (
            CostLine(JOB, "run", A100, 1, PRICE, hours=None),
            CostLine(DEPLOYMENT, "always_on", "Standard_X", 2, Price(), now=0),
        ),
    )
    assert cost.unknown_once == ("job.finetune",)
    assert cost.unknown_monthly == ("deployment.main",)
    lines = cost.to_dict()["lines"]
    assert lines[0]["apply"] is None
    assert lines[1]["per_month"] is None
    assert lines[1]["per_month_now"] == 0, "nothing runs now"


def test_what_scales_has_a_maximum() -> None:
    cost = Cost("eastus", (CostLine(DEPLOYMENT, "always_on", A100, 1, Price(1.0), now=1, most=3),))
    assert (cost.per_month, cost.per_month_most) == (730, 2190)
    assert cost.scales
    assert cost.to_dict()["lines"][0]["per_month_most"] == 2190
    assert [line["per_month_most"] for line in example().to_dict()["lines"] if "per_month" in line] == [None, None]


def codes(cost: Cost, *budgets: Budget) -> list[tuple[str, str]]:
    return [(found.code, found.severity.value) for found in over_budget(cost, *budgets)]


def test_a_budget_rejects_what_is_above_it() -> None:
    cost = example()
    assert codes(cost, Budget(apply=5)) == [("budget-apply", "error")]
    assert codes(cost, Budget(apply=10)) == [("budget-apply", "warning")], "only the high end is above it"
    assert codes(cost, Budget(apply=12)) == []
    grown = Cost("eastus", (CostLine(DEPLOYMENT, "always_on", A100, 2, PRICE, now=1),))
    assert codes(grown, Budget(per_month=3000)) == [("budget-month", "error")]
    assert codes(cost, Budget(per_month=1000)) == [("budget-month", "warning")], "it costs as much already"
    scaled = Cost("eastus", (CostLine(DEPLOYMENT, "always_on", A100, 1, PRICE, now=0, most=2),))
    assert codes(scaled, Budget(per_month=3000)) == [("budget-month", "warning")], "only after scale-out"


def test_the_command_line_is_checked_whatever_the_spec_allows() -> None:
    generous = budget_of(BudgetBlock(apply="1000 USD"))
    strict = parse_budget(["apply=5"])
    assert generous is not None
    assert strict is not None
    (found,) = over_budget(example(), generous, strict)
    assert found.severity is Severity.ERROR
    assert "--budget allows 5.00" in found.summary


def test_prices_of_the_spec_do_not_lower_what_the_command_line_checks() -> None:
    cheap = Price(0.01, "spec", listed=3.67)
    cost = Cost("eastus", (CostLine(DEPLOYMENT, "always_on", A100, 1, cheap, now=0),))
    assert codes(cost, Budget(per_month=100)) == [], "the spec limits itself by its own prices"
    control = parse_budget(["per_month=100"])
    (found,) = over_budget(cost, control)
    assert (found.code, found.severity) == ("budget-month", Severity.ERROR)
    assert "costs 2,679 USD a month" in found.summary
    assert "Prices of the spec below the listed ones do not count." in found.detail
    dear = Cost("eastus", (CostLine(DEPLOYMENT, "always_on", A100, 1, Price(5.0, "spec", listed=3.67), now=0),))
    (found,) = over_budget(dear, control)
    assert "costs 3,650 USD a month" in found.summary, "a price above the listed one counts"
    unlisted = Cost("eastus", (CostLine(DEPLOYMENT, "always_on", A100, 1, Price(5.0, "spec"), now=0),))
    assert codes(unlisted, Budget(per_month=4000, controls=True)) == []


def test_a_waiver_accepts_warnings_of_the_spec_alone() -> None:
    cost = example()
    waivers = [WaiverBlock(check="budget-apply", reason="we looked at it")]
    found = list(over_budget(cost, Budget(apply=10), parse_budget(["apply=10"])))
    kept, waived = split(found, waivers)
    assert [one.path for one in kept] == [""], "the limit of the command line"
    assert [one.finding.path for one in waived] == ["budget.apply"]


def test_the_cost_of_several_stacks_names_them() -> None:
    unknown = CostLine(JOB, "run", A100, 1, PRICE)
    together = Cost.together([("a", example()), ("b", None), ("c", Cost("eastus", (unknown,)))])
    assert together is not None
    found = {one.code: one for one in over_budget(together, Budget(apply=5))}
    assert "a job.finetune: 7.71; a deployment.main: 1.22" in found["budget-apply"].detail
    assert found["budget-unknown"].summary.startswith("the cost of c job.finetune is unknown")


def test_an_unknown_amount_warns_or_is_rejected() -> None:
    cost = Cost("eastus", (CostLine(JOB, "run", A100, 1, PRICE, hours=None),))
    assert codes(cost, Budget(apply=40)) == [("budget-unknown", "warning")]
    assert codes(cost, Budget(apply=40, refuse_unknown=True)) == [("budget-unknown", "error")]
    assert codes(cost, Budget(per_month=40, refuse_unknown=True)) == [], "nothing unknown is billed by the month"
    assert codes(cost, Budget(refuse_unknown=True)) == [("budget-unknown", "error")]


def test_limits_of_the_command_line() -> None:
    assert parse_budget(None) is None
    assert parse_budget(["apply=40 USD", "per_month=3000", "on_unknown=refuse"]) == Budget(40, 3000, True)


@pytest.mark.parametrize(
    "text",
    ["apply", "apply=", "apply=-1", "apply=40 EUR", "on_unknown=no", "month=3", "apply=1e3"],
)
def test_a_limit_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--budget"):
        parse_budget([text])


def test_a_limit_is_given_once() -> None:
    with pytest.raises(UsageError, match="--budget apply=50: apply is given twice"):
        parse_budget(["apply=40", "apply=50"])


def test_measured_times_survive_a_mark() -> None:
    measured = Measured(A100, 2, 211.0, 95.5, 3610.0, 240.0, 35_380_000)
    assert measured_in({MEASURED: measured.text}) == measured
    assert measured.tokens_per_second == pytest.approx(9800.55, abs=0.01)
    assert len(measured.text) < 256


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"size":1,"nodes":1,"train":5}',
        '{"size":"a","nodes":1}',
        '{"size":"a","nodes":1,"train":true}',
        '{"size":"a","nodes":1,"train":-5}',
        '{"size":"a","nodes":1,"train":NaN}',
        '{"size":"a","nodes":0,"train":5}',
    ],
)
def test_a_mark_that_anybody_may_edit_is_ignored_if_it_is_not_one(text: str) -> None:
    assert measured_in({MEASURED: text}) is None
