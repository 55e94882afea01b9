"""The workflows of `phift ci github`, run: a stand-in of GitHub, a bare repository, the emulator, and bash."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from site_of_tests import Site

from phift.plan.approval import Approval

PLAN, STOPPED, DRIFT = (f"<!-- phift-{what}:specs -->" for what in ("plan", "stopped", "drift"))
MALLORY = {"login": "mallory", "type": "User"}


def reviewed(site: Site, name: str, old: str = "purpose: test", new: str = "purpose: test, step: one") -> int:
    """A pull request with one edit of the spec, planned."""
    site.switch("main")
    site.branch(name)
    site.project.edit(old, new)
    site.push(name)
    number = site.open()
    jobs = site.planned(number)
    assert jobs["plan"].code == 0, jobs["plan"].log
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
    number = reviewed(site, "first")
    jobs = site.planned(number)
    assert [name for name, job in jobs.items() if job.ran] == ["validate", "plan"]
    first = only(site, number, PLAN)
    assert "**Plan: 5 to add, 0 to change, 0 to destroy.**" in first
    assert "**On merge:** 1 training run on 1 GPU" in first
    assert "applied in environment `production`" in first
    assert "Changes of the rendered spec since main</summary>" in first
    assert "- `train`: unchanged (3 rows)" in first
    assert first.strip() in jobs["plan"].summary
    log = jobs["plan"].log
    assert re.search(r"::stop-commands::(\S+)\n(.*\n)+Plan: 5 to add[^\n]*\n(.*\n)*::\1::\n", log)

    # A push changes the same comment.
    (folder := site.project.folder / "train.jsonl").write_text(folder.read_text().replace("train 0?", "changed?"))
    head = site.push("another row")
    assert site.planned(number)["plan"].code == 0
    second = only(site, number, PLAN)
    assert len(site.github.comments[number]) == 1
    assert "- `train`: **1 changed**, 2 unchanged" in second or "**1 added**, **1 removed**" in second
    approval = Approval.read(second)
    assert approval is not None
    assert approval.commit == head
    assert approval.fingerprint in second.partition("\n###")[2]

    # On merge, the same changes are applied; a second run finds nothing to do.
    site.merge(number)
    jobs = site.pushed()
    assert applied(jobs)
    assert jobs["apply"].environment == "production"
    assert site.project.models() == ["1"]
    jobs = site.pushed()
    assert not applied(jobs)
    assert "No changes." in jobs["compare"].log

    # Drift is one issue, which is updated, and closed.
    tags = {"properties": {"properties": {"scaleSettings": {"maxNodeCount": 4}}}}
    change(site, tags)
    cron = site.settings.drift
    jobs = site.scheduled(cron)
    assert [name for name, job in jobs.items() if job.ran] == ["drift"]
    (issue,) = site.github.open_issues()
    assert issue["title"] == f"phift: drift in {site.project.stack}"
    assert issue["body"].startswith(DRIFT)
    assert "max_instances: 1 -> 4" in issue["body"]
    site.github.issues.insert(0, {**issue, "number": 1, "user": MALLORY})
    change(site, {"properties": {"properties": {"scaleSettings": {"maxNodeCount": 5}}}})
    assert site.scheduled(cron)["drift"].code == 0
    assert [one["number"] for one in site.github.open_issues()] == [1, issue["number"]]
    assert "max_instances: 1 -> 5" in issue["body"]
    change(site, {"properties": {"properties": {"scaleSettings": {"maxNodeCount": 1}}}})
    jobs = site.scheduled(cron)
    assert jobs["drift"].code == 0
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    assert "No drift" in issue["body"]
    assert site.scheduled(cron)["drift"].code == 0
    assert [one["number"] for one in site.github.open_issues()] == [1], "an issue of somebody else is left alone"


def change(site: Site, document: dict[str, Any]) -> None:
    """Change the cluster outside phift."""
    azure = site.project.embedded.azure()
    path = f"{azure.workspace.arm_id}/computes/{site.project.stack}-gpu"
    found = azure.arm.get(path, "2024-10-01")
    scale = document["properties"]["properties"]["scaleSettings"]
    found["properties"]["properties"]["scaleSettings"].update(scale)
    azure.arm.put(path, "2024-10-01", found)


def test_a_tree_that_changed_since_the_review_is_not_applied(site: Site) -> None:
    """Somebody else merges first: both reviews were right, and the second one no longer is."""
    one = reviewed(site, "one")
    two = reviewed(site, "two", "max_instances: 1", "max_instances: 2")
    site.merge(one)
    assert applied(site.pushed())
    site.merge(two)
    said = stopped(site, site.pushed(), two)
    assert "differs from the one in pull request 2" in said
    assert "`compute.finetune`: create was approved, but update is planned" in said
    assert f"stack `{site.project.stack}`, `job.finetune`: run was approved, but is no longer planned" in said
    assert "empty commit" in said
    # The remedy of the message: a pull request that shows what is left.
    site.branch("again")
    site.push("again")
    three = site.open()
    assert site.planned(three)["plan"].code == 0
    assert "`max_instances`: `1` → `2`" in only(site, three, PLAN)
    site.merge(three)
    assert applied(site.pushed())


@pytest.mark.parametrize("how", ["squash", "rebase"])
def test_squashed_and_rebased_pull_requests_are_found(site: Site, how: str) -> None:
    number = reviewed(site, "one")
    site.push("a second commit of the pull request")
    assert site.planned(number)["plan"].code == 0
    site.github.unconnected = 1
    site.merge(number, how)
    jobs = site.pushed()
    assert jobs["compare"].code == 0, jobs["compare"].log
    assert jobs["compare"].outputs == {"changes": "true"}


def test_what_is_not_trusted_is_not_applied(site: Site) -> None:
    number = reviewed(site, "one")
    comment = site.github.comments[number][0]
    genuine = only(site, number, PLAN)
    site.merge(number)

    # A forged comment of a stranger is not read, wherever it stands.
    site.github.comments[number].clear()
    site.github.says(number, genuine, MALLORY)
    site.github.says(number, genuine, {"login": "github-actions", "type": "User"})
    assert "was merged without a plan" in stopped(site, site.pushed(), number)
    assert len([b for b in site.github.bodies(number) if b.startswith(PLAN)]) == 2

    # The comment of the workflow, edited by somebody else.
    site.github.comments[number][:] = [comment]
    site.github.edits(comment, genuine, "mallory")
    assert "was edited by mallory" in stopped(site, site.pushed(), number)
    site.github.edits(comment, genuine, "github-actions")
    assert "was edited by github-actions" in stopped(site, site.pushed(), number), "a user of that name is not the app"

    # A plan of an earlier commit.
    comment["editor"] = None
    head = site.github.pulls[number]["head"]
    head["sha"], before = "f" * 40, head["sha"]
    assert "is not of its last commit" in stopped(site, site.pushed(), number)

    # A damaged approval, and one of another plan.
    head["sha"] = before
    comment["body"] = genuine.replace("phift-approval ", "phift-approval x")
    assert "does not contain a plan" in stopped(site, site.pushed(), number)
    approval = Approval.read(genuine)
    assert approval is not None
    forged = replace(approval, fingerprint="0" * 32, stacks={site.project.stack: "0" * 32}, resources={})
    comment["body"] = genuine.replace(approval.line(9999), forged.line(9999))
    assert "differs from the approved plan" in stopped(site, site.pushed(), number)

    # A commit that no pull request brought.
    site.github.brought.clear()
    comment["body"] = genuine
    site.push("directly")
    jobs = site.pushed()
    assert jobs["compare"].code == 5
    assert "is not the merge of a pull request" in jobs["compare"].log
    assert site.project.models() == []


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
    site.project.edit("min_instance:", "min_instances:")
    site.push("fixed")
    assert site.planned(number)["validate"].code == 0
    site.merge(number)
    assert "The workflow plans neither a pull request from a fork" in stopped(site, site.pushed(), number)
    assert not site.planned(site.open(), actor="dependabot[bot]")["plan"].ran


def test_a_spec_that_cannot_be_planned_fails_and_says_so_in_the_comment(site: Site) -> None:
    site.branch("broken")
    site.project.edit("learning_rate: 0.008", "learning_rat: 0.008")
    site.push("broken")
    number = site.open()
    jobs = site.planned(number)
    assert jobs["plan"].code == 4
    body = only(site, number, PLAN)
    assert "**error**" in body
    assert "unknown parameter \\`learning\\_rat\\`" in body or "unknown parameter \\`learning_rat\\`" in body
    assert f"{site.github.url}/contoso/models/blob/{site.commit()}/specs/spec.yaml#L" in body
    assert "::error file=specs/spec.yaml" in jobs["plan"].log


def test_a_long_training_is_resumed_on_a_schedule(site: Site) -> None:
    site.install(replace(site.settings, no_wait=True))
    site.push("without waiting")
    number = reviewed(site, "one")
    assert "does not wait for the training" in only(site, number, PLAN)
    site.merge(number)
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
    # A resume never makes changes that nobody has approved.
    change(site, {"properties": {"properties": {"scaleSettings": {"maxNodeCount": 4}}}})
    jobs = site.scheduled(site.settings.expire)
    assert jobs["resume"].code == 0
    assert "Nothing to resume" in jobs["resume"].log


def test_a_request_is_repeated_and_a_missing_permission_is_named(site: Site) -> None:
    number = reviewed(site, "one")
    site.github.failures[:] = [502]
    assert site.planned(number)["plan"].code == 0
    text = (path := site.folder / ".github/workflows/phift.yml").read_text()
    path.write_text(text.replace("pull-requests: write # writes the comment", "pull-requests: read"))
    site.project.edit("step: one", "step: two")
    site.push("two")
    jobs = site.planned(number)
    assert jobs["plan"].code == 1
    assert "failed with status 403" in jobs["plan"].log
    assert "Resource not accessible by integration (pull-requests: write)" in jobs["plan"].log
