"""The cost of plans on a target that is billed: which requests it takes, where prices come from, what is recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import Embedded, Project

from phift.emulator.host import lifecycle
from phift.state.measured import Measured, measured_in
from tests.htmldocs import problems

SERVING = """\
endpoint: {auth_mode: key}
deployment: {instance_type: Standard_NC24ads_A100_v4, instance_count: 1}
"""
PRICES = "prices.azure.com"


class Cloud:
    """The commands of a project whose target is a workspace, which the emulator answers for."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.environment = {**lifecycle.environment(project.embedded.connection), "PHIFT_EMULATED_CLOUD": "1"}

    def run(self, *words: str, code: int = 0, **environment: str) -> str:
        done = self.project.run(*words, timeout=200, **{**self.environment, **environment})
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + (done.stderr if code else "")

    def cost(self, *words: str, **environment: str) -> dict[str, Any]:
        plan = json.loads(self.run("plan", "spec.yaml", "--format", "json", *words, **environment))
        found: dict[str, Any] = plan["cost"]
        return found


@pytest.fixture
def cloud(project: Project) -> Cloud:
    project.edit("targets:\n  local: {default: true}\n", f"{SERVING}targets:\n  prod: {{default: true}}\n")
    return Cloud(project)


@pytest.fixture
def no_prices(embedded: Embedded) -> Iterator[None]:
    """A workspace whose VM sizes come without prices."""
    embedded.admin("PUT", "/assumed", {"sizes_have_prices": False})
    yield
    embedded.admin("PUT", "/assumed", {"sizes_have_prices": True})


def asked(embedded: Embedded, mark: int) -> list[str]:
    """The requests to services since a mark."""
    return [f"{r['host']} {r['method']} {r['path']}" for r in embedded.since(mark) if r["host"] != "127.0.0.1"]


def test_a_stack_from_the_first_estimate_to_the_history(cloud: Cloud) -> None:
    project, embedded = cloud.project, cloud.project.embedded
    mark = embedded.mark()
    first = cloud.cost()
    assert not [request for request in asked(embedded, mark) if PRICES in request], "the workspace has the prices"
    job, deployment = first["lines"]
    assert (job["address"], job["part"], job["usd_per_hour"]) == ("job.finetune", "run", 3.673)
    assert "formula" in job["basis"]
    assert job["apply"]["middle"] == pytest.approx(job["hours"]["middle"] * 3.673, abs=0.01)
    assert deployment["per_month"] == pytest.approx(3.673 * 730, abs=0.01)
    refused = cloud.run("preflight", "spec.yaml", "--budget", "per_month=1", code=4)
    assert "--budget allows 1" in refused

    cloud.run("apply", "spec.yaml", "-y", "--quiet")
    azure = embedded.azure()
    (version,) = azure.arm.list(f"{azure.workspace.arm_id}/models/{project.stack}/versions", "2024-10-01")
    measured = measured_in(version["properties"]["tags"])
    assert isinstance(measured, Measured)
    assert (measured.size, measured.nodes) == ("Standard_NC24ads_A100_v4", 1)
    assert measured.tokens > 0
    assert measured.train > 0

    mark = embedded.mark()
    assert "No changes." in cloud.run("plan", "spec.yaml")
    unchanged = asked(embedded, mark)
    assert not [request for request in unchanged if PRICES in request]
    cloud.run("plan", "spec.yaml", "--format", "json")
    assert "cost" not in json.loads(cloud.run("plan", "spec.yaml", "--format", "json"))

    project.edit("learning_rate: 0.008", "learning_rate: 0.004")
    again = cloud.cost()["lines"][0]
    assert again["basis"].endswith("in 1 earlier job")
    rate = measured.tokens_per_second
    assert rate is not None
    trained = measured.tokens / rate / 3600
    assert again["duration"]["middle"] == pytest.approx(
        trained + (measured.start + measured.before + measured.after) / 3600, abs=0.001
    )
    history = cloud.run("history", "spec.yaml")
    assert "job.finetune took" in history
    assert "; estimated " in history
    (record,) = json.loads(cloud.run("history", "spec.yaml", "--format", "json"))["applies"]
    assert set(record["plan"]["estimate"]["hours"]) == {"job.finetune"}
    assert record["seconds"]["job.finetune"] > 0

    status = json.loads(cloud.run("status", "spec.yaml", "--format", "json"))
    assert status["usd_per_hour"] == pytest.approx(3.673)
    cloud.run("report", "spec.yaml", "--out", "report.html")
    report = (project.folder / "report.html").read_text(encoding="utf-8")
    assert problems(report) == []
    assert "Billed now: about $3.67 an hour" in report
    assert "Cost (prices of" in report
    assert "Durations are those of the last apply, or estimates of the cost." in report

    project.edit(SERVING, "")
    removed = cloud.cost()
    assert [line["address"] for line in removed["lines"]] == ["job.finetune"]
    (note,) = removed["notes"]
    assert note.endswith("stops billing is not included: its deployments are not read.")


def test_a_plan_on_target_local_has_no_cost(project: Project) -> None:
    planned = project.plan()
    assert planned.changes_something
    assert planned.cost is None


@pytest.mark.usefixtures("no_prices")
def test_without_prices_of_the_workspace_the_retail_api_is_asked(cloud: Cloud) -> None:
    embedded = cloud.project.embedded
    mark = embedded.mark()
    cost = cloud.cost()
    assert {line["source"] for line in cost["lines"]} == {"retail"}
    assert [line["usd_per_hour"] for line in cost["lines"]] == [3.673, 3.673]
    questions = [r for r in embedded.since(mark) if r["host"] == PRICES and r["method"] == "GET"]
    assert len(questions) == 1, "one question for each size and region"
    assert cloud.cost(PHIFT_PRICES_URL="off")["lines"][0]["source"] == "catalogue"


@pytest.mark.usefixtures("no_prices")
def test_a_retail_api_that_fails_or_is_slow_fails_no_plan(cloud: Cloud) -> None:
    embedded = cloud.project.embedded
    for fault in ({"status": 503, "code": "Busy"}, {"delay": 20}, {"drop": True}):
        embedded.admin("POST", "/faults", {"pattern": PRICES, "count": 1, **fault})
        try:
            cost = cloud.cost()
        finally:
            embedded.admin("DELETE", "/faults")
        assert cost["lines"][0]["source"] == "catalogue", fault
        assert cost["lines"][0]["as_of"] == "2026-09-06"


@pytest.mark.usefixtures("no_prices")
def test_a_price_of_the_spec_comes_first_and_what_nobody_knows_stays_unknown(cloud: Cloud) -> None:
    project, off = cloud.project, {"PHIFT_PRICES_URL": "off"}
    project.edit("    min_instances: 0\n", "    min_instances: 1\n    tier: low_priority\n")
    project.edit("endpoint:", "prices: {Standard_NC24ads_A100_v4: 3}\nendpoint:")
    cost = cloud.cost(**off)
    job, compute, deployment = cost["lines"]
    assert (deployment["source"], deployment["per_month"]) == ("spec", 2190)
    assert (compute["tier"], compute["usd_per_hour"], compute["per_month"]) == ("low_priority", None, None)
    assert job["apply"]["high"] == 0, "it adds nothing to a node that always runs"
    assert cost["per_month"] == {
        "now": 0,
        "after": 2190,
        "most": 2190,
        "difference": 2190,
        "unknown": ["compute.finetune"],
    }
    said = cloud.run("plan", "spec.yaml", "--budget", "per_month=5000", "--budget", "on_unknown=refuse", code=4, **off)
    assert "error[budget-unknown]: the cost of compute.finetune is unknown" in said


def test_a_tier_that_the_plan_chooses_has_its_price(cloud: Cloud) -> None:
    project, embedded = cloud.project, cloud.project.embedded
    project.edit("    min_instances: 0\n", "    min_instances: 1\n    tier: any\n")
    limits = embedded.admin("GET", "/quota")["limits"]
    assert {line["tier"] for line in cloud.cost()["lines"]} == {"dedicated"}
    embedded.admin("PUT", "/quota", {"dedicatedCores": 0})
    project.edit(SERVING, "")
    try:
        job, compute = cloud.cost()["lines"]
    finally:
        embedded.admin("PUT", "/quota", {"dedicatedCores": limits["dedicatedCores"]})
    assert [(line["tier"], line["usd_per_hour"]) for line in (job, compute)] == [("low_priority", 0.7346)] * 2


def test_serverless_and_other_steps_are_billed_apart(cloud: Cloud) -> None:
    project = cloud.project
    text = project.spec.read_text(encoding="utf-8").replace(SERVING, "")
    head, _, rest = text.partition("compute:\n")
    block = "compute:\n  finetune: serverless:Standard_NC24ads_A100_v4\n  other_steps: serverless:Standard_D12_v2\n"
    block += "finetune:\n  retries: 2"
    project.spec.write_text(f"{head}{block}{rest.partition('finetune:')[2].partition('finetune:')[2]}")
    cost = cloud.cost()
    job, other = cost["lines"]
    assert cost["notes"] == ["job.finetune may be submitted again up to 2 times (retries), which is not included."]
    assert (job["part"], other["part"], other["size"]) == ("run", "other_steps", "Standard_D12_v2")
    assert other["hours"]["middle"] == pytest.approx((300 + 300 + 600) / 3600, abs=0.001)
    assert job["hours"]["middle"] == pytest.approx(job["duration"]["middle"] - (300 + 600) / 3600, abs=0.001)


def test_the_command_line_limits_all_stacks_together(cloud: Cloud, tmp_path: Path) -> None:
    project = cloud.project
    text = project.spec.read_text(encoding="utf-8")
    folder = project.folder / "specs"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.yaml").write_text(
            text.replace(project.stack, f"{project.stack}-{name}").replace("path: ", "path: ../"), encoding="utf-8"
        )
    assert "afterwards 5,363 a month" in cloud.run("plan", "specs", "--budget", "per_month=6000")
    said = cloud.run("plan", "specs", "--budget", "per_month=5000", code=4)
    assert "5,363 USD a month; --budget (for all stacks together) allows 5,000" in said


def test_what_is_billed_while_nobody_watches_has_its_price(cloud: Cloud) -> None:
    project = cloud.project
    project.edit("    min_instances: 0\n", "    min_instances: 2\n")
    project.edit("    max_instances: 1\n", "    max_instances: 2\n")
    project.edit(SERVING, "")
    cloud.run("apply", "spec.yaml", "-y", "--quiet")
    (stack,) = json.loads(cloud.run("status", "spec.yaml", "--all", "--format", "json"))["unwatched"]
    (cluster,) = stack["objects"]
    assert cluster["address"] == "compute.finetune"
    assert cluster["usd_per_hour"] == pytest.approx(2 * 3.673)
    assert "7.35" in cloud.run("status", "spec.yaml", "--all")
    planned = json.loads(cloud.run("plan", "spec.yaml", "--destroy", "--format", "json"))["cost"]["per_month"]
    assert planned["after"] == 0
    assert planned["now"] == pytest.approx(2 * 3.673 * 730, abs=0.01)
