"""The workflows of `phift ci github`, run: a stand-in of GitHub, a bare repository, the emulator, and bash."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from outside import change
from site_of_tests import Site

from phift.plan.approval import Approval

PLAN, STOPPED, DRIFT = (f"<!-- phift-{what}:specs -->" for what in ("plan", "stopped", "drift"))
MALLORY = {"login": "mallory", "type": "User"}
SCALE = "properties.properties.scaleSettings.maxNodeCount"


def reviewed(
    site: Site,
    name: str,
    old: str = "purpose: test",
    new: str = "purpose: test, step: one",
) -> int:
    """A pull request with one edit of the spec, planned."""
    site.switch("main")
    site.branch(name)
    site.project.edit(old, new)
    site.push(name)
    number = site.open()
    jobs = site.planned(number, skip=("validate",))
    assert jobs["plan"].code == 0, jobs["plan"].log
    assert jobs["plan"].ran
    return number


def only(site: Site, number: int, marker: str) -> str:
    """The one comment of a marker."""
    (found,) = (body for body in site.github.bodies(number) if body.startswith(marker))
    return found


def applied(jobs: dict[str, Any]) -> bool:
    assert jobs["compare"].code == 0, jobs["compare"].log
    assert not jobs["apply"].ran or jobs["apply"].code == 0, jobs["apply"].log
    return bool(jobs["apply"].ran)


def stopped(site: Site, jobs: dict[str, Any], number: int) -> str:
    """The reason why nothing was applied, as posted."""
    assert jobs["compare"].code == 5, jobs["compare"].log
    assert not jobs["apply"].ran
    said = only(site, number, STOPPED)
    assert said.startswith(f"{STOPPED}\n### phift apply: stopped, nothing was changed\n")
    assert "phift apply: stopped" in jobs["compare"].summary
    return said


def test_plan_comment_update_merge_apply_then_drift(site: Site) -> None:
    site.add("old/phift.yaml", "version: 1\nname: old\nmodel: azureml:m:1\nendpoint: {}\n")
    site.push("another stack, which this workflow does not plan")
    site.branch("first")
    site.project.edit("purpose: test", "purpose: test, step: one")
    site.push("first")
    jobs = site.planned(number := site.open())
    assert [name for name, job in jobs.items() if job.ran] == ["validate", "plan"]
    assert jobs["plan"].code == 0, jobs["plan"].log
    first = only(site, number, PLAN)
    assert "**Plan: 5 to add, 0 to change, 0 to destroy.**" in first
    assert "**On merge:** 1 training run on 1 GPU" in first
    assert "applied in environment `production`" in first
    assert "Changes of the rendered spec since main</summary>" in first
    assert "- `train`: unchanged (3 rows)" in first
    assert first.strip() in jobs["plan"].summary
    assert "\nPlan: 5 to add" in jobs["plan"].log

    # A push changes the same comment.
    (folder := site.project.folder / "train.jsonl").write_text(folder.read_text().replace("train 0?", "changed?"))
    (site.folder / "old" / "phift.yaml").unlink()
    head = site.push("another row")
    assert site.planned(number, skip=("validate",))["plan"].code == 0
    second = only(site, number, PLAN)
    assert len(site.github.comments[number]) == 1
    assert "- `train`: **1 changed**, 2 unchanged" in second or "**1 added**, **1 removed**" in second
    assert "> **Removed specs:** `old/phift.yaml`. Their resources stay" in second
    assert "Removed" not in first
    approval = Approval.read(second)
    assert approval is not None
    assert approval.commit == head
    assert approval.fingerprint in second.partition("\n###")[2]

    # On merge, the same changes are applied; a second run finds nothing to do.
    site.merge(number, "squash")
    site.github.unconnected = 1
    jobs = site.pushed()
    assert applied(jobs)
    assert jobs["apply"].environment == "production"
    assert site.project.models() == ["1"]
    jobs = site.pushed()
    assert not applied(jobs)
    assert "No changes." in jobs["compare"].log

    # Drift is one issue, which is updated, and closed.
    moved(site, 4)
    cron = site.settings.drift
    jobs = site.scheduled(cron)
    assert [name for name, job in jobs.items() if job.ran] == ["drift"]
    (issue,) = site.github.open_issues()
    assert issue["title"] == f"phift: drift in {site.project.stack}"
    assert issue["body"].startswith(DRIFT)
    assert "max_instances: 1 -> 4" in issue["body"]
    site.github.issues.insert(0, {**issue, "number": 1, "user": MALLORY})
    moved(site, 5)
    assert site.scheduled(cron)["drift"].code == 0
    assert [one["number"] for one in site.github.open_issues()] == [1, issue["number"]]
    assert "max_instances: 1 -> 5" in issue["body"]
    moved(site, 1)
    jobs = site.scheduled(cron)
    assert jobs["drift"].code == 0
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    assert "No drift" in issue["body"]
    assert site.scheduled(cron)["drift"].code == 0
    assert [one["number"] for one in site.github.open_issues()] == [1], "an issue of somebody else is left alone"


def moved(site: Site, most: int) -> None:
    """Change the cluster outside phift."""
    change(site.project.embedded.azure(), f"computes/{site.project.stack}-gpu", SCALE, str(most))


def test_a_tree_that_changed_since_the_review_is_not_applied(site: Site) -> None:
    """Somebody else merges first: both reviews were right, and the second one no longer is."""
    one = reviewed(site, "one")
    two = reviewed(site, "two", "max_instances: 1", "max_instances: 2")
    site.merge(one)
    assert applied(site.pushed())
    site.merge(two, "rebase")
    said = stopped(site, site.pushed(), two)
    assert "differs from the one in pull request 2" in said
    assert "`compute.finetune`: create was approved, but update is planned" in said
    assert f"stack `{site.project.stack}`, `job.finetune`: run was approved, but is no longer planned" in said
    assert "empty commit" in said
    # The remedy of the message: a pull request that shows what is left.
    site.branch("again")
    site.push("again")
    three = site.open()
    assert site.planned(three, skip=("validate",))["plan"].code == 0
    assert "`max_instances`: `1` → `2`" in only(site, three, PLAN)
    site.merge(three)
    assert applied(site.pushed())


def test_a_fork_is_validated_and_not_planned(site: Site) -> None:
    site.branch("fork")
    site.project.edit("min_instances", "min_instance")
    site.push("fork")
    number = site.open(repository="mallory/models")
    jobs = site.planned(number)
    assert [name for name, job in jobs.items() if job.ran] == ["validate"]
    assert jobs["validate"].code == 1
    assert "::error file=specs/spec.yaml" in jobs["validate"].log
    assert site.github.bodies(number) == []
    # The same in the repository itself: the comment promises nothing.
    failed = site.planned(own := site.open(), skip=("validate",))
    assert failed["plan"].code == 1
    said = only(site, own, PLAN)
    assert "### phift plan: 1 stack, 1 could not be planned" in said
    assert "**On merge:** Nothing is applied, because 1 stack could not be planned." in said
    assert "`specs/spec.yaml:" in said
    site.project.edit("min_instance:", "min_instances:")
    site.push("fixed")
    assert site.planned(number)["validate"].code == 0
    site.merge(number)
    assert "The workflow plans neither a pull request from a fork" in stopped(site, site.pushed(), number)
    assert not site.planned(site.open(), skip=("validate",), actor="dependabot[bot]")["plan"].ran


def test_a_long_training_is_resumed_on_a_schedule(site: Site) -> None:
    site.install(replace(site.settings, no_wait=True))
    site.push("without waiting")
    number = reviewed(site, "one")
    assert "does not wait for the training" in only(site, number, PLAN)
    site.merge(number)
    # While the apply waits for the reviewers of its environment, a schedule, which has none, does not begin it.
    jobs = site.scheduled(site.settings.expire)
    assert "Nothing to resume: no apply of pull request 1 is waiting" in jobs["resume"].log
    jobs = site.pushed()
    assert applied(jobs)
    assert site.project.models() == []
    # A pull request that changes nothing leaves the approval in force, and is no reason to stop.
    site.branch("docs")
    (site.folder / "README.md").write_text("docs")
    site.push("docs")
    docs = site.open()
    approval = Approval.of([], site.commit())
    site.github.says(docs, f"{PLAN}\n{approval.line(9999)}\n### phift plan")
    site.merge(docs)
    jobs = site.pushed()
    assert not applied(jobs)
    assert f"belong to {site.github.url}/contoso/models/pull/{number}" in jobs["compare"].log
    for _ in range(10):
        jobs = site.scheduled(site.settings.expire)
        assert {name: job.code for name, job in jobs.items() if job.ran} == {"expire": 0, "resume": 0}, jobs
        if site.project.models():
            break
    assert site.project.models() == ["1"]
    # It never makes changes that nobody has approved.
    moved(site, 4)
    jobs = site.scheduled(site.settings.expire)
    assert jobs["resume"].code == 0
    assert "Nothing to resume" in jobs["resume"].log
