"""Which plans `phift ci apply` applies after a merge, and why it stops."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from phift.address import Address
from phift.apply.options import ApplyOptions
from phift.cli.ci.merge import Merge, merge
from phift.cli.ci.run import Run, key_of
from phift.cli.terminal import Terminal
from phift.errors import NotFoundError, StalePlanError
from phift.exits import ExitCode
from phift.forge import Comment, Issue, Pull
from phift.ledger.journal import Record
from phift.ledger.words import ApplyOutcome
from phift.phases import ManyPlans, Request
from phift.phases.results import Planned, Unplanned
from phift.plan.action import Action, ChangeAction
from phift.plan.approval import Approval
from phift.plan.model import FieldChange, Plan, PlannedResource
from phift.workbench.open import Workbench

HEAD, COMMIT, EARLIER = "b" * 40, "a" * 40, "c" * 40


def resource(kind: str, action: Action, wanted: int = 2) -> PlannedResource:
    changes = (FieldChange("n", wanted, 1, ChangeAction.UPDATE),) if action is Action.UPDATE else ()
    return PlannedResource(Address(kind, "a"), action, "it", changes=changes)


def plan(*resources: PlannedResource, stack: str = "s") -> Plan:
    return Plan(stack, "prod", "rg/ws", "s.yaml", "r", "0", "2026-03-01T10:00:00Z", resources=resources)


TRAINS = plan(resource("compute", Action.UPDATE), resource("job", Action.RUN), resource("model", Action.CREATE))
REST = plan(resource("job", Action.ADOPT), resource("model", Action.CREATE))
NOTHING = plan()


@dataclass
class Forge:
    """A service with pull requests by commit, and the plan comment of each."""

    pulls: dict[str, list[Pull]] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    posted: dict[int, str] = field(default_factory=dict)
    commit: str = COMMIT
    run_url: str = "https://example.test/run"
    has_issues: bool = True
    summary: str = ""
    output: str = ""
    shows_summary: str = ""

    def sets(self, name: str, value: str) -> str:
        return ""

    def source_url(self, commit: str) -> str:
        return ""

    def pull(self) -> Pull | None:
        return None

    def merged_pulls(self, commit: str, *, patient: bool = False) -> list[Pull]:
        return self.pulls.get(commit, [])

    def comment(self, number: int, marker: str) -> Comment | None:
        assert marker == "<!-- phift-plan:k -->"
        return self.comments.get(number)

    def write_comment(self, number: int, marker: str, body: str) -> str:
        assert body.startswith(f"{marker}\n")
        self.posted[number] = body
        return "url"

    def write_issue(self, marker: str, title: str, body: str) -> Issue:
        raise AssertionError("no issue")

    def close_issue(self, marker: str, body: str) -> Issue | None:
        raise AssertionError("no issue")


@dataclass
class Case:
    """now: the plan of the merged tree, None if it could not be planned. applied: the number of applies. last: the
    apply in the ledger."""

    forge: Forge
    folder: Path
    now: Plan | None = None
    applied: int = 0
    code: int = 0
    last: Record | None = None

    def approve(self, approved: Plan, *, number: int = 1, commit: str = COMMIT, head: str = HEAD, **more: Any) -> None:
        """A pull request, merged by a commit, whose comment shows a plan."""
        self.forge.pulls.setdefault(commit, []).append(Pull(number, HEAD, f"url{number}", commit))
        self.forge.comments[number] = Comment(f"m\n{Approval.of([approved], head, **more).line(9999)}", "url")

    def run(self, **options: bool) -> int:
        wait = not options.pop("no_wait", False)
        run = Run([Request(self.folder / "s.yaml")], cast(Any, None), Terminal.of(), self.forge, "k")
        return merge(run, Merge(**options), ApplyOptions(wait=wait))

    def stopped(self, number: int | None = 1) -> str:
        """The reason why nothing is applied, and what is posted."""
        with pytest.raises(StalePlanError) as caught:
            self.run()
        assert not self.applied
        assert list(self.forge.posted) == ([] if number is None else [number])
        posted = self.forge.posted.get(number or 0, "")
        assert number is None or posted.startswith("<!-- phift-stopped:k -->\n### phift apply: stopped")
        return f"{caught.value}\n{posted}"


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Case:
    made = Case(Forge(output=str(tmp_path / "output"), summary=str(tmp_path / "summary")), tmp_path)

    def plan_several(requests: list[Request], *_: Any, **__: Any) -> ManyPlans:
        if made.now is None:
            found = (
                Planned(requests[0], "s", TRAINS, cast(Workbench, None)),
                Unplanned(requests[0], NotFoundError("x"), "t"),
            )
            return ManyPlans(found)
        return ManyPlans((Planned(requests[0], "s", made.now, cast(Workbench, None)),))

    def apply_several(*_: Any, **__: Any) -> int:
        made.applied += 1
        return made.code

    monkeypatch.setattr("phift.phases.last_apply", lambda planned: made.last)
    monkeypatch.setattr("phift.cli.ci.merge.plan_several", plan_several)
    monkeypatch.setattr("phift.cli.ci.merge.apply_several", apply_several)
    monkeypatch.setattr("phift.cli.ci.merge._commits", lambda run: [COMMIT, EARLIER])
    return made


def begun(commit: str = COMMIT, outcome: ApplyOutcome | None = ApplyOutcome.DETACHED) -> Record:
    return Record("apply", "2026-03-01T10:00:00Z", "", outcome, plan={}, holder={"commit": commit})


def output(case: Case) -> str:
    return Path(case.forge.output).read_text()


def test_the_approved_changes_are_applied(case: Case) -> None:
    case.now = TRAINS
    case.approve(TRAINS)
    assert case.run(dry_run=True) == 0
    assert (case.applied, output(case)) == (0, "changes=true\n")
    assert "Plan: 2 to add, 1 to change" in Path(case.forge.summary).read_text()
    assert case.run() == 0
    assert case.applied == 1
    assert case.forge.posted == {}


def test_the_exit_code_is_that_of_the_apply_but_detaching_was_asked_for(case: Case) -> None:
    case.now = TRAINS
    case.approve(TRAINS)
    case.code = ExitCode.ROLLED_BACK
    assert case.run() == ExitCode.ROLLED_BACK
    case.code = ExitCode.DETACHED
    assert case.run() == ExitCode.DETACHED
    assert case.run(no_wait=True) == 0


def test_a_plan_without_changes_needs_no_approval(case: Case) -> None:
    case.now = NOTHING
    assert case.run() == 0
    assert (case.applied, output(case)) == (0, "changes=false\n")


def test_other_changes_are_posted_and_not_applied(case: Case) -> None:
    case.now = plan(resource("compute", Action.UPDATE, wanted=3), resource("endpoint", Action.CREATE))
    case.approve(TRAINS)
    said = case.stopped()
    assert "the plan of the merged tree differs from the one in pull request 1" in said
    assert "- stack `s`, `compute.a`: update with other values than approved" in said
    assert "- stack `s`, `endpoint.a`: create is planned, but was not approved" in said
    assert "- stack `s`, `model.a`: create was approved, but is no longer planned" in said
    assert output(case) == "changes=false\n"
    assert "phift apply: stopped" in Path(case.forge.summary).read_text()


def test_part_of_the_approved_changes_is_not_the_same(case: Case) -> None:
    case.now = plan(resource("compute", Action.UPDATE))
    case.approve(TRAINS)
    assert "no longer planned" in case.stopped()


def test_a_stack_that_could_not_be_planned_stops_all(case: Case) -> None:
    case.approve(TRAINS)
    assert "1 stacks could not be planned" in case.stopped()
    case.now = TRAINS
    case.approve(TRAINS, failed=1)
    case.forge.pulls[COMMIT].pop()
    assert "could not be planned when the plan was approved" in case.stopped()


def test_only_the_plan_of_the_last_commit_counts(case: Case) -> None:
    case.now = TRAINS
    case.approve(TRAINS, head="d" * 40)
    said = case.stopped()
    assert "the plan of pull request 1 is not of its last commit" in said
    assert "It is of dddddddddddd; merged was bbbbbbbbbbbb." in said


def test_a_missing_edited_or_damaged_comment_stops(case: Case) -> None:
    case.now = TRAINS
    case.approve(TRAINS)
    genuine = case.forge.comments[1]
    case.forge.comments[1] = replace(genuine, edited_by="mallory")
    assert "the plan of pull request 1 was edited by mallory" in case.stopped()
    case.forge.comments[1] = replace(genuine, body="m\n<!-- phift-approval AAAA -->")
    assert "does not contain a plan that this release of phift reads" in case.stopped()
    case.forge.comments.clear()
    assert "pull request 1 was merged without a plan" in case.stopped()


def test_what_no_pull_request_brought_is_not_applied(case: Case) -> None:
    case.now = TRAINS
    case.approve(TRAINS, commit=EARLIER)
    assert "commit aaaaaaaaaaaa is not the merge of a pull request" in case.stopped(None)


def test_two_pull_requests_of_one_commit_are_ambiguous(case: Case) -> None:
    case.now = TRAINS
    case.approve(TRAINS)
    case.approve(TRAINS, number=2)
    assert "is not the merge of a pull request" in case.stopped(None)


def test_a_resume_applies_the_rest_and_nothing_else(case: Case) -> None:
    case.now = REST
    case.approve(TRAINS)
    assert "differs" in case.stopped()
    case.last = begun()
    assert case.run(resume=True) == 0
    assert case.applied == 1
    case.now = plan(*REST.resources, resource("endpoint", Action.CREATE))
    case.forge.posted.clear()
    assert case.run(resume=True) == 0
    assert case.applied == 1
    assert case.forge.posted == {}, "the job of the merge has reported it"
    assert output(case).splitlines()[-1] == "changes=false"


@pytest.mark.parametrize(
    "last",
    [None, begun("f" * 40), begun(EARLIER), begun(outcome=ApplyOutcome.DONE)],
    ids=["no", "other", "old", "done"],
)
@pytest.mark.parametrize("now", [TRAINS, REST], ids=["all", "rest"])
def test_a_schedule_never_begins_an_apply(
    case: Case, last: Record | None, now: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    """The environment of a schedule has no reviewers: those of the apply job have to approve first."""
    case.now, case.last = now, last
    case.approve(TRAINS)
    assert case.run(resume=True) == 0
    assert case.applied == 0
    assert "Nothing to resume: no apply of pull request 1 is waiting to be continued" in capsys.readouterr().out
    assert output(case) == "changes=false\n"


def test_a_pull_request_without_changes_leaves_the_one_before_in_force(case: Case) -> None:
    case.approve(NOTHING, number=2)
    case.approve(TRAINS, number=1, commit=EARLIER)
    for now in (REST, TRAINS):
        case.now = now
        assert case.run() == 0
        assert (case.applied, output(case).splitlines()[-1]) == (0, "changes=false")
    case.last = begun(EARLIER)
    assert case.run(resume=True) == 0
    assert case.applied == 1
    case.now = plan(resource("endpoint", Action.CREATE))
    case.applied = 0
    assert "differs from the one in pull request 2" in case.stopped(2)


def test_the_earlier_commits_of_a_rebase_are_not_a_gap(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    middle = "e" * 40
    monkeypatch.setattr("phift.cli.ci.merge._commits", lambda run: [COMMIT, middle, EARLIER])
    case.now = REST
    case.approve(NOTHING, number=2)
    case.approve(TRAINS, number=1, commit=EARLIER)
    assert "differs" in case.stopped(2), "a commit that came otherwise ends the search"
    case.forge.posted.clear()
    case.forge.pulls[middle] = case.forge.pulls[COMMIT]
    case.last = begun(EARLIER)
    assert case.run(resume=True) == 0
    assert case.applied == 1


@pytest.mark.parametrize(
    ("specs", "target", "key"),
    [
        (["specs"], None, "specs"),
        (["specs/"], "prod", "specs.prod"),
        (["a/b_c.yaml", "d.yaml"], None, "a-b-c.yaml-d.yaml"),
        (["specs/*.yaml"], None, "specs-.yaml"),
        (["."], None, "specs"),
    ],
)
def test_the_key_of_specs_ends_no_marker(specs: list[str], target: str | None, key: str) -> None:
    found = key_of(map(Path, specs), target)
    assert found == key
    assert "--" not in found
