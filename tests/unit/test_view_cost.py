"""The Cost block in text: what each kind of line says, at 80 columns."""

from __future__ import annotations

from phift.address import Address
from phift.ledger.journal import Record
from phift.ledger.words import ApplyOutcome
from phift.plan.action import Purpose
from phift.plan.cost import Cost, CostLine, Price, Range
from phift.views.base import Style
from phift.views.human import cost as view
from phift.views.human import history

A100 = "Standard_NC24ads_A100_v4"
JOB, DEPLOYMENT, CLUSTER = Address("job", "finetune"), Address("deployment", "main"), Address("compute", "finetune")
PRICE = Price(3.67, "workspace", "2026-11-20")
CHEAP = Price(0.05, "spec")


def block(*lines: CostLine, purpose: Purpose = Purpose.APPLY, width: int = 120, terminal: bool = False) -> list[str]:
    return view.render(Cost("eastus", lines), purpose, Style(width=width, whole=not terminal)).splitlines()


def test_the_example_of_the_page() -> None:
    hours = Range(1.8, 2.1, 2.5)
    assert block(
        CostLine(JOB, "run", A100, 1, PRICE, hours=hours, basis="9,800 tokens/s (8,000 to 10,000) in 3 earlier jobs"),
        CostLine(DEPLOYMENT, "always_on", A100, 1, PRICE, now=0),
        CostLine(Address("deployment", "d-1f2e3d"), "always_on", A100, 0, PRICE, now=1, stops=True),
        CostLine(
            DEPLOYMENT,
            "rollout",
            A100,
            1,
            PRICE,
            hours=Range(1 / 6, 1 / 3, 2 / 3),
            basis="two versions side by side, about 20 min",
        ),
        width=80,
    ) == [
        "Cost (prices of 2026-11-20, eastus, pay as you go, USD)",
        "  job.finetune         2.1 h (1.8 to 2.5) x 1 Standard_NC24ads_A100_v4 at 3.67/h  7.71",
        "                       # 9,800 tokens/s (8,000 to 10,000) in 3 earlier jobs",
        "  deployment.main      1 x Standard_NC24ads_A100_v4 at 3.67/h"
        "                     2,679 a month until destroyed",
        "  deployment.d-1f2e3d  1 x Standard_NC24ads_A100_v4 at 3.67/h                     stops billing 2,679 a month",
        "  rollout              two versions side by side, about 20 min                    1.22",
        "  apply about 9; afterwards 2,679 a month (now 2,679)",
    ]


def test_a_narrow_terminal_shows_amounts_below_and_no_line_is_longer() -> None:
    hours = Range(1.8, 2.1, 2.5)
    lines = (
        CostLine(JOB, "run", A100, 1, PRICE, hours=hours, basis="9,800 tokens/s in 3 earlier jobs"),
        CostLine(DEPLOYMENT, "always_on", A100, 1, PRICE, now=0),
    )
    assert block(*lines, width=80, terminal=True) == [
        "Cost (prices of 2026-11-20, eastus, pay as you go, USD)",
        "  job.finetune     2.1 h (1.8 to 2.5) x 1 Standard_NC24ads_A100_v4 at 3.67/h",
        "                   = 7.71  # 9,800 tokens/s in 3 earlier jobs",
        "  deployment.main  1 x Standard_NC24ads_A100_v4 at 3.67/h",
        "                   = 2,679 a month until destroyed",
        "  apply about 8; afterwards 2,679 a month (now 0, +2,679)",
    ]
    assert max(map(len, block(*lines, width=60, terminal=True))) <= 60
    assert block(*lines, width=80)[3].endswith("2,679 a month until destroyed"), "programs and files get whole rows"


def test_notes_alone_have_no_prices() -> None:
    assert view.render(Cost("eastus", notes=("job.finetune is already running.",))).splitlines() == [
        "Cost",
        "  # job.finetune is already running.",
    ]


def test_each_line_of_a_basis_and_of_a_note_is_marked() -> None:
    basis = "323 tokens/s by phift's formula, x0.5 to x2; the speed of A100 80GB PCIe is assumed; no earlier jobs"
    line = CostLine(JOB, "run", A100, 1, PRICE, hours=Range(1.8, 2.1, 2.5), basis=basis)
    found = view.render(Cost("eastus", (line,), notes=("not counted: " + "word " * 20,)), style=Style(width=80))
    assert found.splitlines()[2:] == [
        "                # 323 tokens/s by phift's formula, x0.5 to x2; the speed of A100",
        "                # 80GB PCIe is assumed; no earlier jobs",
        "  apply about 8",
        "  # not counted: word word word word word word word word word word word word",
        "  # word word word word word word word word",
    ]


def test_the_title_names_the_spec_if_all_prices_are_its_own() -> None:
    own, dated = CostLine(DEPLOYMENT, "always_on", A100, 1, CHEAP, now=0), CostLine(JOB, "run", A100, 1, PRICE)
    assert block(own)[0] == "Cost (prices of the spec, eastus, pay as you go, USD)"
    assert block(own, dated)[0] == "Cost (prices of 2026-11-20, eastus, pay as you go, USD)"


def test_several_nodes_other_tiers_and_other_regions() -> None:
    found = block(
        CostLine(JOB, "run", A100, 4, PRICE, "low_priority", "westus3", hours=Range(8, 10, 12)),
        CostLine(JOB, "other_steps", "Standard_D12_v2", 1, CHEAP, hours=Range(0.1, 0.2, 0.3)),
        CostLine(CLUSTER, "always_on", A100, 2, PRICE, now=1),
    )
    assert found[1:5] == [
        "  job.finetune      10.0 h (8.0 to 12.0) node time, 4 x Standard_NC24ads_A100_v4 (low priority) in westus3"
        " at 3.67/h  36.70",
        "  other steps       12 min (6 to 18) x 1 Standard_D12_v2 at 0.05/h"
        "                                                    0.01",
        "                    # price of the spec",
        "  compute.finetune  2 x Standard_NC24ads_A100_v4 at 3.67/h"
        "                                                            5,358 a month (now 2,679)",
    ]
    assert found[-1] == "  apply about 37; after the apply 5,358 a month (now 2,679, +2,679)".replace(
        "after the apply", "afterwards"
    )


def test_what_is_unknown_is_said() -> None:
    assert block(
        CostLine(JOB, "run", "", 1, Price(), basis="its VM size is unknown"),
        CostLine(DEPLOYMENT, "always_on", "Standard_X", 1, Price(), now=0),
    ) == [
        "Cost (no prices, eastus, pay as you go, USD)",
        "  job.finetune     1 x a node of unknown size at an unknown price  unknown  # its VM size is unknown",
        "  deployment.main  1 x Standard_X at an unknown price              unknown a month",
        "  apply unknown; afterwards 0 a month (now 0); not included (unknown): job.finetune, deployment.main",
    ]


def test_a_deployment_that_scales_shows_its_maximum() -> None:
    assert block(CostLine(DEPLOYMENT, "always_on", A100, 1, PRICE, now=1, most=3))[1:] == [
        "  deployment.main  1 to 3 x Standard_NC24ads_A100_v4 at 3.67/h  2,679 a month until destroyed",
        "  after the apply 2,679 a month (up to 8,037 after scale-out, now 2,679)",
    ]


def test_a_destroy_says_what_stops() -> None:
    line = CostLine(DEPLOYMENT, "always_on", A100, 0, PRICE, now=2, stops=True)
    assert block(line, purpose=Purpose.DESTROY)[1:] == [
        "  deployment.main  2 x Standard_NC24ads_A100_v4 at 3.67/h  stops billing 5,358 a month",
        "  afterwards 0 a month (now 5,358, -5,358)",
    ]


def test_prices_of_a_list_say_how_old_they_are() -> None:
    listed = Price(22.032, "catalogue", "undated")
    found = block(
        CostLine(DEPLOYMENT, "always_on", "Standard_ND40rs_v2", 1, listed, now=0),
        CostLine(CLUSTER, "always_on", A100, 1, PRICE, now=1),
    )
    assert found[0] == "Cost (prices of 2026-11-20, some undated, eastus, pay as you go, USD)"
    assert found[2].strip() == "# list price of the catalogue (undated)"
    assert block(CostLine(CLUSTER, "always_on", "Standard_ND40rs_v2", 1, listed, now=0))[0].startswith(
        "Cost (undated prices, eastus"
    )


def test_the_history_shows_the_actual_next_to_the_estimated_duration() -> None:
    estimate = {"apply": {}, "hours": {"job.finetune": {"low": 1.8, "middle": 2.1, "high": 2.5}}}
    record = Record("a", "2026-11-20T10:00:00Z", "2026-11-20T12:00:00Z", ApplyOutcome.DONE)
    done = Record(**{**vars(record), "plan": {"estimate": estimate}, "seconds": {"job.finetune": 7380.0}})
    assert "    job.finetune took 2h03m; estimated 2.1 h (1.8 to 2.5)" in history.render([done])
    usd = {"job.finetune": {"low": 6.6, "middle": 7.71, "high": 9.18}}
    priced = Record(
        **{**vars(done), "plan": {"estimate": {**estimate, "usd": usd, "usd_per_hour": {"job.finetune": 3.67}}}}
    )
    said = "took 2h03m, about 7.53 USD; estimated 2.1 h (1.8 to 2.5), 7.71 USD (6.60 to 9.18)"  # 7.71 - 0.05 x 3.67
    assert said in history.render([priced])
    broken = Record(**{**vars(done), "plan": {"estimate": {**estimate, "usd": {"job.finetune": 7}}}})
    assert "took 2h03m; estimated 2.1 h (1.8 to 2.5)" in history.render([broken])
    for plan in ({}, {"estimate": []}, {"estimate": {"hours": {"job.finetune": {"low": "x"}}}}):
        assert "took" not in history.render([Record(**{**vars(record), "plan": plan})]).lower().replace("  took", "")
